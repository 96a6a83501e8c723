"""Every address: the API under /api/v1/, apps of your own beside it, and the admin."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from common.api import problems, views
from common.apps import extra_routes

version_1: list[URLPattern | URLResolver] = [
    path("schema", views.SchemaView.as_view(), name="schema"),
    path("docs", views.DocumentationView.as_view(), name="docs"),
    path("", include("conversations.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("consent.api.urls")),
    path("", include("operations.api.privacy_urls")),
    path("", include("access.api.urls")),
    path("", include("querycache.api.urls")),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs"), name="home"),
    path("favicon.ico", lambda request: HttpResponse(status=204)),
    path("admin/", admin.site.urls),
    path("api/v1/", include(version_1)),
    path("", include("operations.api.urls")),
    *extra_routes(),
    # An unknown address below these is answered with a problem body, with DEBUG on as well.
    re_path(r"^(?:api|health)(?:/|$)", csrf_exempt(problems.not_found), name="unmatched"),
]

handler400 = "common.api.problems.bad_request"
handler403 = "common.api.problems.permission_denied"
handler404 = "common.api.problems.not_found"
handler500 = "common.api.problems.server_error"

from django.urls import path

from access.api.views import PersonViewSet

urlpatterns = [
    path("persons", PersonViewSet.as_view({"get": "list"}), name="persons"),
    # An id of an identity provider may hold a slash.
    path(
        "persons/<path:user_id>/move", PersonViewSet.as_view({"post": "move"}), name="person-move"
    ),
    path(
        "persons/<path:user_id>",
        PersonViewSet.as_view({"get": "retrieve", "patch": "update"}),
        name="person",
    ),
]

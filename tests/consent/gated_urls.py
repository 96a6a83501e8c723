"""Gated acts of every kind, for the tests of consent/gates.py."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views import View
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from config import urls
from consent.gates import requires_consent

done: list[str] = []


@requires_consent("history_storage")
def keep(*, user_id: str | None) -> str:
    done.append("kept")
    return "kept"


@requires_consent("history_storage", "training_use")
def train(*, user_id: str) -> str:
    done.append("trained")
    return "trained"


@requires_consent("history_storage")
def nobodys() -> None:
    done.append("nobody's")


@requires_consent("history_storage")
def plain(request: HttpRequest, user_id: str = "") -> HttpResponse:
    done.append("plain")
    return HttpResponse("plain")


class Plain(View):
    @requires_consent("history_storage")
    def get(self, request: HttpRequest) -> HttpResponse:
        done.append("class")
        return HttpResponse("class")


class Gated(ViewSet):
    required_scopes: ClassVar[dict[str, str]] = {"retrieve": "consent:read"}

    @requires_consent("history_storage")
    def retrieve(self, request: Request) -> Response:
        done.append("viewset")
        return Response({})


gated: list[Any] = [
    path("api/gated/plain", plain),
    path("api/gated/plain/<str:user_id>", plain),
    path("api/gated/class", Plain.as_view()),
    path("api/gated/viewset", Gated.as_view({"get": "retrieve"})),
]
urlpatterns = [*gated, *urls.urlpatterns]
handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500

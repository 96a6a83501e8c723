"""Routes that fail, for the tests of what an answer says then."""

from decimal import Decimal
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config import urls

SECRET = "password=hunter2"
FAILURES: dict[str, Exception] = {
    "bug": RuntimeError(SECRET),
    "unreachable": OperationalError(SECRET),
    "closed": InterfaceError(SECRET),
    "absent": Http404(SECRET),
    "forbidden": PermissionDenied(SECRET),
}


def plain_failure(request: HttpRequest, name: str) -> HttpResponse:
    raise FAILURES[name]


class OpenView(APIView):
    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []


class Failure(OpenView):
    def get(self, request: Request, name: str) -> Response:
        raise FAILURES[name]


class UnknownType(OpenView):
    def get(self, request: Request) -> Response:
        return Response({"price": Decimal("1.10")})


class Numbers(OpenView):
    class Body(serializers.Serializer[Any]):
        numbers = serializers.ListField(child=serializers.IntegerField())

    def post(self, request: Request) -> Response:
        body = self.Body(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(body.validated_data)


urlpatterns = [
    path("api/plain/<str:name>", plain_failure),
    path("api/view/<str:name>", Failure.as_view()),
    path("api/unknown-type", UnknownType.as_view()),
    path("api/numbers", Numbers.as_view()),
    path("pages/<str:name>", plain_failure),
    *urls.urlpatterns,
]
handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500

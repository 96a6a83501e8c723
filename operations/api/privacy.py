"""A person's rights: a copy of everything that is held about them, and its erasure."""

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.viewsets import ViewSet

from access.authentication import CallerRequest
from access.scopes import OWN_DATA
from common.api import openapi
from common.api.openapi import example
from common.api.serializers import StrictSerializer, Text, validated
from common.api.wire import Response
from operations import privacy, services

MANAGE = "privacy:manage"
REFUSED = (
    "Staff keep a conversation of the person for now: `legal_hold`; or their account is frozen:"
    " `account_frozen`."
)


@example({"confirm": "ann"})
class EraseRequest(StrictSerializer):
    confirm = Text(max_length=128, help_text="The person's id once more, as in X-User-Id.")


class ErasureResponse(serializers.Serializer[Any]):
    reference = serializers.CharField(help_text="What stands in the kept rows instead of the id.")
    erased = serializers.DictField(child=serializers.IntegerField(), help_text="Rows by table.")
    kept = serializers.DictField(child=serializers.IntegerField(), help_text="Rows by table.")


class PrivacyViewSet(ViewSet):
    required_scopes = {"export": (MANAGE, OWN_DATA), "erase": MANAGE}

    @extend_schema(
        responses={
            200: OpenApiResponse(
                OpenApiTypes.OBJECT, description="By app, by table: every row of the person."
            )
        },
        parameters=[openapi.answer_header("Content-Disposition", 200)],
        tags=["privacy"],
    )
    def export(self, request: CallerRequest) -> StreamingHttpResponse:
        """Everything that is held about the person, as one JSON document."""
        return StreamingHttpResponse(
            privacy.export(request.user_id, at=timezone.now()),
            content_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="export.json"'},
        )

    @extend_schema(
        request=EraseRequest,
        responses={200: ErasureResponse, 409: OpenApiResponse(description=REFUSED)},
        tags=["privacy"],
    )
    def erase(self, request: CallerRequest) -> Response:
        """Forget the person. It cannot be undone; docs/privacy.md says what goes and what stays."""
        body = validated(EraseRequest, request.data)
        if body["confirm"] != request.user_id:
            raise serializers.ValidationError(
                {"confirm": ["This is not the id of the person in X-User-Id."]}
            )
        erasure = services.erase_person(
            user_id=request.user_id, actor=request.auth.actor, at=timezone.now()
        )
        return Response({"reference": erasure.reference, **erasure.counts})

"""The routes of persons: when they were first seen, what applications call them, their move."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers as drf
from rest_framework.viewsets import ViewSet

from access.api import serializers
from access.authentication import CallerRequest
from access.models import Person, PersonMove, PersonReference
from access.permissions import HasScope, IsService
from access.services import persons as access_persons
from common import request_context
from common.api import pagination
from common.api.serializers import validated
from common.api.wire import Response
from common.errors import NotFound
from common.models import validate_user_id

USER_ID = OpenApiParameter(
    "user_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="Percent-encoded in UTF-8."
)
COLUMNS = ("id", "user_id", "first_seen_at", "note")
MOVE_REFUSED = {
    404: OpenApiResponse(description="The person is not known here: `not_found`."),
    409: OpenApiResponse(description="`to` has records of its own: `person_exists`."),
}
TOO_MANY = {
    422: OpenApiResponse(description="With these the person has too many: `too_many_references`.")
}


class PersonViewSet(ViewSet):
    """For service keys alone; the person stands in the address, not in X-User-Id."""

    required_scopes = {
        "list": "persons:read",
        "retrieve": "persons:read",
        "update": "persons:write",
        "move": "persons:write",
    }
    permission_classes = [HasScope, IsService]
    acts_for_person = False

    @extend_schema(
        parameters=[serializers.PersonQuery], responses=serializers.PersonsPage, tags=["persons"]
    )
    def list(self, request: CallerRequest) -> Response:
        """Who is known, the latest first; those with this reference, or with this id before."""
        wanted = validated(serializers.PersonQuery, request.query_params)
        persons = Person.objects.living()
        if "reference" in wanted:
            name, colon, value = wanted["reference"].partition(":")
            if not colon:
                raise drf.ValidationError({"reference": ["Give name:value."]})
            persons = persons.with_reference(name, value)
        if "moved_from" in wanted:
            persons = persons.moved_from(wanted["moved_from"])
        rows, following = pagination.page(
            request,
            persons.values(*COLUMNS),
            order="-id",
            limit=wanted["limit"],
            cursor=wanted.get("cursor"),
        )
        return Response({"results": _shown(rows), "next": following})

    @extend_schema(
        parameters=[USER_ID],
        responses=serializers.KnownPersonResponse,
        operation_id="persons_retrieve",
        tags=["persons"],
    )
    def retrieve(self, request: CallerRequest, user_id: str) -> Response:
        """One person. 404 for whoever was never seen, or was erased."""
        request_context.note_caller(actor=request.auth.actor, user_id=user_id)
        return Response(_person(user_id))

    @extend_schema(
        parameters=[USER_ID],
        request=serializers.PersonRequest,
        responses={200: serializers.KnownPersonResponse, **TOO_MANY},
        operation_id="persons_update",
        tags=["persons"],
    )
    def update(self, request: CallerRequest, user_id: str) -> Response:
        """Say what you call a person, and a note for staff. Makes whoever was never seen."""
        request_context.note_caller(actor=request.auth.actor, user_id=user_id)
        drf.CharField(validators=[validate_user_id], trim_whitespace=False).run_validation(user_id)
        body = validated(serializers.PersonRequest, request.data)
        access_persons.change_person(user_id=user_id, **body)
        return Response(_person(user_id))

    @extend_schema(
        parameters=[USER_ID],
        request=serializers.MoveRequest,
        responses={200: serializers.KnownPersonResponse, **MOVE_REFUSED},
        operation_id="persons_move",
        tags=["persons"],
    )
    def move(self, request: CallerRequest, user_id: str) -> Response:
        """Let all records of a person belong to another id, one without records of its own."""
        request_context.note_caller(actor=request.auth.actor, user_id=user_id)
        _require_searchable(user_id)
        body = validated(serializers.MoveRequest, request.data)
        to = body["to"]
        access_persons.move_person(
            user_id=user_id, to=to, actor=request.auth.actor, at=timezone.now()
        )
        return Response(_person(to))


def _person(user_id: str) -> dict[str, Any]:
    _require_searchable(user_id)
    row = Person.objects.filter(user_id=user_id).values(*COLUMNS).first()
    if row is None:
        raise NotFound(access_persons.UNKNOWN)
    return _shown([row])[0]


def _require_searchable(user_id: str) -> None:
    if "\0" in user_id:  # which PostgreSQL refuses to look for
        raise NotFound(access_persons.UNKNOWN)


def _shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    references: dict[int, dict[str, str]] = {row["id"]: {} for row in rows}
    found = PersonReference.objects.filter(person__in=references).order_by("name")
    for key, name, value in found.values_list("person_id", "name", "value"):
        references[key][name] = value
    ids_before: dict[int, list[str]] = {row["id"]: [] for row in rows}
    moves = PersonMove.objects.filter(person__in=ids_before).order_by("pk")
    for key, moved_from in moves.values_list("person_id", "moved_from"):
        ids_before[key].append(moved_from)
    return [
        {
            "user_id": row["user_id"],
            "first_seen_at": row["first_seen_at"],
            "references": references[row["id"]],
            "note": row["note"],
            "moved_from": ids_before[row["id"]],
        }
        for row in rows
    ]

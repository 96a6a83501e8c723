"""What applications may say of a person, and what they get."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from access.models import (
    REFERENCE_NAME_MAX_LENGTH,
    REFERENCE_VALUE_MAX_LENGTH,
    REFERENCES_MAX,
)
from common.api.openapi import example
from common.api.pagination import ListQuery, PageResponse
from common.api.serializers import StrictSerializer, Text
from common.models import USER_ID_MAX_LENGTH, validate_user_id

NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{REFERENCE_NAME_MAX_LENGTH}}}")
NOTE_MAX_LENGTH = 5000


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": REFERENCE_VALUE_MAX_LENGTH,
        },
        "maxProperties": REFERENCES_MAX,
    }
)
class References(serializers.Field):  # type: ignore[type-arg]
    """Names and values; a value of null takes its name away."""

    default_error_messages = {
        "not_an_object": "Give a JSON object of names and values.",
        "too_many": f"Name at most {REFERENCES_MAX} references at once.",
        "name": f"A name has 1 to {REFERENCE_NAME_MAX_LENGTH} letters, digits or . _ - : {{name}}",
        "value": f"A value is text of 1 to {REFERENCE_VALUE_MAX_LENGTH} characters, or null:"
        " {name}",
    }

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        if len(data) > REFERENCES_MAX:
            self.fail("too_many")
        for name, value in data.items():
            if not NAME.fullmatch(name):
                self.fail("name", name=repr(name[:100]))
            if value is not None and not _is_value(value):
                self.fail("value", name=name)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


def _is_value(value: Any) -> bool:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    return len(value) <= REFERENCE_VALUE_MAX_LENGTH


@example({"references": {"customer": "C-1041"}, "note": "Prefers to be written to."})
class PersonRequest(StrictSerializer):
    references = References(
        required=False,
        help_text="The application's own names for the person, such as a customer number. A value"
        " of null takes one away; those that are not named stay.",
    )
    note = Text(required=False, allow_blank=True, max_length=NOTE_MAX_LENGTH)


@example({"to": "auth0|5f7c8ec7c33c6c004bbafe82"})
class MoveRequest(StrictSerializer):
    to = Text(
        max_length=USER_ID_MAX_LENGTH,
        validators=[validate_user_id],
        help_text="The id that the records belong to from now on.",
    )


class PersonQuery(ListQuery):
    reference = Text(
        required=False,
        max_length=REFERENCE_NAME_MAX_LENGTH + 1 + REFERENCE_VALUE_MAX_LENGTH,
        help_text="`name:value`: only those with this reference.",
    )
    moved_from = Text(
        required=False,
        max_length=USER_ID_MAX_LENGTH,
        help_text="Only those whose records belonged to this id before.",
    )


class KnownPersonResponse(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    first_seen_at = serializers.DateTimeField()
    references = serializers.DictField(child=serializers.CharField())
    note = serializers.CharField(allow_blank=True)
    moved_from = serializers.ListField(
        child=serializers.CharField(), help_text="The ids before, the latest last."
    )


class PersonsPage(PageResponse):
    results = KnownPersonResponse(many=True)

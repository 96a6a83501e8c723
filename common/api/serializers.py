"""Shape and types of requests, strictly: no unknown field, no number taken for a text.

DRF's own fields turn 5 into "5" and "5" into 5; a record must not guess.
"""

import re
import threading
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

# How many unknown fields a refusal names: one answer must not grow with a stranger's body.
SHOWN_UNKNOWN = 10


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses fields it does not know."""

    default_error_messages = {"unknown": "Unknown field. Known fields: {known}."}

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        unknown = [name for name in data if name not in self.fields][:SHOWN_UNKNOWN]
        if unknown:
            known = ", ".join(sorted(self.fields)) or "none"
            message = self.error_messages["unknown"].format(known=known)
            raise serializers.ValidationError({str(name): [message] for name in unknown})
        return values


class _OfThread(threading.local):
    """One serializer of each class for each thread: REST framework copies all fields for a new one,
    and a field asks its serializer for the data, so that no two threads may share it.
    """

    def __init__(self) -> None:
        self.kept: dict[type[serializers.Serializer[Any]], serializers.Serializer[Any]] = {}


_of_thread = _OfThread()


def validated(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """What a body or query says, in the serializer's shape. Raises ValidationError."""
    given = _of_thread.kept.pop(serializer, None) or serializer()
    given.initial_data = data
    try:
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)
    finally:
        for name in ("initial_data", "_validated_data", "_errors"):
            vars(given).pop(name, None)  # a person's, and of this call alone
        _of_thread.kept[serializer] = given


class Text(serializers.CharField):
    """A string, kept as it came: not trimmed. White space alone is as good as nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and not self.allow_blank and not data.strip():
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Identifier(serializers.UUIDField):
    """A UUID as text, in any case."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Integer(serializers.IntegerField):
    """A whole number. Text is taken from a query string alone: digits, and a minus before them."""

    WRITTEN = re.compile(r"-?[0-9]{1,20}")

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, (bool, float)):
            self.fail("invalid")
        if isinstance(data, str) and not (self._in_query() and self.WRITTEN.fullmatch(data)):
            self.fail("invalid")
        return super().to_internal_value(data)

    def _in_query(self) -> bool:
        return hasattr(self.root.initial_data, "getlist")


class BoundedList(serializers.ListField):
    """A list of at most `max_length` items, counted before the first of them is looked at.

    REST framework's own counts last: a million items in 3 MB took it minutes to refuse.
    """

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and self.max_length and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class Boolean(serializers.BooleanField):
    """true or false; not 1, "yes" or "on"."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field({})
class AnyJSON(serializers.JSONField):
    """Any JSON value of the caller's own; null only where the field allows it."""

    def to_internal_value(self, data: Any) -> Any:
        return data


@extend_schema_field({"type": "object", "additionalProperties": True})
class JSONObject(serializers.JSONField):
    """A JSON object of the caller's own."""

    default_error_messages = {"not_an_object": "Give a JSON object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return data


@extend_schema_field(
    {
        "oneOf": [
            {"type": "array", "items": {}},
            {"type": "object", "additionalProperties": True},
        ]
    }
)
class JSONDocument(serializers.JSONField):
    """A JSON list or object of the caller's own, or null."""

    default_error_messages = {"not_a_document": "Give a JSON list or object."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, (dict, list)):
            self.fail("not_a_document")
        return data

"""What clients may send about consent, and what they get."""

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api.openapi import example
from common.api.pagination import ListQuery, PageResponse
from common.api.serializers import BoundedList, Integer, JSONObject, StrictSerializer, Text
from common.models import USER_ID_MAX_LENGTH, validate_user_id
from consent.models import HASH_LENGTH, VERSION_MAX, ConsentEvent
from consent.services.texts import LOCALE, LOCALE_MAX_LENGTH, canonical_locale

EVIDENCE_MAX_BYTES = 8192
MAX_PURPOSES = 50
MAX_PERSONS = 1000


class Locale(Text):
    """A language, with a region where it matters: `en`, `pt-BR`."""

    default_error_messages = {"no_locale": "Give a locale such as en or pt-BR."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LOCALE_MAX_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        locale = super().to_internal_value(data)
        if not LOCALE.fullmatch(locale):
            self.fail("no_locale")
        return canonical_locale(locale)


class Evidence(JSONObject):
    """What else shows the consent, as a JSON object of at most 8 KiB."""

    default_error_messages = {"too_large": f"At most {EVIDENCE_MAX_BYTES} bytes of JSON."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        evidence = super().to_internal_value(data)
        if len(orjson.dumps(evidence)) > EVIDENCE_MAX_BYTES:
            self.fail("too_large")
        return evidence


METHOD_HELP = "How it was said, such as `checkbox` or `button`."


class Method(serializers.RegexField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs |= {"max_length": 50, "help_text": METHOD_HELP, "trim_whitespace": False}
        super().__init__(r"^[A-Za-z][A-Za-z0-9_.-]*\Z", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        method: str = super().to_internal_value(data)
        return method


class LocaleQuery(StrictSerializer):
    locale = Locale(required=False, help_text="The language of the texts that count.")


class AsOfQuery(LocaleQuery):
    at = serializers.DateTimeField(help_text="ISO 8601, with a time zone.")


@example({"policy_version": 1, "method": "checkbox", "evidence": {"page": "/sign-up"}})
class GiveRequest(StrictSerializer):
    policy_version = Integer(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=VERSION_MAX,
        help_text="The text that was shown; none where no text is published.",
    )
    method = Method(required=False)
    evidence = Evidence(required=False)


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": VERSION_MAX},
                {"type": "boolean"},
                {"type": "null"},
            ]
        },
        "minProperties": 1,
        "maxProperties": MAX_PURPOSES,
    }
)
class Answers(serializers.Field):  # type: ignore[type-arg]
    """By purpose: the version agreed to, or true where there is no text; null or false is no."""

    default_error_messages = {
        "invalid": "Give an object of purposes, each with a version, true, false or null.",
        "count": f"Give 1 to {MAX_PURPOSES} purposes.",
        "version": "A version is a whole number from 1; true, false or null are taken as well.",
    }

    def to_internal_value(self, data: Any) -> dict[str, int | bool | None]:
        if not isinstance(data, dict):
            self.fail("invalid")
        if not 1 <= len(data) <= MAX_PURPOSES:
            self.fail("count")
        for answer in data.values():
            is_version = type(answer) is int and 1 <= answer <= VERSION_MAX
            if not (is_version or answer is None or isinstance(answer, bool)):
                self.fail("version")
        return data


@example({"purposes": {"terms": 2, "history_storage": True, "marketing": None}, "method": "button"})
class AnswersRequest(StrictSerializer):
    purposes = Answers()
    method = Method(required=False)
    evidence = Evidence(required=False)


@example({"user_ids": ["ann", "bob"], "purpose": "history_storage"})
class QueryRequest(StrictSerializer):
    user_ids = BoundedList(
        child=Text(min_length=1, max_length=USER_ID_MAX_LENGTH, validators=[validate_user_id]),
        min_length=1,
        max_length=MAX_PERSONS,
    )
    purpose = Text(max_length=50)


class HistoryQuery(ListQuery):
    pass


class ItemResponse(serializers.Serializer[Any]):
    purpose = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]
    granted = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    policy_version = serializers.IntegerField(allow_null=True)
    action_needed = serializers.ChoiceField(["none", "accept", "renew", "update"])


class ConsentResponse(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    purposes = ItemResponse(many=True)


class EventResponse(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    purpose = serializers.CharField()
    action = serializers.ChoiceField(ConsentEvent.Action.choices)
    granted = serializers.BooleanField()
    policy_version = serializers.IntegerField(allow_null=True)
    text_sha256 = serializers.CharField(allow_blank=True)
    source = serializers.ChoiceField(ConsentEvent.Source.choices)  # type: ignore[assignment]
    method = serializers.CharField(allow_blank=True)
    actor = serializers.CharField()
    details_hmac = serializers.CharField(allow_blank=True)
    recorded_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    previous_hash = serializers.CharField(max_length=HASH_LENGTH)
    hash = serializers.CharField(max_length=HASH_LENGTH)


class HistoryPage(PageResponse):
    reference = serializers.CharField(
        allow_null=True, help_text="Stands for the person in every hash; null before any event."
    )
    results = EventResponse(many=True)


class PersonResponse(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    granted = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    policy_version = serializers.IntegerField(allow_null=True)


class QueryResponse(serializers.Serializer[Any]):
    results = PersonResponse(many=True)


class PolicyResponse(serializers.Serializer[Any]):
    purpose = serializers.CharField()
    version = serializers.IntegerField()
    locale = serializers.CharField()
    text = serializers.CharField()
    text_sha256 = serializers.CharField()
    published_at = serializers.DateTimeField()
    material = serializers.BooleanField()


class PoliciesResponse(serializers.Serializer[Any]):
    results = PolicyResponse(many=True)

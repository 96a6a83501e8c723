"""What clients may send to the cache, and what they get."""

import re
from typing import Any

from rest_framework import serializers

from common.api.openapi import example
from common.api.serializers import (
    AnyJSON,
    Boolean,
    BoundedList,
    Integer,
    JSONObject,
    StrictSerializer,
    Text,
)
from querycache.api.parsers import ReceivedJSON
from querycache.models import (
    DEFAULT_NAMESPACE,
    MODEL_MAX_LENGTH,
    NAME_MAX_LENGTH,
    SECONDS_MAX,
    TAG_MAX_LENGTH,
)

LONGEST_WAIT_MS = 30_000
MAX_TAGS = 20
MAX_CREDITS = 10**15
MAX_PRODUCED_MS = 2**31 - 1
NAMESPACE_NAME = re.compile(r"[A-Za-z0-9_.:-]+")


class NamespaceName(Text):
    """The name of a namespace: letters, digits and _ . : -"""

    default_error_messages = {"unfit": "A namespace's name has letters, digits and _ . : - alone."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "default": DEFAULT_NAMESPACE,
                "max_length": NAME_MAX_LENGTH,
                "help_text": "1 to 64 letters, digits and _ . : -; made at first use.",
            }
            | kwargs
        )

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not NAMESPACE_NAME.fullmatch(name):
            self.fail("unfit")
        return name


class Result(AnyJSON):
    """An answer, with the text that it came as."""

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        # What is empty here is not shape, but a refusal of meaning: 422.
        return super().validate_empty_values(data) if data is serializers.empty else (False, data)

    def to_internal_value(self, data: Any) -> Any:
        return data if isinstance(data, ReceivedJSON) else ReceivedJSON(data, "")


class NamespaceQuery(StrictSerializer):
    namespace = NamespaceName()


class KeyRequest(StrictSerializer):
    query = Text(
        help_text="The question. White space at its ends is no part of the key; small and large"
        " letters differ, unless the namespace ignores case."
    )
    context = AnyJSON(  # type: ignore[assignment]
        required=False, allow_null=True, default=None, help_text="What else the answer depends on."
    )
    model = Text(required=False, allow_null=True, default=None, max_length=MODEL_MAX_LENGTH)
    parameters = JSONObject(default=dict, help_text="Temperature, seed, tools and so on.")


@example({"query": "Which database?", "model": "model-a", "parameters": {"temperature": 0}})
class LookupRequest(KeyRequest):
    namespace = NamespaceName()
    wait_ms = Integer(
        default=0,
        min_value=0,
        max_value=LONGEST_WAIT_MS,
        help_text="How long to wait for an answer that another caller is making.",
    )


@example(
    {
        "result": {"text": "Begin with SQLite."},
        "tags": ["databases"],
        "ttl_seconds": 3600,
        "cost_credits": 2,
        "finish_reason": "stop",
    }
)
class StoreRequest(StrictSerializer):
    result = Result(help_text="The answer: any JSON value that is not empty.")
    model = Text(
        required=False, max_length=MODEL_MAX_LENGTH, help_text="Which model really answered."
    )
    tags = BoundedList(
        child=Text(max_length=TAG_MAX_LENGTH),
        required=False,
        max_length=MAX_TAGS,
        help_text="Names by which it can be invalidated.",
    )
    ttl_seconds = Integer(
        required=False,
        min_value=1,
        max_value=SECONDS_MAX,
        help_text="How long it is fresh. Without it, the namespace's default.",
    )
    cost_credits = Integer(
        default=0, min_value=0, max_value=MAX_CREDITS, help_text="What each hit saves."
    )
    produced_ms = Integer(
        required=False, min_value=0, max_value=MAX_PRODUCED_MS, help_text="How long making it took."
    )
    finish_reason = Text(
        required=False,
        allow_null=True,
        max_length=100,
        help_text="How the model ended. One that does not say that the answer is whole is refused.",
    )
    lease = Text(
        required=False, allow_null=True, max_length=100, help_text="The token of the look-up."
    )


@example({"tags": ["databases"]})
class InvalidateRequest(StrictSerializer):
    namespace = NamespaceName()
    tags = BoundedList(
        child=Text(max_length=TAG_MAX_LENGTH), required=False, min_length=1, max_length=200
    )
    model = Text(required=False, max_length=MODEL_MAX_LENGTH)
    all = Boolean(required=False, help_text="true: everything in the namespace.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("tags", "model", "all") if name in values]
        if len(given) != 1 or values.get("all") is False:
            raise serializers.ValidationError({"tags": ["Give one of tags, model or all: true."]})
        return values


class LeaseResponse(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class LookupResponse(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["hit", "stale", "miss", "bypass"])
    key = serializers.CharField()
    result = AnyJSON(allow_null=True)
    age_seconds = serializers.IntegerField(allow_null=True)
    expires_in_seconds = serializers.IntegerField(
        allow_null=True, help_text="Until it is stale; below zero in the stale window."
    )
    lease = LeaseResponse(allow_null=True)


class KeyResponse(serializers.Serializer[Any]):
    key = serializers.CharField()
    canonical = serializers.CharField()


class EntryResponse(serializers.Serializer[Any]):
    key = serializers.CharField()
    namespace = serializers.CharField()
    result = AnyJSON()
    model = serializers.CharField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    cost_credits = serializers.IntegerField()
    produced_ms = serializers.IntegerField(allow_null=True)
    byte_size = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    fresh_until = serializers.DateTimeField()
    stale_until = serializers.DateTimeField()


class InvalidateResponse(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    epoch = serializers.IntegerField()


class CacheStatisticsResponse(serializers.Serializer[Any]):
    cache_hits = serializers.IntegerField()
    cache_misses = serializers.IntegerField()
    hit_rate_percent = serializers.FloatField()
    total_requests = serializers.IntegerField()
    cache_size = serializers.IntegerField()
    active_entries = serializers.IntegerField()
    expired_entries = serializers.IntegerField()
    oldest_entry = serializers.DateTimeField(allow_null=True)
    newest_entry = serializers.DateTimeField(allow_null=True)
    average_ttl_seconds = serializers.FloatField()
    credits_saved = serializers.IntegerField()

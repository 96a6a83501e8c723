"""What clients may send about usage and credits, and what they get."""

from typing import Any

from rest_framework import serializers

from billing.models import AMOUNT_MAX, LIMIT_MAX, CreditHold, CreditTransaction
from common.api.openapi import example
from common.api.pagination import ListQuery, PageResponse
from common.api.serializers import BoundedList, Integer, JSONObject, StrictSerializer, Text

MAX_BATCH = 500
MAX_DESCRIPTION = 2000
# What callers may write themselves; the other types are ours.
WRITTEN_TYPES = ("deduct", "grant", "purchase", "adjustment")


class Amount(Integer):
    """A number of credits or calls, from 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": AMOUNT_MAX} | kwargs)


class UsageCheckQuery(StrictSerializer):
    amount = Amount(default=1, max_value=LIMIT_MAX)


@example({"amount": 1})
class IncrementRequest(StrictSerializer):
    amount = Amount(default=1, max_value=LIMIT_MAX)


@example({"tier": "pro", "reason": "Ticket 4431"})
class UpdateUsageRequest(StrictSerializer):
    tier = Text(required=False, max_length=50)
    daily_limit = Integer(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=LIMIT_MAX,
        help_text="null: unlimited",
    )
    monthly_limit = Integer(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=LIMIT_MAX,
        help_text="null: unlimited",
    )
    reason = Text(max_length=MAX_DESCRIPTION, help_text="Why; kept with the actor.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if set(values) <= {"reason"}:
            raise serializers.ValidationError(
                {"tier": ["Give tier, daily_limit or monthly_limit."]}
            )
        return values


class UsageResponse(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    tier = serializers.CharField()
    daily_used = serializers.IntegerField()
    daily_limit = serializers.IntegerField(allow_null=True, help_text="null: unlimited")
    monthly_used = serializers.IntegerField()
    monthly_limit = serializers.IntegerField(allow_null=True, help_text="null: unlimited")
    total_queries = serializers.IntegerField()
    daily_resets_at = serializers.DateTimeField()
    monthly_resets_at = serializers.DateTimeField()


class UsageCheckResponse(UsageResponse):
    allowed = serializers.BooleanField()
    reason = serializers.ChoiceField(["daily", "monthly"], allow_null=True)


class CreditStatusResponse(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    tier = serializers.CharField()
    available_credits = serializers.IntegerField()
    held_credits = serializers.IntegerField()
    max_credits = serializers.IntegerField()
    is_guest = serializers.BooleanField()
    can_reset = serializers.BooleanField()
    next_reset_time = serializers.DateTimeField(allow_null=True)


@example({"type": "deduct", "amount": 2, "description": "Answer"})
class TransactionRequest(StrictSerializer):
    type = serializers.ChoiceField(WRITTEN_TYPES)
    amount = Integer(
        min_value=-AMOUNT_MAX,
        max_value=AMOUNT_MAX,
        help_text="Positive; of an adjustment either sign, and not 0.",
    )
    description = Text(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)
    metadata = JSONObject(required=False)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["type"] == "adjustment":
            if not values.get("description", "").strip():
                raise serializers.ValidationError(
                    {"description": ["An adjustment needs a reason."]}
                )
            if values["amount"] == 0:
                raise serializers.ValidationError({"amount": ["Give an amount other than 0."]})
        elif values["amount"] < 1:
            raise serializers.ValidationError({"amount": ["Give an amount from 1."]})
        return values


@example(
    {
        "transactions": [
            {"type": "deduct", "amount": 2},
            {"type": "deduct", "amount": 1, "description": "Second answer"},
        ]
    }
)
class BatchRequest(StrictSerializer):
    transactions = BoundedList(child=TransactionRequest(), min_length=1, max_length=MAX_BATCH)


class TransactionListQuery(ListQuery):
    type = serializers.ChoiceField(CreditTransaction.Type.choices, required=False)

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of Python's own.
        time = serializers.DateTimeField
        return super().get_fields() | {
            "from": time(required=False, help_text="From this time on."),
            "to": time(required=False, help_text="Before this time."),
        }


@example({"amount": 1, "description": "Half of the answer was missing"})
class RefundRequest(StrictSerializer):
    amount = Amount(required=False, help_text="Without it: what is left of the charge.")
    description = Text(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)


@example({"amount": 5, "ttl_seconds": 120, "description": "Answer in the making"})
class HoldRequest(StrictSerializer):
    amount = Amount()
    ttl_seconds = Integer(default=300, min_value=1, max_value=86_400)
    description = Text(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)


@example({"amount": 3})
class CaptureRequest(StrictSerializer):
    amount = Amount(required=False, help_text="Without it: all that the hold set aside.")


@example({})
class EmptyRequest(StrictSerializer):
    pass


class StatisticsQuery(StrictSerializer):
    days = Integer(default=30, min_value=1, max_value=3660)


class TransactionResponse(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    type = serializers.ChoiceField(CreditTransaction.Type.choices)
    amount = serializers.IntegerField(help_text="Signed: a deduct is negative.")
    balance_after = serializers.IntegerField()
    description = serializers.CharField(allow_blank=True)
    metadata = JSONObject()
    refunds = serializers.UUIDField(allow_null=True)
    hold = serializers.UUIDField(allow_null=True)
    actor = serializers.CharField()
    created_at = serializers.DateTimeField()


class TransactionPage(PageResponse):
    results = TransactionResponse(many=True)


class BatchResponse(serializers.Serializer[Any]):
    results = TransactionResponse(many=True)


class HoldResponse(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    amount = serializers.IntegerField()
    captured_amount = serializers.IntegerField()
    state = serializers.ChoiceField(CreditHold.State.choices)
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class CaptureResponse(serializers.Serializer[Any]):
    hold = HoldResponse()
    transaction = TransactionResponse()


class TypeStatistics(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    total = serializers.IntegerField()


class StatisticsResponse(serializers.Serializer[Any]):
    days = serializers.IntegerField()
    by_type = serializers.DictField(child=TypeStatistics())
    transactions = serializers.IntegerField()
    net_change = serializers.IntegerField()

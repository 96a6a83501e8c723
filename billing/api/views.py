"""The routes of usage and credits."""

import datetime
import uuid
from dataclasses import asdict
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.viewsets import ViewSet

from access.authentication import CallerRequest
from access.errors import MissingScope
from billing import reports
from billing.api import serializers
from billing.headers import quota_headers, tier_named_in
from billing.models import TRANSACTION_COLUMNS, CreditHold, CreditTransaction, Usage
from billing.services import accounts, credits, holds
from billing.services import usage as billing_usage
from common import idempotency
from common.api import openapi, pagination
from common.api.serializers import validated
from common.api.wire import Response
from common.idempotency import replay_headers

TIER = OpenApiParameter(
    "X-User-Tier",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="At first contact: the person's tier. Without it, the default tier. Counts of a key"
    " with billing:charge or billing:manage; of others it is ignored.",
)
PAYMENT_REQUIRED = {402: OpenApiResponse(description="Too few credits: `insufficient_credits`.")}
CONFLICT = {409: OpenApiResponse(description="The account is frozen: `account_frozen`.")}
RESOLVED = {409: OpenApiResponse(description="The hold has ended: `hold_resolved`.")}
QUOTA = {429: OpenApiResponse(description="A limit is reached: `quota_exceeded`.")}
MANAGE = "billing:manage"


def tier_of(request: CallerRequest) -> str | None:
    """The tier that the caller names for a person's first contact."""
    return tier_named_in(request, request.auth)


class UsageViewSet(ViewSet):
    required_scopes = {
        "retrieve": "billing:read",
        "check": "billing:read",
        "increment": "billing:charge",
        "partial_update": MANAGE,
    }

    @extend_schema(parameters=[TIER], responses=serializers.UsageResponse, tags=["usage"])
    def retrieve(self, request: CallerRequest) -> Response:
        """What the person has used today and this month (UTC), and may use."""
        at = timezone.now()
        usage = reports.usage_of(request.user_id, tier=tier_of(request), at=at)
        return Response(usage_json(request.user_id, usage, at), headers=quota_headers(usage, at))

    @extend_schema(
        parameters=[TIER, serializers.UsageCheckQuery],
        responses=serializers.UsageCheckResponse,
        tags=["usage"],
    )
    def check(self, request: CallerRequest) -> Response:
        """Whether `amount` more calls would be allowed. Counts nothing."""
        query = validated(serializers.UsageCheckQuery, request.query_params)
        at = timezone.now()
        usage = reports.usage_of(request.user_id, tier=tier_of(request), at=at)
        reason = usage.refusing_window(query["amount"], at=at)
        data = usage_json(request.user_id, usage, at) | {
            "allowed": reason is None,
            "reason": reason,
        }
        return Response(data, headers=quota_headers(usage, at))

    @extend_schema(
        parameters=[TIER, idempotency.HEADER],
        request=serializers.IncrementRequest,
        responses={200: serializers.UsageResponse, **QUOTA},
        tags=["usage"],
    )
    def increment(self, request: CallerRequest) -> Response:
        """Count calls, unless that would pass a limit; then nothing is counted."""
        body = validated(serializers.IncrementRequest, request.data)
        at = timezone.now()
        outcome = billing_usage.increment_usage(
            user_id=request.user_id,
            amount=body["amount"],
            actor=request.auth.actor,
            at=at,
            tier=tier_of(request),
            request_key=idempotency.request_key(request),
        )
        headers = quota_headers(outcome.row, at) | replay_headers(outcome)
        return Response(usage_json(request.user_id, outcome.row, at), headers=headers)

    @extend_schema(
        request=serializers.UpdateUsageRequest,
        responses=serializers.UsageResponse,
        tags=["usage"],
    )
    def partial_update(self, request: CallerRequest) -> Response:
        """Change the person's tier or limits, with a reason. Counters stay.

        A tier changes the account's numbers, too; the balance waits for the next refill.
        """
        changes = validated(serializers.UpdateUsageRequest, request.data)
        at = timezone.now()
        usage = accounts.change_usage(
            user_id=request.user_id,
            reason=changes.pop("reason"),
            changes=changes,
            actor=request.auth.actor,
            at=at,
        )
        return Response(usage_json(request.user_id, usage, at), headers=quota_headers(usage, at))


class StatusViewSet(ViewSet):
    required_scopes = {"retrieve": "billing:read", "statistics": "billing:read"}

    @extend_schema(
        parameters=[TIER, openapi.answer_header("X-Credits-Available", 200)],
        responses=serializers.CreditStatusResponse,
        tags=["credits"],
    )
    def retrieve(self, request: CallerRequest) -> Response:
        """The person's credits. Opens the account at first contact, else writes nothing."""
        status = reports.credit_status(request.user_id, tier=tier_of(request), at=timezone.now())
        headers = {"X-Credits-Available": str(status.available_credits)}
        return Response(asdict(status), headers=headers)

    @extend_schema(
        parameters=[serializers.StatisticsQuery],
        responses=serializers.StatisticsResponse,
        tags=["credits"],
    )
    def statistics(self, request: CallerRequest) -> Response:
        """What moved the balance in the last days: by type, and in all."""
        query = validated(serializers.StatisticsQuery, request.query_params)
        days = query["days"]
        return Response(reports.statistics(request.user_id, days=days, at=timezone.now()))


class TransactionViewSet(ViewSet):
    noun = "transaction"
    required_scopes = {
        "list": "billing:read",
        "create": ("billing:charge", MANAGE),
        "create_batch": ("billing:charge", MANAGE),
        "refund": MANAGE,
    }

    @extend_schema(
        parameters=[serializers.TransactionListQuery],
        responses=serializers.TransactionPage,
        tags=["credits"],
    )
    def list(self, request: CallerRequest) -> Response:
        """The history of the person's credits, newest first."""
        wanted = validated(serializers.TransactionListQuery, request.query_params)
        rows, following = pagination.page(
            request,
            reports.chosen_entries(request.user_id, wanted),
            order="-sequence",
            limit=wanted["limit"],
            cursor=wanted.get("cursor"),
        )
        return Response({"results": [transaction_json(row) for row in rows], "next": following})

    @extend_schema(
        parameters=[TIER, idempotency.HEADER],
        request=serializers.TransactionRequest,
        responses={201: serializers.TransactionResponse, **PAYMENT_REQUIRED, **CONFLICT},
        tags=["credits"],
    )
    def create(self, request: CallerRequest) -> Response:
        """Charge credits (`deduct`), or bring some in. All but `deduct` need billing:manage."""
        body = validated(serializers.TransactionRequest, request.data)
        require_scope_for(request, [body["type"]])
        outcome = credits.add_transaction(
            user_id=request.user_id,
            new=new_transaction(body),
            actor=request.auth.actor,
            at=timezone.now(),
            request_key=idempotency.request_key(request),
            tier=tier_of(request),
        )
        return idempotency.created(outcome, transaction_response(outcome.row))

    @extend_schema(
        operation_id="credits_create_batch",
        parameters=[TIER, idempotency.HEADER],
        request=serializers.BatchRequest,
        responses={201: serializers.BatchResponse, **PAYMENT_REQUIRED, **CONFLICT},
        tags=["credits"],
    )
    def create_batch(self, request: CallerRequest) -> Response:
        """Up to 500 transactions of one person, all or nothing. A refusal names the `index`."""
        body = validated(serializers.BatchRequest, request.data)
        items = body["transactions"]
        require_scope_for(request, [item["type"] for item in items])
        outcome = credits.add_transactions(
            user_id=request.user_id,
            new=[new_transaction(item) for item in items],
            actor=request.auth.actor,
            at=timezone.now(),
            request_key=idempotency.request_key(request),
            tier=tier_of(request),
        )
        return idempotency.created(
            outcome, {"results": [transaction_response(row) for row in outcome.row]}
        )

    @extend_schema(
        parameters=[
            OpenApiParameter("transaction_id", OpenApiTypes.UUID, OpenApiParameter.PATH),
            idempotency.HEADER,
        ],
        request=serializers.RefundRequest,
        responses={201: serializers.TransactionResponse},
        tags=["credits"],
    )
    def refund(self, request: CallerRequest, transaction_id: uuid.UUID) -> Response:
        """Give a charge back, or a part of it; in all no more than it took."""
        body = validated(serializers.RefundRequest, request.data)
        outcome = credits.refund_transaction(
            user_id=request.user_id,
            transaction_uid=transaction_id,
            amount=body.get("amount"),
            description=body.get("description", ""),
            actor=request.auth.actor,
            at=timezone.now(),
            request_key=idempotency.request_key(request),
        )
        return idempotency.created(outcome, transaction_response(outcome.row))


class HoldViewSet(ViewSet):
    noun = "hold"
    required_scopes = dict.fromkeys(("create", "capture", "release"), "billing:charge")
    HOLD_ID = OpenApiParameter("hold_id", OpenApiTypes.UUID, OpenApiParameter.PATH)

    @extend_schema(
        parameters=[TIER, idempotency.HEADER],
        request=serializers.HoldRequest,
        responses={201: serializers.HoldResponse, **PAYMENT_REQUIRED, **CONFLICT},
        tags=["credits"],
    )
    def create(self, request: CallerRequest) -> Response:
        """Set credits aside before an act; they come free by themselves after `ttl_seconds`."""
        body = validated(serializers.HoldRequest, request.data)
        at = timezone.now()
        outcome = holds.place_hold(
            user_id=request.user_id,
            amount=body["amount"],
            ttl_seconds=body["ttl_seconds"],
            description=body.get("description", ""),
            actor=request.auth.actor,
            at=at,
            request_key=idempotency.request_key(request),
            tier=tier_of(request),
        )
        return idempotency.created(outcome, hold_json(outcome.row, at))

    @extend_schema(
        parameters=[HOLD_ID, idempotency.HEADER],
        request=serializers.CaptureRequest,
        responses={200: serializers.CaptureResponse, **RESOLVED},
        tags=["credits"],
    )
    def capture(self, request: CallerRequest, hold_id: uuid.UUID) -> Response:
        """Take what the hold set aside, or a part; the rest comes free."""
        body = validated(serializers.CaptureRequest, request.data)
        at = timezone.now()
        outcome = holds.capture_hold(
            user_id=request.user_id,
            hold_uid=hold_id,
            amount=body.get("amount"),
            actor=request.auth.actor,
            at=at,
            request_key=idempotency.request_key(request),
        )
        captured = outcome.row
        return Response(
            {
                "hold": hold_json(captured.hold, at),
                "transaction": transaction_response(captured.transaction),
            },
            headers=replay_headers(outcome),
        )

    @extend_schema(
        parameters=[HOLD_ID, idempotency.HEADER],
        request=serializers.EmptyRequest,
        responses={200: serializers.HoldResponse, **RESOLVED},
        tags=["credits"],
    )
    def release(self, request: CallerRequest, hold_id: uuid.UUID) -> Response:
        """Set the hold's credits free."""
        validated(serializers.EmptyRequest, request.data)
        at = timezone.now()
        outcome = holds.release_hold(
            user_id=request.user_id,
            hold_uid=hold_id,
            actor=request.auth.actor,
            at=at,
            request_key=idempotency.request_key(request),
        )
        return Response(hold_json(outcome.row, at), headers=replay_headers(outcome))


def require_scope_for(request: CallerRequest, types: list[str]) -> None:
    """Raises MissingScope: charges need billing:charge, whatever else is written billing:manage."""
    for type_ in types:
        scope = "billing:charge" if type_ == CreditTransaction.Type.DEDUCT else MANAGE
        if scope not in request.auth.scopes:
            raise MissingScope(
                f"A transaction of type {type_} needs the scope {scope}.", scope=scope
            )


def new_transaction(values: dict[str, Any]) -> credits.NewTransaction:
    sign = -1 if values["type"] == CreditTransaction.Type.DEDUCT else 1
    return credits.NewTransaction(**values | {"amount": sign * values["amount"]})


def usage_json(user_id: str, usage: Usage, at: Any) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "tier": usage.tier,
        "daily_used": usage.used_today(at=at),
        "daily_limit": usage.daily_limit,
        "monthly_used": usage.used_this_month(at=at),
        "monthly_limit": usage.monthly_limit,
        "total_queries": usage.total_queries,
        "daily_resets_at": usage.resets_at("daily", at=at),
        "monthly_resets_at": usage.resets_at("monthly", at=at),
    }


def transaction_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["uid"],
        "sequence": row["sequence"],
        "type": row["type"],
        "amount": row["amount"],
        "balance_after": row["balance_after"],
        "description": row["description"],
        "metadata": row["metadata_json"],
        "refunds": row["refunds"],
        "hold": row["hold"],
        "actor": row["actor"],
        "created_at": row["created_at"],
    }


def transaction_response(row: CreditTransaction) -> dict[str, Any]:
    return transaction_json(
        {name: getattr(row, name) for name in TRANSACTION_COLUMNS} | {"metadata_json": row.metadata}
    )


def hold_json(hold: CreditHold, at: datetime.datetime) -> dict[str, Any]:
    return {
        "id": hold.uid,
        "amount": hold.amount,
        "captured_amount": hold.captured_amount,
        "state": hold.state_at(at),
        "expires_at": hold.expires_at,
        "created_at": hold.created_at,
    }

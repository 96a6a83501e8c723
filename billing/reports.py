"""Reads of usage and credits: what is due is computed, not written.

First contact opens the usage or the account.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from billing.models import CreditHold, CreditTransaction, Usage
from billing.services import accounts
from billing.services import usage as billing_usage
from common.api import pagination
from common.declarations import StoredGauge
from common.prepared import prepared


@dataclass(frozen=True)
class CreditStatus:
    """A person's credits at a time, with a due refill and without expired holds."""

    user_id: str
    tier: str
    available_credits: int
    held_credits: int
    max_credits: int
    is_guest: bool
    can_reset: bool
    next_reset_time: datetime.datetime | None


def usage_of(user_id: str, *, tier: str | None, at: datetime.datetime) -> Usage:
    """A person's usage row, opened at first contact."""
    usage = _usage.first(user_id=user_id)
    if usage is None:
        # In one transaction, or the person might be erased between the two.
        with transaction.atomic():
            billing_usage.open_usage(user_id=user_id, tier=tier, at=at)
            usage = Usage.objects.for_user(user_id).get()
    return usage


@prepared()
def _usage(*, user_id: str) -> QuerySet[Usage]:
    return Usage.objects.for_user(user_id)


def credit_status(user_id: str, *, tier: str | None, at: datetime.datetime) -> CreditStatus:
    """A person's credits; opens the account at first contact, else one read that writes nothing."""
    return status_of(accounts.account_of(user_id, tier=tier, at=at), user_id, at=at)


def status_of(account: Any, user_id: str, *, at: datetime.datetime) -> CreditStatus:
    """What an account `with_held_now` says; `user_id` is its person's name."""
    next_refill_at = account.next_refill_at
    if account.refill_is_due(at=at) and account.refill_interval_hours is not None:
        next_refill_at = at + datetime.timedelta(hours=account.refill_interval_hours)
    return CreditStatus(
        user_id=user_id,
        tier=account.tier,
        available_credits=account.balance_at(at) - account.held_now,
        held_credits=account.held_now,
        max_credits=account.max_credits,
        is_guest=account.is_guest,
        can_reset=next_refill_at is not None,
        next_reset_time=next_refill_at,
    )


def chosen_entries(user_id: str, wanted: Mapping[str, Any]) -> Any:
    """A person's entries for pages of `limit`, perhaps of one `type`, `from` and `to` a time."""
    lookups = (("type", "type"), ("from", "created_at__gte"), ("to", "created_at__lt"))
    filters = {lookup: wanted[name] for name, lookup in lookups if name in wanted}
    if not filters:
        return _entries.asked(user_id=user_id, limit=wanted["limit"])
    chosen = CreditTransaction.objects.for_user(user_id).filter(**filters)
    return chosen.as_page_rows(wanted["limit"])


@prepared(limit=pagination.LIMITS)
def _entries(*, user_id: str, limit: int) -> Any:
    return CreditTransaction.objects.for_user(user_id).as_page_rows(limit)


def statistics(user_id: str, *, days: int, at: datetime.datetime) -> dict[str, Any]:
    """What moved a person's balance in the last `days` days: by type count and total, and net."""
    rows = (
        CreditTransaction.objects.for_user(user_id)
        .filter(created_at__gt=at - datetime.timedelta(days=days), created_at__lte=at)
        .order_by("type")
        .values("type")
        .annotate(count=Count("*"), total=Sum("amount"))
    )
    by_type = {row["type"]: {"count": row["count"], "total": int(row["total"])} for row in rows}
    return {
        "days": days,
        "by_type": by_type,
        "transactions": sum(row["count"] for row in by_type.values()),
        "net_change": sum(row["total"] for row in by_type.values()),
    }


STORED_GAUGES = [
    StoredGauge(
        "open_holds",
        "Holds that keep credits.",
        lambda: CreditHold.objects.open(at=timezone.now()).count(),
    ),
    StoredGauge(
        "overdue_holds",
        "Holds past their time that no run has written down.",
        lambda: CreditHold.objects.overdue(at=timezone.now()).of_the_living().count(),
    ),
]

"""Counting usage against the limits of a day and a month."""

import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, Case, F, Q, When
from django.db.models.functions import Greatest

from access.services import persons
from billing import errors
from billing.models import CreditAccount, Usage, UsageIncrement, day_of, month_of
from billing.services.tiers import tier_at_first_contact
from common.idempotency import Outcome, RequestKey, find_replay
from common.models import Update
from common.prepared_writes import prepared_update

# Somebody's erasure may stand in the way of a key, once in a while.
TRIES = 4
USAGE_COLUMNS = [
    "id", "person_id", "tier", "daily_used", "daily_limit", "monthly_used", "monthly_limit",
    "total_queries", "last_daily_reset", "last_monthly_reset",
]  # fmt: skip


def open_usage(*, user_id: str, tier: str | None, at: datetime.datetime) -> None:
    """Give a person their tier's limits at first contact: their account's tier, if they have one.

    Raises UnknownTier.
    """
    if Usage.objects.for_user(user_id).exists():
        return
    with transaction.atomic():
        key = persons.lock_persons(user_id)[user_id]
        template = tier_at_first_contact(CreditAccount, user_id=user_id, named=tier)
        Usage.objects.bulk_create(
            [
                Usage(
                    person_id=key,
                    tier=template.key,
                    daily_limit=template.daily_limit,
                    monthly_limit=template.monthly_limit,
                    last_daily_reset=day_of(at),
                    last_monthly_reset=month_of(at),
                )
            ],
            ignore_conflicts=True,
        )


def increment_usage(
    *,
    user_id: str,
    amount: int,
    actor: str,
    at: datetime.datetime,
    tier: str | None = None,
    request_key: RequestKey | None = None,
) -> Outcome[Usage]:
    """Count `amount` calls of a person, unless a limit would be passed.

    Check, reset (a new UTC day, the first of a month) and count are one conditional UPDATE, so that
    no number of parallel calls passes a limit. A clock that steps back stays in the later day. With
    a key a retry counts nothing. Raises QuotaExceeded; then nothing is counted.
    """
    key = request_key or RequestKey(None, "")
    failures = 0
    while True:
        try:
            counted = _count_once(user_id, amount, actor, at, key)
        except IntegrityError:
            replay = _replay(user_id, actor, key)
            if replay is not None:
                return replay
            failures += 1
            if failures == TRIES:
                raise
            continue  # what stood in the way was erased a moment ago
        if counted is not None:
            return Outcome(counted)
        replay = _replay(user_id, actor, key)
        if replay is not None:
            return replay
        standing = Usage.objects.for_user(user_id).first()
        if standing is not None and standing.refusing_window(amount, at=at):
            raise quota_exceeded(standing, amount, at)
        # First contact, or the limits were raised or the person erased in between: once more. The
        # person's lock, which opening takes, comes before that of the usage.
        open_usage(user_id=user_id, tier=tier, at=at)


def _count_once(
    user_id: str, amount: int, actor: str, at: datetime.datetime, key: RequestKey
) -> Usage | None:
    """Count, and keep the key if there is one; None, and nothing of both, where it does not pass.

    Raises IntegrityError where the key is taken.
    """
    call: dict[str, Any] = {
        "user_id": user_id, "amount": amount, "today": day_of(at), "month": month_of(at),
    }  # fmt: skip
    if key.key is None:
        row = counted_within_limits.send(**call)
    else:
        increment = UsageIncrement(
            actor=actor, idempotency_key=key.key, request_hash=key.request_hash, created_at=at
        )
        # An erasure or a move locks the usage first: it waits for this one, and finds its key.
        row = counted_within_limits.insert_after(increment, {"person_id": "person_id"}, **call)
    return None if row is None else Usage(**row)


@prepared_update
def counted_within_limits(
    *, user_id: str, amount: int, today: datetime.date, month: datetime.date
) -> Update:
    """A person's usage with so many more calls, where that passes no limit."""
    counter = BigIntegerField()
    daily = Case(
        When(last_daily_reset__lt=today, then=amount),
        default=F("daily_used") + amount,
        output_field=counter,
    )
    monthly = Case(
        When(last_monthly_reset__lt=month, then=amount),
        default=F("monthly_used") + amount,
        output_field=counter,
    )
    return Update(
        Usage.objects.for_user(user_id).filter(
            # The counters of an earlier day or month are zero by now.
            Q(daily_limit=None)
            | Q(last_daily_reset__gte=today, daily_used__lte=F("daily_limit") - amount)
            | Q(last_daily_reset__lt=today, daily_limit__gte=amount),
            Q(monthly_limit=None)
            | Q(last_monthly_reset__gte=month, monthly_used__lte=F("monthly_limit") - amount)
            | Q(last_monthly_reset__lt=month, monthly_limit__gte=amount),
        ),
        USAGE_COLUMNS,
        daily_used=daily,
        monthly_used=monthly,
        total_queries=F("total_queries") + amount,
        last_daily_reset=Greatest(F("last_daily_reset"), today),
        last_monthly_reset=Greatest(F("last_monthly_reset"), month),
    )


def _replay(user_id: str, actor: str, key: RequestKey) -> Outcome[Usage] | None:
    """The usage as it stands, if an earlier request with the key counted.

    Raises IdempotencyKeyReused for another request.
    """
    if find_replay(UsageIncrement.objects.for_user(user_id), actor, key) is None:
        return None
    usage = Usage.objects.for_user(user_id).first()
    return None if usage is None else Outcome(usage, replayed=True, created=False)


def quota_exceeded(usage: Usage, amount: int, at: datetime.datetime) -> errors.QuotaExceeded:
    """The refusal, with the limit that stands in the way and the time when it ends."""
    # Another call may have changed the row since the refusal; then the nearer limit is named.
    window = usage.refusing_window(amount, at=at) or "daily"
    limit, used = (
        (usage.daily_limit, usage.used_today(at=at))
        if window == "daily"
        else (usage.monthly_limit, usage.used_this_month(at=at))
    )
    ends = usage.resets_at(window, at=at)
    return errors.QuotaExceeded(
        f"{amount} more would pass the {window} limit of {limit}; {used} are used. It begins anew"
        f" at {ends:%Y-%m-%d %H:%M} UTC.",
        usage=usage,
        at=at,
        window=window,
        limit=limit,
        used=used,
        resets_at=ends,
    )


def forget_increments(*, before: datetime.datetime, limit: int) -> int:
    """Forget up to `limit` keys of calls counted before then, and count them.

    What was counted stays counted; the key counts anew when it comes again.
    """
    old = UsageIncrement.objects.filter(created_at__lt=before).order_by("created_at")
    with transaction.atomic():
        # Those that an erasure is deleting are left to it.
        free = old.select_for_update(skip_locked=True)
        chosen = list(free.values_list("pk", flat=True)[:limit])
        return UsageIncrement.objects.filter(pk__in=chosen).delete()[0]

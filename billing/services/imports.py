"""Usage counters from a council application's files."""

import datetime
from typing import Any

from django.db import transaction

from access import actors
from access.models import ErasedPerson
from access.services import persons
from billing import errors
from billing.models import CreditAccount, Tier, Usage, UsageOverride, day_of
from billing.services.accounts import change_account_tier
from billing.services.tiers import tier_named
from common import locks

# The original wrote this for "unlimited".
UNLIMITED = 999_999
# Numbers below are no time since 1970, but something else such as 20260131; numbers of
# milliseconds begin where seconds are of the year 5138.
FIRST_SECONDS = 10**9
FIRST_MILLISECONDS = 10**11
# The original's keys, and those of its design that some derivatives write.
SHAPES = {
    "daily_used": ("daily_count", "daily_used"),
    "monthly_used": ("monthly_count", "monthly_used"),
    "last_daily_reset": ("last_daily_reset", "last_reset_daily"),
    "last_monthly_reset": ("last_monthly_reset", "last_reset_monthly"),
}


@transaction.atomic
def import_usage(
    *,
    user_id: str,
    document: dict[str, Any],
    on_conflict: str,
    at: datetime.datetime,
    include_erased: bool = False,
    dry_run_rows: dict[str, dict[str, Any]] | None = None,
) -> str:
    """Take over a person's counters, with the days they are of, and their tier.

    The tier of an account that stands is theirs, unless `on_conflict` is `update`: then both become
    the file's; with `fail` another tier is a conflict, too.

    Returns `created`, `unchanged`, `erased` for a person who was erased here (unless
    `include_erased`), or by `on_conflict` `skipped`, `updated` or `failed` where the person's
    usage stands with other numbers. With `dry_run_rows` (a dry run) nothing is written; it
    collects what would be. Raises UsageFileInvalid and UnknownTier; then nothing is written.
    """
    locks.hold_off_erasures()
    key = persons.lock_persons(user_id)[user_id]
    tier, is_other = _tier(user_id, document, on_conflict)
    if is_other and on_conflict == "fail":
        return _nothing_done("failed")
    is_other = is_other and user_id not in (dry_run_rows or {})
    usage = _usage(key, tier, document, at)
    columns = [field.attname for field in Usage._meta.concrete_fields if not field.primary_key]
    columns.remove("person_id")
    existing = Usage.objects.filter(person_id=key).values(*columns).first()
    wanted = {column: getattr(usage, column) for column in columns}
    existing = (dry_run_rows or {}).get(user_id, existing)
    result = "created"
    if existing == wanted and not is_other:
        result = "unchanged"
    elif existing is not None:
        result = {"skip": "skipped", "update": "updated", "fail": "failed"}[on_conflict]
    if result != "unchanged" and not include_erased and ErasedPerson.objects.among([user_id]):
        return _nothing_done("erased")
    if result not in ("created", "updated"):
        return _nothing_done(result)
    if dry_run_rows is not None:
        dry_run_rows[user_id] = wanted
        return _nothing_done(result)
    _write(usage, wanted, result, at)
    if is_other:
        change_account_tier(user_id=user_id, tier=tier, at=at)
    return result


def _nothing_done(result: str) -> str:
    """What the import comes to; nobody is met by it."""
    transaction.set_rollback(True)
    return result


def _tier(user_id: str, document: dict[str, Any], on_conflict: str) -> tuple[Tier, bool]:
    """The tier that the person's usage is to have, and whether their account has another.

    A person has one tier. That of their account stays, unless the file is to win.
    """
    named = document.get("tier") or None
    accounts = CreditAccount.objects.for_user(user_id)
    existing = accounts.values_list("tier", flat=True).first()
    if named is None or existing is None:
        return tier_named(named or existing), False
    wanted = tier_named(named)
    if on_conflict == "skip":
        return tier_named(existing), False
    return wanted, wanted.key != existing


def _write(usage: Usage, wanted: dict[str, Any], result: str, at: datetime.datetime) -> None:
    if result == "created":
        usage.save(force_insert=True)
    else:
        Usage.objects.filter(person_id=usage.person_id).update(**wanted)
    _explain(usage, at)


def _explain(usage: Usage, at: datetime.datetime) -> None:
    """The original let people pass their limits: keep a note, so that verify knows."""
    over_day = usage.daily_limit is not None and usage.daily_used > usage.daily_limit
    over_month = usage.monthly_limit is not None and usage.monthly_used > usage.monthly_limit
    if over_day or over_month:
        UsageOverride.objects.create(
            person_id=usage.person_id,
            tier=usage.tier,
            daily_limit=usage.daily_limit,
            monthly_limit=usage.monthly_limit,
            reason="Imported with more calls than the limits allow",
            actor=actors.SYSTEM,
            created_at=at,
        )


def _usage(person: int, tier: Tier, document: dict[str, Any], at: datetime.datetime) -> Usage:
    values = {
        column: next((document[key] for key in keys if document.get(key) is not None), None)
        for column, keys in SHAPES.items()
    }
    monthly_used = _count(values["monthly_used"], "monthly count")
    total = document.get("total_queries")
    return Usage(
        person_id=person,
        tier=tier.key,
        daily_used=_count(values["daily_used"], "daily count"),
        daily_limit=_limit(document, "daily_limit", tier.daily_limit),
        monthly_used=monthly_used,
        monthly_limit=_limit(document, "monthly_limit", tier.monthly_limit),
        total_queries=monthly_used if total is None else _count(total, "total_queries"),
        last_daily_reset=_date(values["last_daily_reset"], at),
        last_monthly_reset=_date(values["last_monthly_reset"], at).replace(day=1),
    )


def _count(value: Any, name: str) -> int:
    if value is None:
        return 0
    if isinstance(value, float) and value.is_integer():  # 3.0, as some languages write every number
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise errors.UsageFileInvalid(f"its {name} is no count: {value!r}")
    return value


def _limit(document: dict[str, Any], key: str, of_tier: int | None) -> int | None:
    if document.get(key) in (None, "unlimited"):
        return of_tier
    limit = _count(document[key], key)
    return None if limit >= UNLIMITED else limit


def _date(value: Any, at: datetime.datetime) -> datetime.date:
    """The day in UTC: of a date, a time with or without an offset, or seconds since 1970."""
    if value is None:
        return day_of(at)
    try:
        day = _written_date(value)
    except (ValueError, TypeError, OverflowError):
        raise errors.UsageFileInvalid(f"its reset date is no date: {value!r}") from None
    if day > day_of(at):
        # Counters of a later day would stay in force until it has passed.
        raise errors.UsageFileInvalid(f"its reset date lies in the future: {value!r}")
    return day


def _written_date(value: Any) -> datetime.date:
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value >= FIRST_MILLISECONDS else value
        if seconds < FIRST_SECONDS:
            raise ValueError
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
    moment = datetime.datetime.fromisoformat(value)
    # Without an offset it is UTC, as the original wrote it.
    return (moment if moment.tzinfo is None else moment.astimezone(datetime.UTC)).date()

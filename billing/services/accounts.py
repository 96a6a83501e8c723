"""Opening accounts, filling them up, and what staff change about them."""

import datetime
from typing import Any

from django.db import models, transaction

from access import actors
from access.models import PersonKey
from access.services import persons
from billing import errors, ledger
from billing.models import (
    GUEST_TIER,
    CreditAccount,
    CreditHold,
    CreditTransaction,
    Tier,
    Usage,
    UsageOverride,
)
from billing.services.tiers import tier_at_first_contact, tier_named
from billing.services.usage import open_usage
from common.errors import NotFound
from common.models import update_returning
from common.prepared import prepared


def open_account(*, user_id: str, tier: str | None, at: datetime.datetime) -> None:
    """Open a person's account with their tier's allowance, once.

    It is the tier that stands in their usage, else the one that is given, else the default. Its
    numbers are copied. However many call at once, there is one account and one `allocate` entry.
    Raises UnknownTier.
    """
    with transaction.atomic():
        key = persons.lock_persons(user_id)[user_id]
        template = tier_at_first_contact(Usage, user_id=user_id, named=tier)
        ledger.open_account(
            CreditAccount(person_id=key, last_refill_at=at, **_copied(template, refilled_at=at))
        )
        if template.credit_allowance:
            entry = CreditTransaction(
                type=CreditTransaction.Type.ALLOCATE,
                amount=template.credit_allowance,
                description=f"First allowance of the tier {template.key}",
                actor=actors.SYSTEM,
                created_at=at,
            )
            ledger.insert_entry(entry, ledger.UNTOUCHED, ledger.OPENED_AT, user_id=user_id, at=at)


def account_of(user_id: str, *, tier: str | None, at: datetime.datetime) -> Any:
    """The person's account `with_held_now`, opened at first contact. Raises UnknownTier."""
    account = standing_account.first(user_id=user_id, at=at)
    if account is None:
        # In one transaction, or the person might be erased between the two.
        with transaction.atomic():
            open_account(user_id=user_id, tier=tier, at=at)
            account = CreditAccount.objects.with_held_now(at=at).for_user(user_id).get()
    return account


@prepared()
def standing_account(*, user_id: str, at: datetime.datetime) -> models.QuerySet[CreditAccount]:
    """The person's account `with_held_now`, if it was opened."""
    return CreditAccount.objects.with_held_now(at=at).for_user(user_id)


def _copied(tier: Tier, *, refilled_at: datetime.datetime) -> dict[str, Any]:
    hours = tier.refill_interval_hours
    return {
        "tier": tier.key,
        "is_guest": tier.key == GUEST_TIER,
        "max_credits": tier.credit_allowance,
        "refill_interval_hours": hours,
        "next_refill_at": refilled_at + datetime.timedelta(hours=hours) if hours else None,
    }


def settle(*, user_id: str, at: datetime.datetime) -> bool:
    """Do what is due on an account: its refill, and the end of expired holds.

    Returns whether anything was.
    """
    expired = expire_holds(user_id=user_id, at=at)
    return refill(user_id=user_id, at=at) or expired > 0


def expire_holds(*, user_id: str, at: datetime.datetime) -> int:
    """End a person's holds that have expired, and count them."""
    # Kept: one who is being erased is waited for, and then has none that may end.
    person = PersonKey(user_id, kept=True)
    due = CreditHold.objects.filter(person_id=person).overdue(at=at)
    return due.filter(ledger.AccountIsLocked(person)).update(state=CreditHold.State.EXPIRED)


def expire_all_holds(*, at: datetime.datetime, limit: int) -> int:
    """End expired holds of anybody, about `limit` of them, and count them.

    Each person's holds end in a transaction of their own, as a charge would end them.
    """
    due = CreditHold.objects.overdue(at=at).of_the_living().order_by("expires_at", "pk")
    people = dict.fromkeys(due.values_list("person__user_id", flat=True)[:limit])
    return sum(expire_holds(user_id=str(user_id), at=at) for user_id in people)


def refill(*, user_id: str, at: datetime.datetime) -> bool:
    """Fill the balance up to its maximum if that is due, once an interval.

    Adds max(0, max_credits - balance) as a `reset` entry; where that is nothing, only the time
    moves. Purchased credits above the maximum stay. Returns whether it was due.
    """
    due = CreditAccount.objects.for_user(user_id).filter(next_refill_at__lte=at)
    account = due.first()
    if account is None or account.refill_interval_hours is None:
        return False
    next_refill_at = at + datetime.timedelta(hours=account.refill_interval_hours)
    with transaction.atomic():
        kept = due.for_user(user_id, kept=True)
        rows = update_returning(
            kept.filter(refill_interval_hours=account.refill_interval_hours),
            ["balance", "max_credits"],
            last_refill_at=at,
            next_refill_at=next_refill_at,
        )
        missing = rows[0]["max_credits"] - rows[0]["balance"] if rows else 0
        if missing > 0:
            entry = CreditTransaction(
                type=CreditTransaction.Type.RESET,
                amount=missing,
                description="Refill",
                actor=actors.SYSTEM,
                created_at=at,
            )
            ledger.insert_entry(entry, user_id=user_id, at=at)
    return True


def change_usage(
    *,
    user_id: str,
    changes: dict[str, Any],
    reason: str,
    actor: str,
    at: datetime.datetime,
) -> Usage:
    """Change a person's tier or limits, and keep who did it and why.

    `changes` holds `tier`, `daily_limit` and `monthly_limit` as far as they change; a limit of None
    is unlimited. A tier brings its limits and the account's numbers; counters stay, and the balance
    waits for the next refill. Raises UnknownTier.
    """
    tier = tier_named(changes["tier"]) if "tier" in changes else None
    with transaction.atomic():
        key = persons.lock_persons(user_id)[user_id]
        open_usage(user_id=user_id, tier=None, at=at)
        usage = Usage.objects.select_for_update(no_key=True).get(person_id=key)
        if tier is not None:
            usage.tier = tier.key
            usage.daily_limit, usage.monthly_limit = tier.daily_limit, tier.monthly_limit
        usage.daily_limit = changes.get("daily_limit", usage.daily_limit)
        usage.monthly_limit = changes.get("monthly_limit", usage.monthly_limit)
        Usage.objects.filter(person_id=key).update(
            tier=usage.tier, daily_limit=usage.daily_limit, monthly_limit=usage.monthly_limit
        )
        if tier is not None:
            change_account_tier(user_id=user_id, tier=tier, at=at)
        UsageOverride.objects.create(
            person_id=key,
            tier=usage.tier,
            daily_limit=usage.daily_limit,
            monthly_limit=usage.monthly_limit,
            reason=reason,
            actor=actor,
            created_at=at,
        )
    return usage


def change_account_tier(*, user_id: str, tier: Tier, at: datetime.datetime) -> None:
    """Copy the tier's numbers into the account; without one, open it. The balance waits.

    The person's usage must have the tier already: an account is opened with that one.
    """
    account = CreditAccount.objects.locked().for_user(user_id).first()
    if account is None:
        open_account(user_id=user_id, tier=tier.key, at=at)
        return
    CreditAccount.objects.filter(person_id=account.person_id).update(
        **_copied(tier, refilled_at=account.last_refill_at)
    )


def freeze_account(*, user_id: str, actor: str, reason: str, at: datetime.datetime) -> bool:
    """Stop charges and holds of an account; credits still come in.

    Returns False where it is frozen already: since when, by whom and why stay. Raises NotFound.
    """
    accounts = CreditAccount.objects.for_user(user_id)
    values = {"frozen_at": at, "frozen_by": actor, "frozen_reason": reason}
    if accounts.filter(frozen_at=None).update(**values):
        return True
    _require_account(accounts)
    return False


def unfreeze_account(*, user_id: str) -> bool:
    """Let a frozen account be charged again. Returns False where it is not. Raises NotFound."""
    accounts = CreditAccount.objects.for_user(user_id)
    values = {"frozen_at": None, "frozen_by": "", "frozen_reason": ""}
    if accounts.filter(frozen_at__isnull=False).update(**values):
        return True
    _require_account(accounts)
    return False


def _require_account(accounts: models.QuerySet[CreditAccount]) -> None:
    if not accounts.exists():
        raise NotFound("This person has no account.")


def refuse_erasure_of_frozen(user_id: str) -> None:
    """Raises AccountFrozen: whoever is erased may come back with an account that is not frozen."""
    accounts = CreditAccount.objects.for_user(user_id)
    if accounts.filter(frozen_at__isnull=False).exists():
        raise errors.AccountFrozen(
            "This person's account is frozen, and an erasure would end that. Staff can unfreeze it"
            " first, or an operator says why: erase_user USER_ID --yes --frozen REASON."
        )

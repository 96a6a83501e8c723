"""Holds: credits set aside before an act, taken or set free after it.

Locks are taken in one order: the account first, then its holds.

Their expiry is in accounts.py: `expire_holds`, when an account is next needed, and `maintain`.
"""

import datetime
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from access.models import PersonKey
from billing import errors, ledger
from billing.models import CreditHold, CreditTransaction, is_open
from billing.services.accounts import account_of, refill
from billing.services.credits import (
    TRIES,
    count_charges,
    refusal,
    settle_or_refuse,
)
from common.errors import NotFound
from common.idempotency import NO_KEY, Outcome, RequestKey, find_replay
from common.models import Update
from common.prepared_writes import alone, prepared_update

RETURNED_COLUMNS = [
    "id", "uid", "person_id", "amount", "captured_amount", "state", "description", "actor",
    "expires_at", "created_at",
]  # fmt: skip


@dataclass(frozen=True)
class Captured:
    """A captured hold and the entry that took its credits."""

    hold: CreditHold
    transaction: CreditTransaction


def place_hold(
    *,
    user_id: str,
    amount: int,
    ttl_seconds: int,
    description: str,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
    tier: str | None = None,
) -> Outcome[CreditHold]:
    """Set credits aside for `ttl_seconds`: one statement when nothing is due.

    The same key with the same request gives the hold that stands. Raises InsufficientCredits,
    AccountFrozen, UnknownTier and IdempotencyKeyReused.
    """
    hold = CreditHold(
        amount=amount,
        description=description,
        actor=actor,
        idempotency_key=request_key.key,
        request_hash=request_key.request_hash,
        expires_at=at + datetime.timedelta(seconds=ttl_seconds),
        created_at=at,
    )
    for _ in range(TRIES):
        if ledger.insert_hold(hold, user_id=user_id, at=at):
            return Outcome(hold)
        holds = CreditHold.objects.for_user(user_id)
        replay = find_replay(holds, actor, request_key)
        if replay is not None:
            return replay
        settle_or_refuse(user_id=user_id, needed=amount, tier=tier, at=at)
    raise refusal(account_of(user_id, tier=tier, at=at), amount, at)


def capture_hold(
    *,
    user_id: str,
    hold_uid: uuid.UUID,
    amount: int | None,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
) -> Outcome[Captured]:
    """Take what a hold set aside, or `amount` of it; the rest comes free.

    Of captures, releases and the expiry exactly one wins. The same key with the same request gives
    what stands. Raises NotFound, HoldResolved, CaptureExceedsHold and IdempotencyKeyReused.
    """
    with transaction.atomic():
        row = as_captured.send(user_id=user_id, hold_uid=hold_uid, amount=amount, at=at)
        if row is not None:
            hold = CreditHold(**row)
            entry = _capture_entry(user_id, hold, actor, at, request_key)
            return Outcome(Captured(hold, entry))
    return _find_capture_replay(user_id, hold_uid, amount, actor, at, request_key)


@prepared_update
def as_captured(
    *, user_id: str, hold_uid: uuid.UUID, amount: int | None, at: datetime.datetime
) -> Update:
    """The open hold, captured if it has so much; wholly without an amount."""
    holds = _open_hold(user_id, hold_uid, at)
    return Update(
        holds if amount is None else holds.filter(amount__gte=amount),
        RETURNED_COLUMNS,
        state=CreditHold.State.CAPTURED,
        captured_amount=F("amount") if amount is None else amount,
    )


def _capture_entry(
    user_id: str, hold: CreditHold, actor: str, at: datetime.datetime, request_key: RequestKey
) -> CreditTransaction:
    entry = CreditTransaction(
        type=CreditTransaction.Type.DEDUCT,
        amount=-hold.captured_amount,
        description=hold.description,
        hold=hold.uid,
        actor=actor,
        created_at=at,
        idempotency_key=request_key.key,
        request_hash=request_key.request_hash,
    )
    for _ in range(TRIES):
        if ledger.insert_entry(entry, ledger.NO_REFILL_DUE, user_id=user_id, at=at):
            count_charges([entry])
            return entry
        # Another request's key is refused here.
        find_replay(CreditTransaction.objects.for_user(user_id), actor, request_key)
        refill(user_id=user_id, at=at)
    raise errors.HoldResolved("The hold cannot be captured just now.", state=CreditHold.State.OPEN)


def _find_capture_replay(
    user_id: str,
    hold_uid: uuid.UUID,
    amount: int | None,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
) -> Outcome[Captured]:
    hold = _hold(user_id, hold_uid)
    entry = find_replay(CreditTransaction.objects.for_user(user_id), actor, request_key)
    if entry is not None:
        return Outcome(Captured(hold, entry.row), replayed=True, created=False)
    if hold.state_at(at) == CreditHold.State.OPEN and amount is not None and amount > hold.amount:
        raise errors.CaptureExceedsHold(
            f"The hold set {hold.amount} credits aside; {amount} cannot be taken from it.",
            held=hold.amount,
        )
    raise resolved(hold, at)


def release_hold(
    *,
    user_id: str,
    hold_uid: uuid.UUID,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey = NO_KEY,
) -> Outcome[CreditHold]:
    """Set a hold's credits free: one statement.

    The same key gives the hold as it stands. Raises NotFound, HoldResolved and
    IdempotencyKeyReused.
    """
    try:
        with alone():
            row = as_released.send(
                user_id=user_id, hold_uid=hold_uid, actor=actor, key=request_key.key, at=at
            )
    except IntegrityError:
        _require_new_release(user_id, hold_uid, actor, request_key)
        raise
    if row is not None:
        return Outcome(CreditHold(**row))
    hold = _hold(user_id, hold_uid)
    if request_key.key is not None:
        if (hold.released_by, hold.release_key) == (actor, request_key.key):
            return Outcome(hold, replayed=True, created=False)
        _require_new_release(user_id, hold_uid, actor, request_key)
    raise resolved(hold, at)


@prepared_update
def as_released(
    *, user_id: str, hold_uid: uuid.UUID, actor: str, key: str | None, at: datetime.datetime
) -> Update:
    """The open hold, released by this actor."""
    return Update(
        _open_hold(user_id, hold_uid, at),
        RETURNED_COLUMNS,
        state=CreditHold.State.RELEASED,
        released_by=actor,
        release_key=key,
    )


def _require_new_release(
    user_id: str, hold_uid: uuid.UUID, actor: str, request_key: RequestKey
) -> None:
    """Raises IdempotencyKeyReused if another hold was released with the key."""
    released = CreditHold.objects.for_user(user_id).filter(
        release_key=request_key.key, released_by=actor
    )
    other = released.exclude(uid=hold_uid).first()
    if other is not None:
        request_key.require_same(f"the release of {other.uid}")


def _open_hold(user_id: str, hold_uid: uuid.UUID, at: datetime.datetime) -> Any:
    # Kept: the entry of a capture belongs to whose the hold is.
    person = PersonKey(user_id, kept=True)
    return CreditHold.objects.filter(
        ledger.AccountIsLocked(person), is_open(at), person_id=person, uid=hold_uid
    )


def _hold(user_id: str, hold_uid: uuid.UUID) -> CreditHold:
    hold = CreditHold.objects.for_user(user_id).filter(uid=hold_uid).first()
    if hold is None:
        raise NotFound("There is no such hold.")
    return hold


def resolved(hold: CreditHold, at: datetime.datetime) -> errors.HoldResolved:
    """The refusal of an act on a hold that has ended, with its state."""
    state = hold.state_at(at)
    return errors.HoldResolved(f"This hold is {state} already.", state=state)

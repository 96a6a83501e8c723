"""Entries of the ledger: charges, grants, purchases, adjustments and refunds."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum

from billing import errors, ledger
from billing.models import CreditAccount, CreditTransaction
from billing.services.accounts import account_of, open_account, settle, standing_account
from common import metrics
from common.errors import DomainError, NotFound
from common.idempotency import Outcome, RequestKey, find_replay

# Nothing due, first contact, a refill: each may stand in the way once.
TRIES = 4


@dataclass(frozen=True, kw_only=True)
class NewTransaction:
    """What a caller says of an entry. `amount` is signed: a `deduct` is negative."""

    type: str
    amount: int
    description: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    def entry(self, **columns: Any) -> CreditTransaction:
        return CreditTransaction(
            type=self.type,
            amount=self.amount,
            description=self.description,
            metadata=self.metadata,
            **columns,
        )


def add_transaction(
    *,
    user_id: str,
    new: NewTransaction,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
    tier: str | None = None,
) -> Outcome[CreditTransaction]:
    """Write one entry: one statement when nothing is due.

    The same key with the same request of the same actor gives the entry that stands. Raises
    InsufficientCredits, AccountFrozen, AmountTooLarge, UnknownTier and IdempotencyKeyReused.
    """
    entry = new.entry(
        actor=actor,
        created_at=at,
        idempotency_key=request_key.key,
        request_hash=request_key.request_hash,
    )
    conditions = [ledger.NO_REFILL_DUE]
    conditions.append(ledger.COVERED if new.amount < 0 else ledger.BOUNDED)
    for _ in range(TRIES):
        if ledger.insert_entry(entry, *conditions, user_id=user_id, at=at):
            count_charges([entry])
            return Outcome(entry)
        replay = find_replay(CreditTransaction.objects.for_user(user_id), actor, request_key)
        if replay is not None:
            return replay
        settle_or_refuse(user_id=user_id, needed=-new.amount, tier=tier, at=at)
    raise refusal(account_of(user_id, tier=tier, at=at), -new.amount, at)


def count_charges(entries: Sequence[CreditTransaction]) -> None:
    """Count the charges among these new entries, for the metrics, as soon as they are committed."""
    charges = [-entry.amount for entry in entries if entry.type == CreditTransaction.Type.DEDUCT]
    if charges:
        transaction.on_commit(lambda: _count(len(charges), sum(charges)), robust=True)


def _count(charges: int, credits_charged: int) -> None:
    metrics.CHARGES.inc(charges)
    metrics.CREDITS_CHARGED.inc(credits_charged)


def settle_or_refuse(*, user_id: str, needed: int, tier: str | None, at: datetime.datetime) -> None:
    """Find out why an act did not pass: do what is due and return, or raise the refusal.

    Never the ground of a charge: the act itself is tried again and decides.
    """
    account = _account_unless_due(user_id, tier, at)
    if account is None:
        return
    if needed <= 0:
        # Unless the sum is too large, somebody else did what was due meanwhile.
        if account.balance - needed > ledger.BALANCE_MAX:
            raise refusal(account, needed, at)
    elif account.frozen_at is not None or account.balance - account.held < needed:
        raise refusal(account, needed, at)


def _account_unless_due(user_id: str, tier: str | None, at: datetime.datetime) -> Any:
    """The account as it stands; None where it had to be opened, filled or freed of holds first."""
    account: Any = standing_account.first(user_id=user_id, at=at)
    if account is None:
        open_account(user_id=user_id, tier=tier, at=at)
    elif account.refill_is_due(at=at) or account.held != account.held_now:
        settle(user_id=user_id, at=at)
    else:
        return account
    return None


def refusal(account: Any, needed: int, at: datetime.datetime) -> DomainError:
    """Why the account refuses, as it stands; `needed` is negative for what comes in."""
    if needed <= 0:
        return errors.AmountTooLarge(f"A balance holds at most {ledger.BALANCE_MAX} credits.")
    if account.frozen_at is not None:
        return errors.AccountFrozen("This account is frozen. Staff can say why, and release it.")
    available = account.balance - account.held_now
    refill = account.next_refill_at
    return errors.InsufficientCredits(
        f"This needs {needed} credits; {available} are available.",
        until_refill=None if refill is None else refill - at,
        needed=needed,
        available=available,
        held=account.held_now,
    )


def add_transactions(
    *,
    user_id: str,
    new: Sequence[NewTransaction],
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
    tier: str | None = None,
) -> Outcome[list[CreditTransaction]]:
    """Write up to 500 entries of one person, all or nothing.

    A handful of statements, whatever their number. Their keys are `key#0`, `key#1` and so on. A
    refusal names the `index` of the first entry that does not pass. Raises as add_transaction does.
    """
    _account_unless_due(user_id, tier, at)
    with transaction.atomic():
        accounts = CreditAccount.objects.locked().for_user(user_id, kept=True)
        account: Any = accounts.first()
        if account is None:  # the person was erased or moved a moment ago
            open_account(user_id=user_id, tier=tier, at=at)
            account = accounts.get()
        replay = _find_batch_replay(user_id, actor, request_key, len(new))
        if replay is not None:
            return replay
        entries = _following_entries(account, new, at)
        for index, entry in enumerate(entries):
            entry.actor, entry.created_at = actor, at
            entry.idempotency_key = batch_key(request_key, index)
            entry.request_hash = request_key.request_hash
        CreditTransaction.objects.bulk_create(entries)
        count_charges(entries)
    return Outcome(entries)


def batch_key(request_key: RequestKey, index: int) -> str | None:
    """The key of one entry of a batch."""
    return None if request_key.key is None else f"{request_key.key}#{index}"


def _find_batch_replay(
    user_id: str, actor: str, request_key: RequestKey, count: int
) -> Outcome[list[CreditTransaction]] | None:
    if request_key.key is None:
        return None
    keys = [batch_key(request_key, index) for index in range(count)]
    made = CreditTransaction.objects.for_user(user_id).filter(idempotency_key__in=keys, actor=actor)
    entries = list(made.order_by("sequence"))
    if not entries:
        return None
    for entry in entries:
        request_key.require_same(entry.request_hash)
    return Outcome(entries, replayed=True, created=False)


def _following_entries(
    account: Any, new: Sequence[NewTransaction], at: datetime.datetime
) -> list[CreditTransaction]:
    entries, balance = [], account.balance
    for index, item in enumerate(new):
        free = balance - account.held
        if item.amount < 0 and (account.frozen_at is not None or free < -item.amount):
            # The account as it would be at this entry.
            account.balance, account.held_now = balance, account.held
            raise _at_index(refusal(account, -item.amount, at), index)
        if balance + item.amount > ledger.BALANCE_MAX:
            raise _at_index(refusal(account, 0, at), index)
        balance += item.amount
        entries.append(
            item.entry(
                person_id=account.person_id,
                sequence=account.sequence + index + 1,
                balance_after=balance,
            )
        )
    return entries


def _at_index(error: DomainError, index: int) -> DomainError:
    error.details["index"] = index
    return error


def refund_transaction(
    *,
    user_id: str,
    transaction_uid: uuid.UUID,
    amount: int | None,
    description: str,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
) -> Outcome[CreditTransaction]:
    """Give back a charge, or `amount` of it; without an amount what is left.

    Raises NotFound, NotRefundable for what is no charge, RefundExceedsOriginal and
    IdempotencyKeyReused.
    """
    for _ in range(TRIES):
        replay = find_replay(CreditTransaction.objects.for_user(user_id), actor, request_key)
        if replay is not None:
            return replay
        entry = CreditTransaction(
            type=CreditTransaction.Type.REFUND,
            amount=_refundable(user_id, transaction_uid, amount),
            description=description,
            refunds=transaction_uid,
            actor=actor,
            created_at=at,
            idempotency_key=request_key.key,
            request_hash=request_key.request_hash,
        )
        try:
            with transaction.atomic():
                written = ledger.insert_entry(
                    entry, ledger.NO_REFILL_DUE, ledger.BOUNDED, user_id=user_id, at=at
                )
        except IntegrityError:
            continue  # another refund of the same charge was quicker: see what it left
        if written:
            return Outcome(entry)
        entries = CreditTransaction.objects.for_user(user_id)
        if find_replay(entries, actor, request_key) is None:
            if not CreditAccount.objects.for_user(user_id).exists():
                continue  # erased with its charge a moment ago
            settle_or_refuse(user_id=user_id, needed=-entry.amount, tier=None, at=at)
    raise errors.RefundExceedsOriginal("Other refunds of this charge are under way; look again.")


def _refundable(user_id: str, transaction_uid: uuid.UUID, amount: int | None) -> int:
    original = CreditTransaction.objects.for_user(user_id).filter(uid=transaction_uid).first()
    if original is None:
        raise NotFound("There is no such transaction.")
    if original.type != CreditTransaction.Type.DEDUCT:
        raise errors.NotRefundable(
            f"Only a charge is given back; this is {original.type}.", type=original.type
        )
    refunds = CreditTransaction.objects.refunds_of(original)
    refunded = refunds.aggregate(total=Sum("amount"))["total"] or 0
    left = -original.amount - refunded
    wanted = left if amount is None else amount
    if wanted > left or not left:
        raise errors.RefundExceedsOriginal(
            f"Of this charge of {-original.amount} credits {left} can still be given back.",
            original=-original.amount,
            refunded=refunded,
            left=left,
        )
    return wanted

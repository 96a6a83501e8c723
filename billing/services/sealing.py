"""Sealing entries of the ledger, a minute after they were made; never on the way of a charge."""

import datetime
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from billing import sealing
from billing.models import CreditAccount, CreditTransaction, LedgerCheckpoint, LedgerSeal

# Until then every entry with a lower number is written, whichever transaction ended first.
SETTLED = datetime.timedelta(minutes=1)


def unsealed(*, at: datetime.datetime) -> Any:
    """The entries that a run would look at, the oldest first."""
    last = LedgerSeal.objects.order_by("-number").values_list("through", flat=True).first() or 0
    return CreditTransaction.objects.filter(pk__gt=last, created_at__lt=at - SETTLED).order_by("pk")


def seal_entries(*, at: datetime.datetime, limit: int) -> int:
    """Seal the accounts of the next `limit` entries; returns how many entries were looked at.

    Without a key nothing is sealed.
    """
    if not sealing.keys():
        return 0
    with transaction.atomic():
        _alone()
        window = list(unsealed(at=at).values_list("pk", "person_id", "sequence")[:limit])
        ends: dict[int, int] = {}
        for _, person, sequence in window:
            ends[person] = max(sequence, ends.get(person, 0))
        found = CreditAccount.objects.filter(person__in=ends)
        accounts = {account.person_id: account for account in found}
        for person, sequence in ends.items():  # in the order of their entries
            if person in accounts:
                _seal(accounts[person], sequence=sequence, through=window[-1][0], at=at)
    return len(window)


def seal_account(*, account: CreditAccount, sequence: int, at: datetime.datetime) -> None:
    """Seal one account's entries up to that one, before they leave it.

    Where a later one is sealed already, the new seal stands between two others.
    """
    if not sealing.keys():
        return
    with transaction.atomic():
        _alone()
        last = LedgerSeal.objects.order_by("-number").first()
        _seal(account, sequence=sequence, through=last.through if last else 0, at=at)


def _alone() -> None:
    """One at a time makes seals: each stands on the last. SQLite has one writer anyhow."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {LedgerSeal._meta.db_table} IN EXCLUSIVE MODE")


def _seal(account: CreditAccount, *, sequence: int, through: int, at: datetime.datetime) -> None:
    """Seal the account up to that entry, where something is new.

    Not where entries do not fit: a seal would say that they are right. `verify` names them.
    """
    seals = LedgerSeal.objects.filter(account=account)
    before = seals.filter(sequence__lte=sequence).order_by("-sequence").first()
    if before is None:
        before = _begin_at_checkpoint(account, through=through, at=at)
    number, balance = (before.sequence, before.balance) if before else (0, 0)
    rows = list(rows_of(account, after=number, to=sequence))
    for row in rows:
        number, balance = number + 1, balance + row[3]
        if (row[1], row[4]) != (number, balance):
            return
    if not rows or number != sequence:
        return
    after = seals.filter(sequence__gt=sequence).order_by("sequence").first()
    # The seal after it goes on from its mac, under its own key.
    name, key = _key(after.key if after else None)
    mac = sealing.mac_after(
        key,
        before=before.mac if before else sealing.begin(key, account=account.pk),
        entries=rows,
    )
    new = LedgerSeal(account=account, sequence=number, balance=balance, through=through, mac=mac)
    _append(new, name, key, at=at)


def _key(wanted: str | None) -> tuple[str, bytes]:
    """That key if it is known, else the one that seals."""
    keys = sealing.keys()
    name = wanted if wanted in keys else next(iter(keys))
    return name, keys[name]


def _begin_at_checkpoint(
    account: CreditAccount, *, through: int, at: datetime.datetime
) -> LedgerSeal | None:
    """The seal of what was archived before there were seals: it takes the checkpoint's word."""
    checkpoint = (
        LedgerCheckpoint.objects.filter(person=account.person_id).order_by("-sequence").first()
    )
    if checkpoint is None:
        return None
    name, key = _key(None)
    said = {"sequence": checkpoint.sequence, "balance": checkpoint.balance}
    mac = sealing.begin(key, account=account.pk, **said)
    return _append(LedgerSeal(account=account, through=through, mac=mac, **said), name, key, at=at)


def _append(new: LedgerSeal, name: str, key: bytes, *, at: datetime.datetime) -> LedgerSeal:
    """Write the seal after all others."""
    last = LedgerSeal.objects.order_by("-number").first()
    new.number = last.number + 1 if last else 1
    new.key = name
    new.created_at = at
    new.chain = sealing.chain_of(
        key,
        number=new.number,
        before=last.chain if last else sealing.NOTHING,
        account=new.account_id,
        sequence=new.sequence,
        balance=new.balance,
        mac=new.mac,
    )
    new.save(force_insert=True)
    return new


def rows_of(account: CreditAccount, *, after: int, to: int) -> Iterable[Any]:
    """What a seal covers of the account's entries, from the one after `after` on."""
    entries = CreditTransaction.objects.filter(
        person=account.person_id, sequence__gt=after, sequence__lte=to
    )
    return entries.order_by("sequence").values_list(*sealing.COLUMNS).iterator(chunk_size=2000)

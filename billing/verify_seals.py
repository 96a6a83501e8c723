"""What `manage.py verify` derives anew of the seals of the ledger (billing/sealing.py)."""

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.db.models import Q

from billing import sealing
from billing.models import CreditAccount, CreditTransaction, LedgerCheckpoint, LedgerSeal
from common.declarations import Check, Head

CHUNK_ACCOUNTS = 500


def chain_problems(after: int = 0) -> Iterator[str]:
    """Each seal stands on the one before it; none is gone from between them."""
    keys = sealing.keys()
    number, before, unknown = 0, sealing.NOTHING, 0
    if last := LedgerSeal.objects.filter(pk__lte=after).order_by("-number").first():
        number, before = last.number, last.chain
    seals = LedgerSeal.objects.filter(number__gt=number).order_by("number")
    for seal in seals.iterator(chunk_size=2000):
        number += 1
        if seal.number != number:
            yield f"seal {number} is gone; the next is {seal.number}"
            number = seal.number
        elif seal.key not in keys:
            unknown += 1
        elif seal.chain != sealing.chain_of(
            keys[seal.key],
            number=number,
            before=before,
            account=seal.account_id,
            sequence=seal.sequence,
            balance=seal.balance,
            mac=seal.mac,
        ):
            yield f"seal {number} was not made by this server, or does not follow the one before"
        before = seal.chain
    if unknown:
        yield (
            f"{unknown} seals were made with a key that is not known here: put it into"
            " LEDGER_SEAL_KEY_FALLBACKS"
        )


def entry_problems(after: int = 0) -> Iterator[str]:
    """The entries of each account are those that were sealed, back to its last checkpoint."""
    last = 0
    of_seals = CreditAccount.objects.select_related("person").order_by("pk")
    if after:
        of_seals = of_seals.filter(pk__in=LedgerSeal.objects.filter(pk__gt=after).values("account"))
    while accounts := list(of_seals.filter(pk__gt=last)[:CHUNK_ACCOUNTS]):
        last = accounts[-1].pk
        yield from _problems_of(accounts, after)
    known = CreditAccount.objects.values("pk")
    for seal in LedgerSeal.objects.exclude(account_id__in=known).order_by("number"):
        yield f"the account of seal {seal.number} is gone"


def _problems_of(accounts: list[CreditAccount], after: int) -> Iterator[str]:
    of_accounts = LedgerSeal.objects.filter(account__in=accounts).order_by("account", "sequence")
    seals = {
        account: list(of_account)
        for account, of_account in groupby(of_accounts, key=lambda seal: seal.account_id)
    }
    left = {account.person_id: account for account in accounts if account.pk in seals}
    archived = {
        checkpoint.person_id: checkpoint
        for checkpoint in LedgerCheckpoint.objects.filter(person__in=left).order_by("sequence")
    }
    covered = Q(person__in=list(left))
    if after:  # what is behind a known seal need not even be read
        begin = {person: _pairs(seals[account.pk], after)[0][0] for person, account in left.items()}
        pieces = [
            Q(person=person, sequence__gt=seal.sequence if seal else 0)
            for person, seal in begin.items()
        ]
        covered = Q(*pieces, _connector=Q.OR)
    rows = CreditTransaction.objects.filter(covered).order_by("person_id", "sequence")
    columns = rows.values_list("person_id", *sealing.COLUMNS).iterator(chunk_size=2000)
    for person, of_person in groupby(columns, key=lambda row: row[0]):
        account = left.pop(person)
        entries = (row[1:] for row in of_person)
        yield from _person_problems(
            account, seals[account.pk], archived.get(person), entries, after
        )
    for person, account in left.items():
        yield from _person_problems(
            account, seals[account.pk], archived.get(person), iter(()), after
        )


def _pairs(seals: list[LedgerSeal], after: int) -> list[tuple[LedgerSeal | None, LedgerSeal]]:
    """Each of an account's seals and the one before it, from the first that was added on."""
    added = next(number for number, seal in enumerate(seals) if seal.pk > after)
    return list(zip([None, *seals], seals, strict=False))[added:]


def _person_problems(
    account: CreditAccount,
    seals: list[LedgerSeal],
    checkpoint: LedgerCheckpoint | None,
    entries: Iterator[tuple[Any, ...]],
    after: int,
) -> Iterator[str]:
    """Back to the checkpoint: entries below it are in its archive, and it stands on a seal."""
    name = account.person.name
    archived = checkpoint.sequence if checkpoint else 0
    if checkpoint and not any(
        (seal.sequence, seal.balance) == (archived, checkpoint.balance) for seal in seals
    ):
        yield f"{name}: no seal says what checkpoint {archived} says"
    keys = sealing.keys()
    standing = _Segments(entries)
    for before, seal in _pairs(seals, after):
        segment = standing.up_to(seal.sequence)
        if seal.sequence <= archived or seal.key not in keys:
            deque(segment, maxlen=0)  # passed over
            continue
        key = keys[seal.key]
        begun = before.mac if before else sealing.begin(key, account=seal.account_id)
        mac = sealing.mac_after(key, before=begun, entries=segment)
        if seal.mac != mac:
            yield (
                f"{name}: the entries {before.sequence + 1 if before else 1} to {seal.sequence} are"
                f" not those of seal {seal.number}"
            )
            return


class _Segments:
    """The entries of a person, given out piece by piece, so that no account must fit in memory."""

    def __init__(self, entries: Iterator[tuple[Any, ...]]) -> None:
        self.entries = entries
        self.next: tuple[Any, ...] | None = next(entries, None)

    def up_to(self, sequence: int) -> Iterator[tuple[Any, ...]]:
        """Those up to that sequence that were not given yet."""
        while self.next is not None and self.next[1] <= sequence:
            yield self.next
            self.next = next(self.entries, None)


def head() -> str:
    """The last seal's number and chain: whoever keeps it outside knows a cut tail."""
    last = LedgerSeal.objects.order_by("-number").values_list("number", "chain").first()
    return "{}:{}".format(*last) if last else "0:"


def holds(kept: str) -> bool:
    """Whether the seal that was once the last stands as it did."""
    number, _, chain = kept.partition(":")
    if kept == "0:":
        return True
    return number.isdecimal() and LedgerSeal.objects.filter(number=number, chain=chain).exists()


CHECKS: list[Check | Head] = [
    Check(
        "billing.seals", "Seals of the ledger follow each other", chain_problems, added=LedgerSeal
    ),
    Check(
        "billing.sealed",
        "Sealed entries are as they were written",
        entry_problems,
        added=LedgerSeal,
    ),
    Head("billing.seals", head, holds),
]

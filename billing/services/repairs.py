"""What `manage.py verify --repair` can put right in the ledger, because one way alone is right.

Every step is one that the triggers let through: a row takes the name that its person's erasure
gave, an account moves by an entry that stands, held credits become the sum of open holds.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import Exists, F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import CreditAccount, CreditHold, CreditTransaction, LedgerCheckpoint
from common import locks, privacy
from common.models import ERASED_PREFIX
from common.verification import Repair, Tear

# In the order in which writers lock them, the head first.
LEDGER = (CreditAccount, CreditHold, CreditTransaction, LedgerCheckpoint)


def torn_by_an_erasure() -> Iterator[Tear]:
    """Account and entries that are one ledger under two names, since an erasure met a charge."""
    accounts = [account for account in CreditAccount.objects.order_by("pk") if not _is_whole(
        account, {account.user_id}
    )]  # fmt: skip
    ownerless = CreditTransaction.objects.filter(
        ~Exists(CreditAccount.objects.filter(user_id=OuterRef("user_id")))
    )
    names = sorted(set(ownerless.values_list("user_id", flat=True)))
    matches: dict[tuple[str, str], CreditAccount] = {}
    for account in accounts:
        for other in names:
            erased, person = sorted((account.user_id, other), key=lambda name: not _is_erased(name))
            if _is_torn([account], person, erased):
                matches[person, erased] = account
    for person, erased in _unambiguous(matches):
        yield Tear(
            frozenset({person, erased}),
            f"{person}: the rows of the account and of its entries are one ledger under two names;"
            f" all of it takes the name that the erasure gave, {erased}",
            partial(move_to_erased, person=person, erased=erased),
        )


def _is_torn(accounts: list[CreditAccount], person: str, erased: str) -> bool:
    """Whether the two names have one account and, without new entries of the person, its ledger.

    Whoever went on with an account after the erasure has entries of the new life, too.
    """
    if not _is_erased(erased) or _is_erased(person) or len(accounts) != 1:
        return False
    [account] = accounts
    went_on = account.user_id == person and _entries({person}).exists()
    return not went_on and _is_whole(account, {person, erased})


def _unambiguous(matches: dict[tuple[str, str], CreditAccount]) -> list[tuple[str, str]]:
    """The pairs that have no rival; among rivals the one whose times agree as well."""
    told = {
        (person, erased): account
        for (person, erased), account in matches.items()
        if _entries({person, erased}).filter(created_at=account.last_refill_at).exists()
    }
    found = []
    for pair in matches:
        rivals = [one for one in matches if one != pair and set(one) & set(pair)]
        if not rivals or (pair in told and not any(one in told for one in rivals)):
            found.append(pair)
    return found


def _is_erased(name: str) -> bool:
    return name.startswith(ERASED_PREFIX)


def _entries(names: set[str]) -> Any:
    return CreditTransaction.objects.filter(user_id__in=names).order_by("sequence")


def _is_whole(account: CreditAccount, names: set[str]) -> bool:
    """Whether the entries under these names lead without a gap to what the account says."""
    kept = LedgerCheckpoint.objects.filter(user_id__in=names).order_by("-sequence")
    sequence, balance = kept.values_list("sequence", "balance").first() or (0, 0)
    rows = _entries(names).values_list("sequence", "amount", "balance_after")
    for number, amount, after in rows.iterator(chunk_size=2000):
        if number != sequence + 1 or after != balance + amount:
            return False
        sequence, balance = number, after
    return (sequence, balance) == (account.sequence, account.balance)


def move_to_erased(*, person: str, erased: str) -> int:
    """Give the person's ledger the erased name, as their erasure would have."""
    locks.lock_persons(person, erased)
    accounts = CreditAccount.objects.filter(user_id__in=[person, erased]).select_for_update()
    if not _is_torn(list(accounts), person, erased):
        return 0  # somebody was quicker
    moved = 0
    tables = {table.model: table for table in privacy.tables()}
    for model in LEDGER:
        moved += privacy.empty(tables[model], person, erased)
    return moved


def not_applied() -> Iterator[Tear]:
    """Accounts that stayed behind their own entries, written while a trigger was missing."""
    newest = CreditTransaction.objects.filter(user_id=OuterRef("user_id")).order_by("-sequence")
    behind = CreditAccount.objects.annotate(
        last_sequence=Subquery(newest.values("sequence")[:1]),
        last_balance=Subquery(newest.values("balance_after")[:1]),
    ).filter(sequence__lt=F("last_sequence"))
    columns = ("user_id", "sequence", "last_sequence", "last_balance")
    for user_id, sequence, last, balance in behind.order_by("pk").values_list(*columns):
        if _is_whole(CreditAccount(sequence=last, balance=balance), {user_id}):
            yield Tear(
                frozenset({user_id}),
                f"{user_id}: the account stands at entry {sequence}; it follows its entries to"
                f" {last}, with {balance}",
                partial(follow_entries, user_id=user_id),
            )


def follow_entries(*, user_id: str) -> int:
    """Move the account entry by entry to its last one."""
    account = CreditAccount.objects.filter(user_id=user_id).select_for_update().first()
    if account is None:
        return 0  # erased since
    moved = 0
    for entry in _entries({user_id}).filter(sequence__gt=account.sequence):
        moved += CreditAccount.objects.filter(pk=account.pk).update(
            balance=entry.balance_after, sequence=entry.sequence
        )
    return moved


def held_otherwise() -> Iterator[Tear]:
    """Held credits that are not the sum of open holds."""
    accounts = CreditAccount.objects.annotate(told=_open_holds()).exclude(held=F("told"))
    for account in accounts.filter(told__lte=F("balance")).order_by("pk"):
        # Not beside other damage: the holds may be those of somebody else's account.
        if _is_whole(account, {account.user_id}):
            yield Tear(
                frozenset({account.user_id}),
                f"{account.user_id}: the {account.held} held credits become the sum of open holds",
                partial(sum_holds, user_id=account.user_id),
            )


def _open_holds() -> Any:
    holds = CreditHold.objects.filter(user_id=OuterRef("user_id"), state=CreditHold.State.OPEN)
    summed = holds.order_by().values("user_id").annotate(total=Sum("amount")).values("total")
    return Coalesce(Subquery(summed), 0)


def sum_holds(*, user_id: str) -> int:
    """Set the held credits to the sum of open holds."""
    list(CreditAccount.objects.filter(user_id=user_id).select_for_update())
    return CreditAccount.objects.filter(user_id=user_id).update(held=_open_holds())


REPAIRS = [
    Repair("billing.erasure", torn_by_an_erasure),
    Repair("billing.entries", not_applied),
    Repair("billing.held", held_otherwise),
]

"""What `manage.py verify --repair` can put right in the ledger, because one way alone is right.

Every step is one that the triggers let through: an account moves by an entry that stands, held
credits become the sum of open holds. What an erasure kept is never changed, and so not mended.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import CreditAccount, CreditHold, CreditTransaction, LedgerCheckpoint
from common.declarations import Repair, Tear


def _entries(person: int) -> Any:
    return CreditTransaction.objects.filter(person=person).order_by("sequence")


def _is_whole(person: int, *, sequence: int, balance: int) -> bool:
    """Whether the person's entries lead without a gap to that one, with that balance."""
    kept = LedgerCheckpoint.objects.filter(person=person).order_by("-sequence")
    reached, sum_so_far = kept.values_list("sequence", "balance").first() or (0, 0)
    rows = _entries(person).values_list("sequence", "amount", "balance_after")
    for number, amount, after in rows.iterator(chunk_size=2000):
        if number != reached + 1 or after != sum_so_far + amount:
            return False
        reached, sum_so_far = number, after
    return (reached, sum_so_far) == (sequence, balance)


def _of_the_living() -> Any:
    return CreditAccount.objects.filter(person__user_id__isnull=False)


def not_applied() -> Iterator[Tear]:
    """Accounts that stayed behind their own entries, written while a trigger was missing."""
    newest = CreditTransaction.objects.filter(person=OuterRef("person")).order_by("-sequence")
    behind = (
        _of_the_living()
        .annotate(
            last_sequence=Subquery(newest.values("sequence")[:1]),
            last_balance=Subquery(newest.values("balance_after")[:1]),
        )
        .filter(sequence__lt=F("last_sequence"))
    )
    columns = ("person", "person__user_id", "sequence", "last_sequence", "last_balance")
    for person, user_id, sequence, last, balance in behind.order_by("pk").values_list(*columns):
        if _is_whole(person, sequence=last, balance=balance):
            yield Tear(
                frozenset({user_id}),
                f"{user_id}: the account stands at entry {sequence}; it follows its entries to"
                f" {last}, with {balance}",
                partial(follow_entries, user_id=user_id),
            )


def follow_entries(*, user_id: str) -> int:
    """Move the account entry by entry to its last one."""
    account = _of(user_id).select_for_update().first()
    if account is None:
        return 0  # erased since
    moved = 0
    for entry in _entries(account.person_id).filter(sequence__gt=account.sequence):
        moved += CreditAccount.objects.filter(pk=account.pk).update(
            balance=entry.balance_after, sequence=entry.sequence
        )
    return moved


def held_otherwise() -> Iterator[Tear]:
    """Held credits that are not the sum of open holds."""
    accounts = _of_the_living().annotate(open_total=_open_holds()).exclude(held=F("open_total"))
    columns = ("person", "person__user_id", "sequence", "balance", "held")
    lacking = accounts.filter(open_total__lte=F("balance")).order_by("pk")
    for person, user_id, sequence, balance, held in lacking.values_list(*columns):
        # Not beside other damage, which may be in the holds as well.
        if _is_whole(person, sequence=sequence, balance=balance):
            yield Tear(
                frozenset({user_id}),
                f"{user_id}: the {held} held credits become the sum of open holds",
                partial(sum_holds, user_id=user_id),
            )


def _open_holds() -> Any:
    holds = CreditHold.objects.filter(person=OuterRef("person"), state=CreditHold.State.OPEN)
    summed = holds.order_by().values("person").annotate(total=Sum("amount")).values("total")
    return Coalesce(Subquery(summed), 0)


def sum_holds(*, user_id: str) -> int:
    """Set the held credits to the sum of open holds."""
    list(_of(user_id).select_for_update())
    return _of(user_id).update(held=_open_holds())


def _of(user_id: str) -> Any:
    return CreditAccount.objects.for_user(user_id)


REPAIRS = [
    Repair("billing.entries", not_applied),
    Repair("billing.held", held_otherwise),
]

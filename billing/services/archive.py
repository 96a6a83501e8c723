"""Old entries of the ledger leave through the one door that the triggers know: a checkpoint."""

import datetime
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Max, Min

from billing.models import CreditAccount, CreditTransaction, LedgerCheckpoint
from billing.services import sealing


def entries_to_archive(*, user_id: str, before: datetime.datetime) -> Iterator[CreditTransaction]:
    """A person's entries, in sequence, up to the first that was not made before that time."""
    entries = CreditTransaction.objects.for_user(user_id)
    kept = entries.filter(created_at__gte=before).aggregate(first=Min("sequence"))["first"]
    last = entries.aggregate(last=Max("sequence"))["last"] if kept is None else kept - 1
    if last is None:
        return iter(())
    return entries.filter(sequence__lte=last).order_by("sequence").iterator(chunk_size=2000)


def people_with_entries() -> Iterator[str]:
    """Everyone with an account, in batches."""
    last = 0
    while True:
        batch = list(
            CreditAccount.objects.filter(pk__gt=last)
            .order_by("pk")
            .values_list("pk", "user_id")[:500]
        )
        if not batch:
            return
        yield from (user_id for _, user_id in batch)
        last = batch[-1][0]


def replace_by_checkpoint(
    *,
    last: CreditTransaction,
    digest: str,
    archive: str,
    at: datetime.datetime,
) -> int:
    """Write a checkpoint at `last` and remove the entries up to it.

    `digest` is that of the account's lines in the file `archive`, which must be safe on disk by
    now. Returns how many entries went: none where the person was erased since the file was written.
    """
    with transaction.atomic():
        account = CreditAccount.objects.locked().filter(user_id=last.user_id)
        entry = CreditTransaction.objects.filter(pk=last.pk, user_id=last.user_id)
        if not (account and entry.exists()):
            return 0
        # So that later seals stand on one that ends where the entries begin.
        sealing.seal_account(user_id=last.user_id, sequence=last.sequence, at=at)
        LedgerCheckpoint.objects.create(
            user_id=last.user_id,
            sequence=last.sequence,
            balance=last.balance_after,
            digest=digest,
            archive=archive,
            created_at=at,
        )
        removed, _ = CreditTransaction.objects.filter(
            user_id=last.user_id, sequence__lte=last.sequence
        ).delete()
    return removed

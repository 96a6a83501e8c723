"""Old entries of the ledger leave through the one door that the triggers know: a checkpoint."""

import datetime
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Max, Min

from access.models import Person
from billing.models import CreditAccount, CreditTransaction, LedgerCheckpoint
from billing.services import sealing


def entries_to_archive(*, person: Person, before: datetime.datetime) -> Iterator[CreditTransaction]:
    """A person's entries, in sequence, up to the first that was not made before that time."""
    entries = CreditTransaction.objects.filter(person=person)
    kept = entries.filter(created_at__gte=before).aggregate(first=Min("sequence"))["first"]
    last = entries.aggregate(last=Max("sequence"))["last"] if kept is None else kept - 1
    if last is None:
        return iter(())
    return entries.filter(sequence__lte=last).order_by("sequence").iterator(chunk_size=2000)


def people_with_entries() -> Iterator[Person]:
    """Everyone with an account, the erased as well, in batches."""
    last = 0
    while True:
        batch = CreditAccount.objects.filter(pk__gt=last).select_related("person").order_by("pk")
        accounts = list(batch[:500])
        if not accounts:
            return
        yield from (account.person for account in accounts)
        last = accounts[-1].pk


def replace_by_checkpoint(
    *,
    person: Person,
    last: CreditTransaction,
    digest: str,
    archive: str,
    at: datetime.datetime,
) -> int:
    """Write a checkpoint at `last`, an entry of the person, and remove the entries up to it.

    `digest` is that of the account's lines in the file `archive`, which must be safe on disk by
    now. Returns how many entries went: none where the person was erased or moved since the file was
    written.
    """
    with transaction.atomic():
        account = CreditAccount.objects.locked().filter(person=person).first()
        # Read under the lock: erasure and move come wholly before it or wholly after.
        if account is None or Person.objects.get(pk=person.pk).name != person.name:
            return 0
        if not CreditTransaction.objects.filter(person=person, pk=last.pk).exists():
            return 0
        # So that later seals stand on one that ends where the entries begin.
        sealing.seal_account(account=account, sequence=last.sequence, at=at)
        LedgerCheckpoint.objects.create(
            person=person,
            sequence=last.sequence,
            balance=last.balance_after,
            digest=digest,
            archive=archive,
            created_at=at,
        )
        removed, _ = CreditTransaction.objects.filter(
            person=person, sequence__lte=last.sequence
        ).delete()
    return removed

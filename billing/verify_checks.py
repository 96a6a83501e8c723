"""What `manage.py verify` derives anew of usage and credits, starting from checkpoints."""

from collections.abc import Iterator
from pathlib import Path

from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from access.models import PERSON_NAME, Person
from billing import archive_files
from billing.models import (
    CreditAccount,
    CreditHold,
    CreditTransaction,
    LedgerCheckpoint,
    Usage,
    UsageOverride,
)
from common.declarations import Check

# Before the first of all rows there is none.
NOTHING = Value(None, BigIntegerField())


def _entries(after: int = 0) -> Iterator[str]:
    """Sequences without a gap, each balance that of the entry before plus the amount."""
    latest = {
        person: (sequence, balance)
        for person, sequence, balance in LedgerCheckpoint.objects.order_by(
            "person", "sequence"
        ).values_list("person", "sequence", "balance")
    }
    before = CreditTransaction.objects.filter(
        person=OuterRef("person"), sequence=OuterRef("sequence") - 1, pk__lte=after
    )
    rows = (
        CreditTransaction.objects.filter(pk__gt=after)
        .order_by("person_id", "sequence")
        .values_list("person", "sequence", "amount", "balance_after")
        .annotate(balance_before=Subquery(before.values("balance_after")) if after else NOTHING)
    )
    last, sequence, balance = 0, 0, 0
    for person, number, amount, balance_after, balance_before in rows.iterator(chunk_size=2000):
        if person != last:
            last = person
            sequence, balance = latest.get(person, (0, 0))
            if balance_before is not None:
                sequence, balance = number - 1, balance_before
        if number != sequence + 1 or balance_after != balance + amount:
            yield (
                f"{_name(person)}: entry {number} of {amount} leaves {balance_after};"
                f" before it stands entry {sequence} with {balance}"
            )
        sequence, balance = number, balance_after


def _name(person: int) -> str:
    found = Person.objects.filter(pk=person).first()
    return found.name if found else f"person {person}, who is not there"


def _balances() -> Iterator[str]:
    """The account says what its last entry says, or its last checkpoint."""
    last = CreditTransaction.objects.filter(person=OuterRef("person")).order_by("-sequence")[:1]
    kept = LedgerCheckpoint.objects.filter(person=OuterRef("person")).order_by("-sequence")[:1]
    accounts = CreditAccount.objects.annotate(
        ledger_sequence=Coalesce(
            Subquery(last.values("sequence")), Subquery(kept.values("sequence")), 0
        ),
        ledger_balance=Coalesce(
            Subquery(last.values("balance_after")), Subquery(kept.values("balance")), 0
        ),
    ).exclude(sequence=F("ledger_sequence"), balance=F("ledger_balance"))
    names = (PERSON_NAME, "sequence", "balance", "ledger_sequence", "ledger_balance")
    for user_id, sequence, balance, ledger_sequence, ledger_balance in accounts.values_list(*names):
        yield (
            f"{user_id}: the account has {balance} after entry {sequence}, the ledger"
            f" {ledger_balance} after entry {ledger_sequence}"
        )
    ownerless = CreditTransaction.objects.filter(
        ~Exists(CreditAccount.objects.filter(person=OuterRef("person")))
    )
    # An entry names its person without a foreign key: there may be none.
    for person in ownerless.order_by().values_list("person_id", flat=True).distinct():
        yield f"{_name(person)}: there are entries and no account"


def _held() -> Iterator[str]:
    open_holds = (
        CreditHold.objects.filter(person=OuterRef("person"), state=CreditHold.State.OPEN)
        .order_by()
        .values("person")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    accounts = CreditAccount.objects.annotate(open_total=Coalesce(Subquery(open_holds), 0))
    for user_id, held, open_total in accounts.exclude(held=F("open_total")).values_list(
        PERSON_NAME, "held", "open_total"
    ):
        yield f"{user_id}: the account holds {held}, its open holds {open_total}"


def _captures() -> Iterator[str]:
    """A captured hold has its entry; its entry may be archived when a checkpoint is younger."""
    entry = CreditTransaction.objects.filter(
        person=OuterRef("person"), hold=OuterRef("uid"), amount=-OuterRef("captured_amount")
    )
    archived = LedgerCheckpoint.objects.filter(
        person=OuterRef("person"), created_at__gte=OuterRef("created_at")
    )
    holds = CreditHold.objects.filter(state=CreditHold.State.CAPTURED)
    for user_id, uid in holds.filter(~Exists(entry), ~Exists(archived)).values_list(
        PERSON_NAME, "uid"
    ):
        yield f"{user_id}: the captured hold {uid} has no entry of its amount"
    hold = CreditHold.objects.filter(
        person=OuterRef("person"), uid=OuterRef("hold"), captured_amount=-OuterRef("amount")
    )
    entries = CreditTransaction.objects.filter(~Exists(hold), hold__isnull=False)
    for user_id, sequence in entries.values_list(PERSON_NAME, "sequence"):
        yield f"{user_id}: entry {sequence} takes what no hold captured"


def _refunds() -> Iterator[str]:
    original = CreditTransaction.objects.filter(
        person=OuterRef("person"), uid=OuterRef("refunds"), type=CreditTransaction.Type.DEDUCT
    )
    archived = LedgerCheckpoint.objects.filter(person=OuterRef("person"))
    refunds = (
        CreditTransaction.objects.filter(type=CreditTransaction.Type.REFUND)
        .order_by()
        .values("person", "refunds")
        .annotate(total=Sum("amount"), charged=-Subquery(original.values("amount")[:1]))
    )
    for row in refunds.filter(Q(charged=None) & ~Exists(archived) | Q(total__gt=F("charged"))):
        charged = "no charge" if row["charged"] is None else f"a charge of {row['charged']}"
        name = _name(row["person"])
        yield f"{name}: {row['total']} were given back of {charged} ({row['refunds']})"


def _usage() -> Iterator[str]:
    # Somebody whose limits were changed may stand above the new ones.
    changed = UsageOverride.objects.filter(person=OuterRef("person"))
    over = Usage.objects.filter(
        Q(daily_used__gt=F("daily_limit")) | Q(monthly_used__gt=F("monthly_limit")),
        ~Exists(changed),
    )
    for user_id, day, month in over.values_list(PERSON_NAME, "daily_used", "monthly_used"):
        yield f"{user_id}: {day} calls today and {month} this month pass the limits"


def _archives() -> Iterator[str]:
    """The files that are still where they were written have the digests of their checkpoints."""
    for archive in (
        LedgerCheckpoint.objects.order_by("archive").values_list("archive", flat=True).distinct()
    ):
        if not Path(archive).is_file():
            continue
        found = archive_files.digests(Path(archive))
        for user_id, sequence, digest in LedgerCheckpoint.objects.filter(
            archive=archive
        ).values_list(PERSON_NAME, "sequence", "digest"):
            if digest not in found:
                yield f"{user_id}: the lines in {archive} are not those of checkpoint {sequence}"


CHECKS = [
    Check(
        "billing.entries",
        "Entries follow each other without a gap",
        _entries,
        added=CreditTransaction,
    ),
    Check("billing.balances", "Balances are what the ledger says", _balances),
    Check("billing.held", "Held credits are the sum of open holds", _held),
    Check("billing.captures", "Captured holds and their entries agree", _captures),
    Check("billing.refunds", "No charge is given back more than once", _refunds),
    Check("billing.usage", "Nobody passed a limit", _usage),
    Check("billing.archives", "Archive files are as they were written", _archives),
]

"""`manage.py verify --repair`: what is torn and can be put right, and what people must decide."""

import time
from collections.abc import Iterable, Iterator

from django.db import transaction
from django.utils import timezone

from access.services import persons as access_persons
from common import declarations
from common.declarations import Check, Repair, Tear
from common.models import ERASED_PREFIX
from operations.models import MaintenanceRun

# What helps where no repair does, by the beginning of the check's name.
HINTS = {
    "triggers": "Triggers: run migrate. What is not Steward's: find out whose it is, and drop it.",
    "billing.": "Billing: nobody can tell from the tables which side is true. Compare with a backup"
    " restored beside (restore), then write an adjustment with its reason, or restore the backup.",
    "consent.": "Consent: nobody can tell from the tables which side is true. Compare with a backup"
    " or with a history that the person's application keeps, and ask the person again.",
    "conversations.search": "Search: run reindex_search.",
    "querycache.": "Cache: run maintain; what stays then goes with an invalidation.",
}
ELSE = "The rest: compare with a backup restored beside."


def planned() -> Iterator[tuple[str, Tear, int]]:
    """Each tear that can be mended, with the name of its repair; nothing is written."""
    for repair in declarations.repairs():
        for tear in repair.find():
            yield repair.name, tear, 0


def done() -> Iterator[tuple[str, Tear, int]]:
    """Mend each tear in a transaction of its own, and keep that it was done."""
    for repair in declarations.repairs():
        for tear in list(repair.find()):
            rows = _mend(repair, tear)
            if rows:
                yield repair.name, tear, rows


def _mend(repair: Repair, tear: Tear) -> int:
    begun = time.monotonic()
    with transaction.atomic():
        living = (name for name in tear.persons if not name.startswith(ERASED_PREFIX))
        access_persons.lock_persons(*living)
        rows = tear.mend()
        if rows:
            MaintenanceRun.objects.create(
                task=f"verify --repair: {repair.name}",
                started_at=timezone.now(),
                duration_seconds=time.monotonic() - begun,
                items=rows,
            )
    return rows


def left(mended: Iterable[Tear]) -> Iterator[tuple[Check, str]]:
    """What `verify` finds and these repairs will not put right."""
    persons = {person for tear in mended for person in tear.persons}
    for check in declarations.checks():
        for sentence in check.find():
            if sentence.partition(": ")[0] not in persons:
                yield check, sentence


def hint(check: Check) -> str:
    """What a person can do where no repair is known to be right."""
    found = [text for beginning, text in HINTS.items() if check.name.startswith(beginning)]
    return found[0] if found else ELSE

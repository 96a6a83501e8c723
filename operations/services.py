"""What operations writes: the erasure of a person.

One at a time, since each reaches into rows of others that hold the person's id. It begins with the
person's own row (access/services/persons.py), so that nobody is opening rows of theirs, and goes on
with the locks of all rows that others are added to. What anybody adds for the person was committed
before that, and is seen by every statement that follows, or waits for the end.
"""

import datetime
import sys
import uuid

from django.db import transaction

from access.models import Person, PersonMove
from access.services import persons
from common import locks, privacy
from common.errors import DomainError
from common.models import ERASED_PREFIX
from common.privacy import PersonalTable
from operations import write_ahead_log
from operations.models import Erasure

PERSON = "access.person"


def erase_person(
    *, user_id: str, actor: str, at: datetime.datetime, overruling: str = ""
) -> Erasure:
    """Forget a person, in one act that is recorded without their name.

    Conversations, cache entries, usage and log-like rows go. What the law wants kept (the ledger,
    consent events, what staff read and did) stays under `erased-<uuid>` with its free texts empty,
    and leads nowhere. `overruling` is an operator's reason to erase somebody whose account is
    frozen, and is kept if it was needed. Raises what the apps' `refuse_erasure` and, without that
    reason, `refuse_unless_overruled` raise; then nothing is written.
    """
    reference = f"{ERASED_PREFIX}{uuid.uuid4()}"
    tables = [table for table in privacy.tables() if table.model is not Person]
    with transaction.atomic():
        locks.lock_erasures()
        is_known = persons.take_person(user_id)
        privacy.lock_first_rows(user_id)
        was_overruled = _refuse(user_id, overruling)
        names = [user_id, *PersonMove.objects.ids_left_by(user_id)]
        counts: dict[str, dict[str, int]] = {"erased": {}, "kept": {}}
        for table in _in_order(tables):
            rows = _erase(table, user_id, reference)
            if rows:
                counts["erased" if table.blanked is None else "kept"][table.label] = rows
        for hooks in privacy.hooks().values():
            if hooks.erase_mentions:
                for name in names:
                    privacy.add(counts, hooks.erase_mentions(name, reference))
            if hooks.after_erasure:
                hooks.after_erasure()
        for name in names:
            persons.remember_erasure(user_id=name)
        persons.erase_person(user_id=user_id, reference=reference, at=at)
        if is_known:
            counts["kept"][PERSON] = 1
        # Or the erased texts would stand there until SQLite writes over them.
        transaction.on_commit(write_ahead_log.cut)
        return Erasure.objects.create(
            reference=reference,
            counts=counts,
            actor=actor,
            reason=_renamed(overruling, names, reference) if was_overruled else "",
            at=at,
        )


def _refuse(user_id: str, overruling: str) -> bool:
    """Whether the reason was needed. The rows are locked: what is found now is so to the end."""
    was_overruled = False
    for hooks in privacy.hooks().values():
        if hooks.refuse_erasure:
            hooks.refuse_erasure(user_id)
        if hooks.refuse_unless_overruled:
            try:
                hooks.refuse_unless_overruled(user_id)
            except DomainError:
                if not overruling:
                    raise
                was_overruled = True
    return was_overruled


def _in_order(tables: list[PersonalTable]) -> list[PersonalTable]:
    """Rows that stay, those to lock first before all others; then those that go, children first."""
    kept = [table for table in tables if table.blanked is not None]
    going = [table for table in tables if table.blanked is None]
    return sorted(kept, key=lambda table: table.lock_first or sys.maxsize) + going[::-1]


def _erase(table: PersonalTable, user_id: str, reference: str) -> int:
    rows = table.rows_of(user_id)
    if table.blanked is None:
        if table.lock_first is None:
            privacy.lock(rows)
        return rows.delete()[1].get(table.model._meta.label, 0)
    return privacy.blank(table, user_id, reference)


def _renamed(text: str, names: list[str], reference: str) -> str:
    for name in names:
        text = privacy.whole_word(name).sub(reference, text)
    return text

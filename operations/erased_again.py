"""Persons who were erased after a backup was made, and whom its restore would bring back."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from access import actors
from access.models import ErasedPerson
from access.services import persons
from common import privacy
from common.errors import DomainError
from common.models import ERASED_PREFIX
from operations import services
from operations.models import Erasure

# Frozen in the backup or not: that was decided when they were erased at first.
RESTORED = "A restore had brought back who was erased."


@dataclass(frozen=True)
class Remembered:
    """What the database knew of erasures before a backup took its place."""

    references: frozenset[str] = frozenset()
    marks: dict[str, int] = field(default_factory=dict)


@dataclass
class Again:
    """What became of the erasures that were made after the backup.

    `erased` counts persons; `left` are those who stay as they are, with the reason, if it was not
    asked for; `unknown` counts erasures of whom nobody can tell here.
    """

    erased: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    unknown: int = 0


def remembered() -> Remembered | None:
    """What is known now. None where the database cannot be read, as one that is damaged."""
    try:
        tables = set(connection.introspection.table_names())
        references: frozenset[str] = frozenset()
        marks: dict[str, int] = {}
        if Erasure._meta.db_table in tables:
            references = frozenset(Erasure.objects.values_list("reference", flat=True))
        if ErasedPerson._meta.db_table in tables:
            marks = dict(ErasedPerson.objects.values_list("mark", "erasures"))
    except (DatabaseError, InterfaceError):
        connection.close()
        return None
    return Remembered(references, marks)


def erase_again(before: Remembered, *, include_erased: bool) -> Again:
    """Erase once more who was erased after the backup that is now the database.

    Found by the marks, which are kept on; with `include_erased` everybody stays.
    """
    later = _later(before)
    lost = before.references - set(Erasure.objects.values_list("reference", flat=True))
    again = Again(unknown=max(len(lost) - sum(later.values()), 0))
    persons.bring_marks(before.marks)
    for user_id in _persons(later):
        if include_erased:
            again.left.append((user_id, "--include-erased"))
            continue
        try:
            services.erase_person(
                user_id=user_id, actor=actors.SYSTEM, at=timezone.now(), overruling=RESTORED
            )
            again.erased += 1
        except DomainError as error:
            again.left.append((user_id, error.message))
    return again


def _later(before: Remembered) -> dict[str, int]:
    """The marks of those who were erased since, and how often."""
    now = dict(ErasedPerson.objects.values_list("mark", "erasures"))
    since = {mark: count - now.get(mark, 0) for mark, count in before.marks.items()}
    return {mark: count for mark, count in since.items() if count > 0}


def _persons(marks: dict[str, int]) -> Iterator[str]:
    """Everybody in any table who has one of these marks, in order."""
    if not marks:
        return
    found: set[str] = set()
    for table in privacy.tables():
        user_ids = table.model._default_manager.values_list(table.person, flat=True).distinct()
        found |= {
            user_id
            for user_id in user_ids.order_by().iterator()
            if user_id and ErasedPerson.mark_of(user_id) in marks
        }
    yield from sorted(user_id for user_id in found if not user_id.startswith(ERASED_PREFIX))

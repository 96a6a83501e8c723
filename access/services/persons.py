"""Every write to persons: first contact, what applications say of them, and their erasure.

The row of a person is their lock. Who opens a row that others are added to (account, usage,
consent chain) locks it; who adds a row that hangs on no other keeps it; who erases or moves the
person takes it alone. It comes before every lock on a row of the person, and of several persons all
are taken at once. An ordinary charge, append or read takes none of these.
"""

import datetime
from collections.abc import Iterable, Mapping

from django.db import connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError

from access import errors
from access.models import (
    REFERENCES_MAX,
    ErasedPerson,
    Person,
    PersonKey,
    PersonReference,
)

ROWS_AT_ONCE = 500


def lock_persons(*user_ids: str) -> dict[str, int]:
    """Be the only one to open rows of these persons in this transaction; gives their keys.

    Nobody erases or moves them meanwhile. Those who were never seen are met.
    """
    _require_transaction()
    wanted = sorted(set(user_ids))
    if len(wanted) > 1:
        # Before any lock: whoever waits here for another's first contact holds nobody yet.
        meet_persons(wanted)
    while True:
        rows = Person.objects.filter(user_id__in=wanted).order_by("pk")
        locked = rows.select_for_update(no_key=True).values_list("user_id", "pk")
        found = {str(user_id): key for user_id, key in locked}
        if len(found) == len(wanted):
            return found
        meet_persons(wanted)


def keep_person(user_id: str) -> int:
    """Let nobody erase or move this person in this transaction; gives their key.

    Others may keep them as well, and open rows. One who was never seen is met.
    """
    _require_transaction()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(*PersonKey(user_id, kept=True).as_statement(connection))
            row = cursor.fetchone()
        if row is not None:
            return int(row[0])
        meet_persons([user_id])


def take_person(user_id: str) -> int | None:
    """Be the only one to add anything for this person in this transaction; None if never seen."""
    _require_transaction()
    return (
        Person.objects.select_for_update()
        .filter(user_id=user_id)
        .values_list("pk", flat=True)
        .first()
    )


def meet_persons(user_ids: Iterable[str]) -> None:
    """First contact: make the rows of those who have none."""
    wanted = set(user_ids)
    with transaction.atomic():
        # SQLite's guard refuses any INSERT that meets a row, also one that would leave it alone.
        known = Person.objects.filter(user_id__in=wanted).values_list("user_id", flat=True)
        Person.objects.bulk_create(
            [Person(user_id=user_id) for user_id in sorted(wanted.difference(known))],
            ignore_conflicts=True,
            batch_size=ROWS_AT_ONCE,
        )


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("The lock ends with its transaction: begin one.")


def change_person(
    *, user_id: str, note: str | None = None, references: Mapping[str, str | None] | None = None
) -> None:
    """Say something about a person, at first contact as well.

    `references` are the application's own names for them, such as a customer number; None takes
    one away, and those that are not named stay. Raises TooManyReferences; then nothing is written.
    """
    with transaction.atomic():
        key = lock_persons(user_id)[user_id]
        if note is not None:
            Person.objects.filter(pk=key).update(note=note)
        standing = PersonReference.objects.filter(person_id=key)
        standing.filter(name__in=references or ()).delete()
        PersonReference.objects.bulk_create(
            PersonReference(person_id=key, name=name, value=value)
            for name, value in (references or {}).items()
            if value is not None
        )
        if standing.count() > REFERENCES_MAX:
            raise errors.TooManyReferences(
                f"A person has at most {REFERENCES_MAX} references. Take others away with null."
            )


def erase_person(*, user_id: str, reference: str, at: datetime.datetime) -> int:
    """Take the person's name and what was said of them; `reference` stands in its place.

    The last act of an erasure, which has taken the person (take_person). Counts the rows.
    """
    PersonReference.objects.filter(person_id=PersonKey(user_id)).delete()
    return Person.objects.filter(user_id=user_id).update(
        user_id=None, erased_as=reference, erased_at=at, note=""
    )


def remember_erasure(*, user_id: str) -> None:
    """Keep the mark of a person who is erased in this transaction; nothing without a key for it."""
    mark = ErasedPerson.mark_of(user_id)
    if mark is None:
        return
    ErasedPerson.objects.bulk_create([ErasedPerson(mark=mark)], ignore_conflicts=True)
    ErasedPerson.objects.filter(mark=mark).update(erasures=F("erasures") + 1)


def bring_marks(erasures: Mapping[str, int]) -> None:
    """Keep these marks, too, with at least so many erasures; for a restore of an older backup."""
    with transaction.atomic():
        ErasedPerson.objects.bulk_create(
            (ErasedPerson(mark=mark) for mark in erasures),
            ignore_conflicts=True,
            batch_size=ROWS_AT_ONCE,
        )
        for mark, count in erasures.items():
            ErasedPerson.objects.filter(mark=mark, erasures__lt=count).update(erasures=count)

"""Every write to persons: first contact, what is said of them, their move and their erasure.

The row of a person is their lock. Who opens a row that others are added to (account, usage,
consent chain) locks it; who adds a row that hangs on no other shares it; who erases or moves the
person takes it alone. It comes before every lock on a row of the person, and of several persons all
are taken at once. An ordinary charge, append or read takes none of these.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError

from access import errors
from access.models import (
    REFERENCES_MAX,
    ErasedPerson,
    Person,
    PersonKey,
    PersonMove,
    PersonReference,
)
from common import privacy
from common.errors import NotFound
from common.models import insert_from

ROWS_AT_ONCE = 500
UNKNOWN = "There is no such person: nothing was ever written for them."
TAKEN = (
    "The id in `to` has records of its own, and two persons cannot be joined. Name an id without"
    " records, or move or erase that person first."
)


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


def insert_for_person(
    row: models.Model,
    *,
    user_id: str,
    on_conflict: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> bool:
    """Insert a row of a person's that hangs on no other; nobody erases or moves them meanwhile.

    One statement, which may end with an ON CONFLICT clause and its parameters. False if the person
    was never seen: meet them, and look again at what the row depends on. False, too, if the clause
    leaves the row that stands as it is.
    """
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    inserted = insert_from(
        row,
        f"access_person AS p WHERE p.user_id = %(user_id)s{lock} {on_conflict}",
        {"user_id": user_id} | dict(parameters or {}),
        values={"person_id": "p.id"},
        returning=("id", "person_id"),
    )
    if inserted is None:
        return False
    row.pk, row.person_id = inserted  # type: ignore[attr-defined]
    row._state.adding = False
    return True


def take_person(user_id: str) -> bool:
    """Be the only one to add anything for this person in this transaction.

    Gives whether they were known. One who was not is met, so that there is something to take.
    """
    _require_transaction()
    taken = Person.objects.select_for_update().filter(user_id=user_id)
    is_known = True
    while not taken.exists():
        is_known = not meet_persons([user_id])
    return is_known


def meet_persons(user_ids: Iterable[str]) -> int:
    """First contact: make the rows of those who have none, and count them.

    Raises IntegrityError for an id that nobody can have.
    """
    wanted = set(user_ids)
    made = 0
    with transaction.atomic(), connection.cursor() as cursor:
        # SQLite's trigger refuses any INSERT that meets a row, also one that would leave it alone.
        known = Person.objects.filter(user_id__in=wanted).values_list("user_id", flat=True)
        missing = sorted(wanted.difference(known))
        for start in range(0, len(missing), ROWS_AT_ONCE):
            batch = missing[start : start + ROWS_AT_ONCE]
            rows = ", ".join(["(%s)"] * len(batch))
            # Not Django's ignore_conflicts, which on SQLite ignores what breaks a rule as well.
            cursor.execute(
                f"INSERT INTO access_person (user_id) VALUES {rows} ON CONFLICT DO NOTHING", batch
            )
            made += cursor.rowcount
    return made


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


def move_person(*, user_id: str, to: str, actor: str, at: datetime.datetime) -> None:
    """Let all records of a person belong to the id `to` from now on; the old id is nobody's.

    What is done for them meanwhile happens wholly before or wholly after it. A move that was made
    already is left as it is. Raises NotFound and, where `to` has records of its own, PersonExists;
    then nothing is written.
    """
    with transaction.atomic():
        found = _take_persons(user_id, to)
        key = found.get(user_id)
        if key is None:
            if to in found and user_id in PersonMove.objects.ids_before(found[to]):
                return
            raise NotFound(UNKNOWN)
        if user_id == to:
            raise errors.PersonExists("The person has this id already.")
        if to in found:
            raise errors.PersonExists(TAKEN)
        privacy.lock_first_rows(user_id)
        PersonMove.objects.create(person_id=key, moved_from=user_id, actor=actor, at=at)
        try:
            with transaction.atomic():
                Person.objects.filter(pk=key).update(user_id=to)
        except IntegrityError as error:
            # Somebody met `to` a moment ago.
            raise errors.PersonExists(TAKEN) from error


def _take_persons(*user_ids: str) -> dict[str, int]:
    """The same as take_person of several, all at once; those who were never seen are left out."""
    rows = Person.objects.select_for_update().filter(user_id__in=user_ids).order_by("pk")
    return {str(user_id): key for user_id, key in rows.values_list("user_id", "pk")}


def erase_person(*, user_id: str, reference: str, at: datetime.datetime) -> None:
    """Take the person's name and what was said of them; `reference` stands in its place.

    The last act of an erasure, which has taken the person (take_person).
    """
    PersonReference.objects.filter(person_id=PersonKey(user_id)).delete()
    Person.objects.filter(user_id=user_id).update(
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

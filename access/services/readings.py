"""The record of what staff read."""

import datetime

from access.models import StaffReading
from access.services import persons


def record_reading(
    *, actor: str, user_id: str, what: str, at: datetime.datetime, reason: str = ""
) -> StaffReading:
    """Write down that `actor`, one of the staff, reads texts of the person `user_id`.

    Call it before the text is shown: when it fails, nothing must be shown.
    """
    reading = StaffReading(staff=actor, what=what, reason=reason, at=at)
    while not persons.insert_for_person(reading, user_id=user_id):
        persons.meet_persons([user_id])
    return reading


def record_reading_of_nobodys(
    *, actor: str, kind: str, what: str, at: datetime.datetime
) -> StaffReading:
    """The same of texts that are nobody's in particular: `kind` is one of StaffReading.Kind."""
    return StaffReading.objects.create(staff=actor, kind=kind, what=what, at=at)


def record_search(*, actor: str, words: str, at: datetime.datetime) -> StaffReading:
    """Write down that `actor`, one of the staff, searches all conversations for these words.

    Call it before the search: what it finds says what stands in the texts.
    """
    return record_reading_of_nobodys(
        actor=actor,
        kind=StaffReading.Kind.SEARCH,
        what=f"conversations with: {words}",
        at=at,
    )

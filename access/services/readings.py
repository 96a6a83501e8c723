"""The record of what staff read."""

import datetime

from access.models import StaffReading
from access.services import persons
from common.privacy import Counts, PrivacyHooks, holds


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


def count_mentions(user_id: str) -> Counts:
    """What erase_mentions would do."""
    return {"kept": {"access.staff_reading": len(_readings_with(user_id))}}


def erase_mentions(user_id: str, reference: str) -> Counts:
    """Empty readings of nobody's texts in which the person's id stands."""
    found = StaffReading.objects.filter(pk__in=_readings_with(user_id))
    return {"kept": {"access.staff_reading": found.update(what="", reason="")}}


def _readings_with(user_id: str) -> list[int]:
    of_nobody = StaffReading.objects.filter(person=None, what__contains=user_id)
    return [pk for pk, what in of_nobody.values_list("pk", "what") if holds(what, user_id)]


PRIVACY_HOOKS = PrivacyHooks(count_mentions=count_mentions, erase_mentions=erase_mentions)

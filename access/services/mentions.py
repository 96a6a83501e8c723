"""A person's id in the words of what staff read and did that is not about them."""

from django.db.models import QuerySet

from access.models import PersonKey, StaffAction, StaffActionMention, StaffReading
from common.privacy import Counts, holds


def count_mentions(user_id: str) -> Counts:
    """What erase_mentions would do."""
    return {"kept": {"access.staff_reading": len(_readings_with(user_id))}}


def erase_mentions(user_id: str, reference: str) -> Counts:
    """Empty readings of nobody's texts, and actions on others' rows, in which the id stands.

    The actions are counted by their mentions, which are the person's.
    """
    for actions in _actions_with(user_id):
        actions.update(sentence="", reason="")
    readings = StaffReading.objects.filter(pk__in=_readings_with(user_id))
    return {"kept": {"access.staff_reading": readings.update(what="", reason="")}}


def _readings_with(user_id: str) -> list[int]:
    of_nobody = StaffReading.objects.filter(person=None, what__contains=user_id)
    return [pk for pk, what in of_nobody.values_list("pk", "what") if holds(what, user_id)]


def _actions_with(user_id: str) -> list[QuerySet[StaffAction]]:
    """Those that name this person, by whichever of their ids, and the others of the same form.

    Apart, since with OR no index would be looked into.
    """
    mentions = StaffActionMention.objects.filter(person_id=PersonKey(user_id)).values("action")
    worded = StaffAction.objects.exclude(sentence="", reason="")
    return [worded.filter(pk__in=mentions), worded.filter(first__isnull=False, first__in=mentions)]

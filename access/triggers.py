"""Persons are erased once and for all; moves, and what staff read and did, are kept as made.

A reading's `what` may hold the id that the person's application gave, and a `reason` anything at
all: such words become empty when the person is erased.
"""

from access.models import Person, PersonMove, StaffAction, StaffActionMention, StaffReading
from common.schema.triggers import LIVES, Rule, append_only, forbid_delete, row_trigger

IS_BORN_ALIVE = Rule("NEW.user_id IS NULL", "a person is born with an id")
STAYS_ERASED = Rule("OLD.user_id IS NULL", "an erased person stays as they are")
KEEPS_ITS_KEY = Rule("NEW.id <> OLD.id", "a person keeps their key")

TRIGGERS = [
    row_trigger(Person, "born", "BEFORE INSERT", [IS_BORN_ALIVE]),
    row_trigger(Person, "erased", "BEFORE UPDATE", [STAYS_ERASED, KEEPS_ITS_KEY]),
    *forbid_delete(Person),
    row_trigger(PersonMove, "lives", "BEFORE INSERT", [LIVES]),
    *append_only(PersonMove),
    row_trigger(StaffReading, "lives", "BEFORE INSERT", [LIVES]),
    *append_only(StaffReading),
    row_trigger(StaffAction, "lives", "BEFORE INSERT", [LIVES]),
    *append_only(StaffAction),
    row_trigger(StaffActionMention, "lives", "BEFORE INSERT", [LIVES]),
    *append_only(StaffActionMention),
]

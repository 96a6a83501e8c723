"""Persons are erased once and for all; moves, and what staff read and did, are kept as made.

A reading's `what` may hold the id that the person's application gave, and a `reason` anything at
all: such words become empty when the person is erased.
"""

from access.models import Person, PersonMove, StaffAction, StaffReading
from common.guards import append_only
from common.rules import LIVES, Rule, kept, rule

IS_BORN_ALIVE: Rule = ("NEW.user_id IS NULL", "a person is born with an id")
STAYS_ERASED: Rule = ("OLD.user_id IS NULL", "an erased person stays as they are")
KEEPS_ITS_KEY: Rule = ("NEW.id <> OLD.id", "a person keeps their key")

GUARDS = [
    rule(Person, "born", "BEFORE INSERT", [IS_BORN_ALIVE]),
    rule(Person, "erased", "BEFORE UPDATE", [STAYS_ERASED, KEEPS_ITS_KEY]),
    *kept(Person),
    rule(PersonMove, "lives", "BEFORE INSERT", [LIVES]),
    *append_only(PersonMove),
    rule(StaffReading, "lives", "BEFORE INSERT", [LIVES]),
    *append_only(StaffReading),
    rule(StaffAction, "lives", "BEFORE INSERT", [LIVES]),
    *append_only(StaffAction),
]

"""What the admin's page of one person says: their answers at a time, and how they came about."""

import datetime
from dataclasses import dataclass
from typing import Any

from consent import reports, verify_checks
from consent.models import ConsentChain, ConsentEvent, ConsentState, Purpose

SHOWN_EVENTS = 50
# The page checks these; `manage.py verify` checks all.
CHECKED_EVENTS = 500

# By reports.item's action_needed.
STATUSES = {"accept": "never answered", "renew": "expired"}
NEEDED = {
    "accept": "ask",
    "renew": "ask again: it has run out",
    "update": "ask again: the text has changed",
    "none": "",
}


@dataclass(frozen=True)
class State:
    """A purpose's item as the API gives it, with words for it, and the text that it is about."""

    title: str
    item: dict[str, Any]
    text_id: int | None

    @property
    def status(self) -> str:
        if self.item["granted"]:
            return "granted"
        return STATUSES.get(self.item["action_needed"], "not granted")

    @property
    def needed(self) -> str:
        return NEEDED[self.item["action_needed"]]


@dataclass(frozen=True)
class Timeline:
    """Some events, the newest first, and before which sequence there are older ones."""

    events: list[ConsentEvent]
    older: int | None


@dataclass(frozen=True)
class Verification:
    """What is wrong with the chain, if anything, and how many events were looked at."""

    problems: list[str]
    checked: int
    events: int


def states_of(person_id: int, *, at: datetime.datetime, is_past: bool) -> list[State]:
    """Every purpose as it was for the person at that time; four statements."""
    events = ConsentEvent.objects.filter(person_id=person_id).recorded_by(at)
    texts = dict(events.latest_by_purpose().values_list("purpose_id", "policy_version_id"))
    if is_past:
        items = reports.folded(events, at=at)
    else:
        items = reports.standing(ConsentState.objects.filter(person_id=person_id), at=at)
    titles = dict(Purpose.objects.values_list("key", "title"))
    return [
        State(titles.get(item["purpose"], item["purpose"]), item, texts.get(item["purpose"]))
        for item in items
    ]


def timeline_of(person_id: int, *, before: int | None) -> Timeline:
    """The last events, or the last ones before a sequence; one statement."""
    rows = events_with_versions().filter(person_id=person_id).order_by("-sequence")
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    events = list(rows[: SHOWN_EVENTS + 1])
    shown = events[:SHOWN_EVENTS]
    return Timeline(shown, shown[-1].sequence if len(events) > SHOWN_EVENTS else None)


def events_with_versions() -> Any:
    """Events with their persons and what their text is called, but not the text itself."""
    rows = ConsentEvent.objects.select_related("person", "policy_version")
    return rows.defer("policy_version__text")


def verified(chain: ConsentChain) -> Verification:
    """Whether the person's events follow each other as their hashes say; three statements."""
    problems = verify_checks.problems_of(chain, last=CHECKED_EVENTS)
    if problems:
        # An event may have come between the statements; what is wrong is wrong the next time, too.
        chain.refresh_from_db()
        problems = verify_checks.problems_of(chain, last=CHECKED_EVENTS)
    events = chain.last_sequence
    return Verification(problems, checked=min(events, CHECKED_EVENTS), events=events)

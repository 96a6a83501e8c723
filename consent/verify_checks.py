"""What `manage.py verify` derives anew of consent."""

import functools
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, TextField, Value

from access.models import Person, PersonMove
from common.declarations import Check
from consent import chain
from consent.models import (
    EVENT_COLUMNS,
    NO_HASH,
    ConsentChain,
    ConsentEvent,
    ConsentState,
    PolicyVersion,
)

CHUNK_ROWS = 2000
START = "among the first events"
# What a value raises that is none of its column's kind; SQLite keeps any text in any column.
UNREADABLE = (ValueError, TypeError, AttributeError)


def _or_unreadable(find: Callable[[], Iterator[str]]) -> Callable[[], Iterator[str]]:
    """A row that cannot even be read is a finding, too; it ends the check."""

    @functools.wraps(find)
    def found() -> Iterator[str]:
        try:
            yield from find()
        except UNREADABLE as error:
            yield f"a row cannot be read, and those after it were not looked at: {error}"

    return found


@_or_unreadable
def _texts() -> Iterator[str]:
    for text in PolicyVersion.objects.order_by("pk").iterator(chunk_size=100):
        if hashlib.sha256(text.text.encode()).hexdigest() != text.text_sha256:
            yield f"text {text}: it is not the one that was published (its SHA-256 differs)"


def _chains(after: int = 0) -> Iterator[str]:
    """Each event follows the one before; of each person the first bad one is named."""
    chains: Any = ConsentChain.objects.values("person_id", "salt", "reference")
    events = _event_rows().annotate(hash_before=Value("", TextField()))
    if after:
        added = ConsentEvent.objects.filter(pk__gt=after)
        chains = chains.filter(person_id__in=added.values("person_id"))
        before = ConsentEvent.objects.filter(
            person_id=OuterRef("person_id"), sequence=OuterRef("sequence") - 1, pk__lte=after
        )
        events = _event_rows().filter(pk__gt=after).annotate(hash_before=before.values("hash")[:1])
    heads = {head["person_id"]: head for head in chains.iterator(chunk_size=CHUNK_ROWS)}
    person, sequence, last_hash, is_bad = 0, 0, NO_HASH, False
    found = events.order_by("person_id", "sequence").iterator(chunk_size=CHUNK_ROWS)
    while True:
        try:
            row = next(found, None)
        except UNREADABLE as error:
            # Rows are read many at once, so that it may stand further on.
            place = f"after event {sequence} of {name_of(person)}" if person else START
            yield f"{place} one cannot be read, and no later one was looked at: {error}"
            return
        if row is None:
            return
        if row["person_id"] != person:
            person, sequence, last_hash, is_bad = row["person_id"], 0, NO_HASH, False
            if row["hash_before"]:
                sequence, last_hash = row["sequence"] - 1, row["hash_before"]
        if is_bad:
            continue
        problem = _problem(row, heads.get(person), sequence + 1, last_hash)
        if problem:
            is_bad = True
            yield f"{name_of(person)}: event {row['sequence']} ({row['uid']}): {problem}"
        sequence, last_hash = row["sequence"], row["hash"]


def name_of(person_id: int) -> str:
    """Looked up for each finding, since rows of no person at all are findings, too."""
    person = Person.objects.filter(pk=person_id).first()
    return person.name if person else f"person {person_id}, who is not there"


def _event_rows() -> Any:
    return ConsentEvent.objects.values(
        *EVENT_COLUMNS, "person_id", "reason", "evidence", "policy_version__text_sha256",
        "policy_version__purpose_id",
    )  # fmt: skip


def _problem(
    row: dict[str, Any], head: dict[str, Any] | None, sequence: int, last_hash: str
) -> str | None:
    if head is None:
        return "the person has no chain"
    if row["sequence"] != sequence:
        return f"event {sequence} should stand here"
    if row["previous_hash"] != last_hash:
        return "it does not follow the event before"
    if chain.hash_of(chain.event_json(row), head["reference"]) != row["hash"]:
        return "it is not what its hash says"
    if row["text_sha256"] != (row["policy_version__text_sha256"] or ""):
        return "its text is not the one that was published"
    if row["policy_version__purpose_id"] not in (None, row["purpose_id"]):
        return "its text is of another purpose"
    if head["salt"] is None and (row["reason"] or row["evidence"]):
        return "its reason and evidence outlived their person"
    if head["salt"] is not None:
        details = chain.details_hmac(row["reason"], row["evidence"], head["salt"])
        if details != row["details_hmac"]:
            return "its reason and evidence are not what their hash says"
    return None


@_or_unreadable
def _heads() -> Iterator[str]:
    """The chain says where its last event stands, and its reference is the person's."""
    last = ConsentEvent.objects.filter(person_id=OuterRef("person_id")).order_by("-sequence")
    heads: Any = (
        ConsentChain.objects.select_related("person")
        .order_by("person_id")
        .annotate(event_sequence=last.values("sequence")[:1], event_hash=last.values("hash")[:1])
    )
    for head in heads.iterator(chunk_size=CHUNK_ROWS):
        for problem in _head_problems(head, head.event_sequence or 0, head.event_hash or NO_HASH):
            yield f"{head.person.name}: {problem}"


def _head_problems(head: ConsentChain, event_sequence: int, event_hash: str) -> Iterator[str]:
    if (head.last_sequence, head.last_hash) != (event_sequence, event_hash):
        yield f"the chain ends at {head.last_sequence}, its events at {event_sequence}"
    user_id = head.person.user_id
    if user_id is None:
        if head.salt is not None:
            yield "the chain's salt outlived its person"
    elif head.salt is None:
        yield "the chain has no salt, and the person is not erased"
    elif not _is_of(head, user_id, head.salt):
        yield "the chain's reference is not this person's"


def _is_of(head: ConsentChain, user_id: str, salt: str) -> bool:
    """Whether the chain is bound to the person's id, or to one that they had before a move."""
    if chain.reference_of(user_id, salt) == head.reference:
        return True
    before = PersonMove.objects.ids_before(head.person_id)
    return head.reference in {chain.reference_of(one, salt) for one in before}


@_or_unreadable
def _states() -> Iterator[str]:
    for person_id, problem in state_problems(Q()):
        yield f"{name_of(person_id)}: {problem}"


def state_problems(persons: Q) -> Iterator[tuple[int, str]]:
    """The projection says what the fold of the events says, no more and no less."""
    later = ConsentEvent.objects.filter(
        person_id=OuterRef("person_id"),
        purpose=OuterRef("purpose"),
        sequence__gt=OuterRef("sequence"),
    )
    last = ConsentEvent.objects.filter(persons & ~Exists(later)).order_by("person_id", "purpose")
    columns = ("person_id", "purpose_id", "id", "granted", "policy_version_id", "expires_at",
               "recorded_at", "action")  # fmt: skip
    last_events = {(row["person_id"], row["purpose_id"]): row for row in last.values(*columns)}
    states = ConsentState.objects.filter(persons).order_by("person_id", "purpose")
    for state in states.iterator(chunk_size=CHUNK_ROWS):
        row = last_events.pop((state.person_id, state.purpose_id), None)
        if row is None:
            yield state.person_id, f"a state of {state.purpose_id} without an event"
            continue
        expired = row["action"] == ConsentEvent.Action.EXPIRED
        since = row["expires_at"] if expired else row["recorded_at"]
        expected = (row["id"], row["granted"], row["policy_version_id"], row["expires_at"], since)
        found = (state.event_id, state.granted, state.policy_version_id, state.expires_at,
                 state.since)  # fmt: skip
        if found != expected:
            yield state.person_id, f"the state of {state.purpose_id} is not what its events say"
    for person_id, purpose in last_events:
        yield person_id, f"no state of {purpose}, although there are events"


def _first_problem(
    events: list[dict[str, Any]], head: dict[str, Any], before: dict[str, Any]
) -> str | None:
    """What is wrong with the first bad one of a person's events, which follow the one before."""
    for row in events:
        problem = _problem(row, head, before["sequence"] + 1, before["hash"])
        if problem:
            return f"event {row['sequence']} ({row['uid']}): {problem}"
        before = row
    return None


def problems_of(head: ConsentChain, *, last: int) -> list[str]:
    """What `verify` would say of one person, of the last so many of the events; three statements.

    With fewer than all events the first of them is taken to follow the one before.
    """
    newest_first = _event_rows().filter(person_id=head.person_id).order_by("-sequence")
    events = list(newest_first[: last + 1])[::-1]
    start: dict[str, Any] = {"sequence": 0, "hash": NO_HASH}
    before = events.pop(0) if len(events) > last else start
    known = {"salt": head.salt, "reference": head.reference}
    first = _first_problem(events, known, before)
    end = events[-1] if events else before
    return [
        *([first] if first else []),
        *_head_problems(head, end["sequence"], end["hash"]),
        *(problem for _, problem in state_problems(Q(person_id=head.person_id))),
    ]


CHECKS = [
    Check("consent.texts", "Published texts are as they were published", _texts),
    Check(
        "consent.chains",
        "Events follow each other, each as its hash says",
        _chains,
        added=ConsentEvent,
    ),
    Check("consent.heads", "Chains end where their events end", _heads),
    Check("consent.states", "What gates read is what the events say", _states),
]

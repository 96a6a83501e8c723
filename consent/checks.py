"""What `manage.py verify` derives anew of consent."""

import functools
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Exists, OuterRef

from common.models import ERASED_PREFIX
from common.verification import Check
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


def _chains() -> Iterator[str]:
    """Each event follows the one before; of each person the first bad one is named."""
    chains: Any = ConsentChain.objects.values("user_id", "salt", "reference")
    heads = {head["user_id"]: head for head in chains.iterator(chunk_size=CHUNK_ROWS)}
    rows = ConsentEvent.objects.order_by("user_id", "sequence").values(
        *EVENT_COLUMNS, "user_id", "reason", "evidence", "policy_version__text_sha256",
        "policy_version__purpose_id",
    )  # fmt: skip
    person, sequence, last_hash, is_bad = "", 0, NO_HASH, False
    found = rows.iterator(chunk_size=CHUNK_ROWS)
    while True:
        try:
            row = next(found, None)
        except UNREADABLE as error:
            # Rows are read many at once, so that it may stand further on.
            place = f"after event {sequence} of {person}" if person else "among the first events"
            yield f"{place} one cannot be read, and no later one was looked at: {error}"
            return
        if row is None:
            return
        if row["user_id"] != person:
            person, sequence, last_hash, is_bad = row["user_id"], 0, NO_HASH, False
        if is_bad:
            continue
        problem = _problem(row, heads.get(person), sequence + 1, last_hash)
        if problem:
            is_bad = True
            yield f"{person}: event {row['sequence']} ({row['uid']}): {problem}"
        sequence, last_hash = row["sequence"], row["hash"]


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
    last = ConsentEvent.objects.filter(user_id=OuterRef("user_id")).order_by("-sequence")
    heads: Any = ConsentChain.objects.order_by("user_id").annotate(
        told_sequence=last.values("sequence")[:1], told_hash=last.values("hash")[:1]
    )
    for head in heads.iterator(chunk_size=CHUNK_ROWS):
        told = (head.told_sequence or 0, head.told_hash or NO_HASH)
        if (head.last_sequence, head.last_hash) != told:
            yield f"{head.user_id}: the chain ends at {head.last_sequence}, its events at {told[0]}"
        if head.salt is None:
            if not head.user_id.startswith(ERASED_PREFIX):
                yield f"{head.user_id}: the chain has no salt, and the person is not erased"
        elif chain.reference_of(head.user_id, head.salt) != head.reference:
            yield f"{head.user_id}: the chain's reference is not this person's"


@_or_unreadable
def _states() -> Iterator[str]:
    """The projection says what the fold of the events says, no more and no less."""
    later = ConsentEvent.objects.filter(
        user_id=OuterRef("user_id"),
        purpose=OuterRef("purpose"),
        sequence__gt=OuterRef("sequence"),
    )
    last = ConsentEvent.objects.filter(~Exists(later)).order_by("user_id", "purpose")
    columns = ("user_id", "purpose_id", "id", "granted", "policy_version_id", "expires_at",
               "recorded_at", "action")  # fmt: skip
    told = {(row["user_id"], row["purpose_id"]): row for row in last.values(*columns)}
    for state in ConsentState.objects.order_by("user_id", "purpose").iterator(
        chunk_size=CHUNK_ROWS
    ):
        row = told.pop((state.user_id, state.purpose_id), None)
        if row is None:
            yield f"{state.user_id}: a state of {state.purpose_id} without an event"
            continue
        expired = row["action"] == ConsentEvent.Action.EXPIRED
        since = row["expires_at"] if expired else row["recorded_at"]
        expected = (row["id"], row["granted"], row["policy_version_id"], row["expires_at"], since)
        found = (state.event_id, state.granted, state.policy_version_id, state.expires_at,
                 state.since)  # fmt: skip
        if found != expected:
            yield f"{state.user_id}: the state of {state.purpose_id} is not what its events say"
    for user_id, purpose in told:
        yield f"{user_id}: no state of {purpose}, although there are events"


CHECKS = [
    Check("consent.texts", "Published texts are as they were published", _texts),
    Check("consent.chains", "Events follow each other, each as its hash says", _chains),
    Check("consent.heads", "Chains end where their events end", _heads),
    Check("consent.states", "What gates read is what the events say", _states),
]

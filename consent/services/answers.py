"""What persons say: answers become events of their chain."""

import datetime
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from access.services import persons as access_persons
from common.idempotency import NO_KEY, Outcome, RequestKey, find_replay
from common.models import update_returning
from consent import chain, errors, reports
from consent.models import ConsentChain, ConsentEvent, ConsentState

NETWORK_BITS = {4: 24, 6: 48}
# Addresses in any text, with the length of a network. `Chrome/120.0.0.0` is a version.
IPV6 = re.compile(
    r"(?<![\w.])(?:[0-9a-f]{1,4})?(?::[0-9a-f]{0,4}){2,8}(?:\.\d{1,3}){0,3}(?:%\w+)?(?:/\d{1,3})?(?!\w)",
    re.IGNORECASE,
)
IPV4 = re.compile(r"(?<![\w.])(?<!\w/)\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,3})?(?!\w|\.\d)", re.ASCII)
NO_ADDRESS = "[address]"
Action = ConsentEvent.Action


@dataclass(frozen=True, kw_only=True)
class ConsentDecision:
    """What a person says about one purpose.

    `version` is that of the text they saw; None where none is published. `method` is how they said
    it, such as `checkbox`; `evidence` is what else shows it.
    """

    purpose: str
    granted: bool
    version: int | None = None
    method: str = ""
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What a request recorded: the purposes' items as the API shows them, the last event, when."""

    items: list[dict[str, Any]]
    last_sequence: int
    at: datetime.datetime


def record_answers(
    *,
    user_id: str,
    answers: Sequence[ConsentDecision],
    source: str,
    actor: str,
    at: datetime.datetime,
    locale: str | None = None,
    request_key: RequestKey = NO_KEY,
) -> Outcome[Recorded]:
    """Add one event for each answer, all or nothing.

    A request that comes again with its key, from the same actor, adds none, whatever the person
    said since: it gets what was recorded then. Raises PurposeUnknown, PurposeRequired (a required
    purpose cannot be withdrawn), PolicyOutdated (the text seen is not the current one) and
    IdempotencyKeyReused.
    """
    keys = [answer.purpose for answer in answers]
    with transaction.atomic():
        head, is_new = locked_chain(user_id)
        if not is_new:
            events = ConsentEvent.objects.filter(person_id=head.person_id)
            replay = find_replay(events, actor, request_key)
            if replay is not None:
                return Outcome(_recorded_then(replay.row, len(keys), locale), replayed=True)
        purposes = reports.purposes(locale=locale, at=at, keys=keys)
        # Whether a no is a refusal or a withdrawal depends on what stands.
        says_no = not all(answer.granted for answer in answers)
        agreed = _agreed(head.person_id, keys, at) if says_no and not is_new else set()
        new = []
        for answer in answers:
            purpose = purposes.get(answer.purpose)
            if purpose is None:
                raise errors.PurposeUnknown(f"There is no purpose {answer.purpose!r}.")
            _require_fit(answer, purpose)
            action = _action(answer, is_agreed=answer.purpose in agreed)
            new.append(new_event(answer, purpose, action, source=source, actor=actor, at=at))
        if request_key.key is not None:
            new[0].row.idempotency_key = request_key.key
            new[0].row.request_hash = request_key.request_hash
        append(head, new)
    items = [reports.item(purposes[event.row.purpose_id], event.state, at=at) for event in new]
    return Outcome(Recorded(items, last_sequence=head.last_sequence, at=at))


def _recorded_then(first: ConsentEvent, count: int, locale: str | None) -> Recorded:
    """What a request recorded whose first event this is."""
    at, last = first.recorded_at, first.sequence + count - 1
    events = ConsentEvent.objects.filter(
        person_id=first.person_id, sequence__gte=first.sequence, sequence__lte=last
    )
    columns = ("purpose_id", "granted", "expires_at", "policy_version__version")
    rows: Any = events.order_by("sequence").values(*columns, since=F("recorded_at"))
    purposes = reports.purposes(locale=locale, at=at, keys=[row["purpose_id"] for row in rows])
    items = [reports.item(purposes[row["purpose_id"]], row, at=at) for row in rows]
    return Recorded(items, last_sequence=last, at=at)


@dataclass(frozen=True)
class NewEvent:
    """An event before it has its place in the chain, and the number of its text."""

    row: ConsentEvent
    version: int | None

    @property
    def state(self) -> dict[str, Any]:
        """What counts after it, as a row of reports.STATE_COLUMNS."""
        return {
            "granted": self.row.granted,
            "since": self.row.recorded_at,
            "expires_at": self.row.expires_at,
            "policy_version__version": self.version,
        }


def locked_chain(user_id: str) -> tuple[ConsentChain, bool]:
    """The person's chain, locked, and whether it was made just now; one statement or two."""
    columns = ["id", "person_id", "salt", "reference", "last_sequence", "last_hash"]
    # An UPDATE that changes nothing locks and reads in one statement, on both engines. Whoever
    # waited here for an erasure finds no salt, and begins anew.
    living = ConsentChain.objects.for_user(user_id).filter(salt__isnull=False)
    rows = update_returning(living, columns, last_sequence=F("last_sequence"))
    if rows:
        return ConsentChain(**rows[0]), False
    persons = access_persons.lock_persons(user_id)
    head = new_chain(user_id, persons[user_id])
    try:
        with transaction.atomic():
            head.save(force_insert=True)
    except IntegrityError:
        # Another request was the first, a moment ago.
        return locked_chain(user_id)
    return head, True


def new_chain(user_id: str, person_id: int) -> ConsentChain:
    salt = chain.new_salt()
    return ConsentChain(person_id=person_id, salt=salt, reference=chain.reference_of(user_id, salt))


def _agreed(person_id: int, keys: list[str], at: datetime.datetime) -> set[str]:
    states = ConsentState.objects.filter(person_id=person_id).granting(at=at)
    return set(states.filter(purpose__key__in=keys).values_list("purpose__key", flat=True))


def _action(answer: ConsentDecision, *, is_agreed: bool) -> str:
    if answer.granted:
        return Action.GIVEN
    return Action.WITHDRAWN if is_agreed else Action.REFUSED


def _require_fit(answer: ConsentDecision, purpose: dict[str, Any]) -> None:
    current = purpose["text_version"]
    if not answer.granted:
        if purpose["required"]:
            raise errors.PurposeRequired(
                f"{purpose['title']!r} is required: it ends by closing the account (erasing the"
                " person), and cannot be withdrawn without that.",
                purpose=answer.purpose,
            )
    elif answer.version != current:
        raise errors.PolicyOutdated(
            f"The current text of {answer.purpose!r} is version {current}: show it, and send that."
            if current
            else f"{answer.purpose!r} has no published text: give consent without a version.",
            purpose=answer.purpose,
            current_version=current,
            locale=purpose["text_locale"],
            text_sha256=purpose["text_sha256"],
        )


def new_event(
    answer: ConsentDecision,
    purpose: dict[str, Any],
    action: str,
    *,
    source: str,
    actor: str,
    at: datetime.datetime,
) -> NewEvent:
    # What was imported was said of a text that we do not have.
    has_text = answer.granted and action != Action.IMPORTED
    days = purpose["default_validity_days"] if answer.granted else None
    row = ConsentEvent(
        purpose_id=answer.purpose,
        action=action,
        granted=answer.granted,
        policy_version_id=purpose["text_id"] if has_text else None,
        text_sha256=(purpose["text_sha256"] or "") if has_text else "",
        source=source,
        method=answer.method,
        actor=actor,
        reason=answer.reason,
        evidence=without_addresses(answer.evidence),
        recorded_at=at,
        expires_at=None if days is None else at + datetime.timedelta(days=days),
    )
    return NewEvent(row, purpose["text_version"] if has_text else None)


def append(head: ConsentChain, new: Sequence[NewEvent]) -> None:
    """Add the events to the chain, whose lock is held; the trigger moves chain and state."""
    ConsentEvent.objects.bulk_create(linked(head, new))


def linked(head: ConsentChain, new: Sequence[NewEvent]) -> list[ConsentEvent]:
    """The rows with sequence and hashes; `head` moves along."""
    if head.salt is None:
        raise ValueError("An erased person's chain has no new events.")
    for event in new:
        row = event.row
        row.person_id = head.person_id
        row.sequence = head.last_sequence + 1
        row.details_hmac = chain.details_hmac(row.reason, row.evidence, head.salt)
        row.previous_hash = head.last_hash
        row.hash = chain.hash_of(
            chain.event_json(vars(row) | {"policy_version__version": event.version}),
            head.reference,
        )
        head.last_sequence, head.last_hash = row.sequence, row.hash
    return [event.row for event in new]


def without_addresses(value: Any) -> Any:
    """The evidence as it is stored: an IP address is cut to its network, or left out (null).

    CONSENT_STORE_IP says which. A /24 (IPv4) or /48 (IPv6) tells where, not who. Within a text or
    a name, `[address]` stands for one that is left out.
    """
    if isinstance(value, dict):
        return {_cut_text(name): without_addresses(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_addresses(item) for item in value]
    if not isinstance(value, str):
        return value
    cut = _cut_text(value)
    return None if cut == NO_ADDRESS != value else cut


def _cut_text(text: str) -> str:
    return IPV4.sub(_cut, IPV6.sub(_cut, text))


def _cut(found: re.Match[str]) -> str:
    """What is stored of an address; the text itself if it is none, such as a time of day."""
    written = found[0].partition("/")[0]
    if ":" not in written:
        written = ".".join(str(int(part)) for part in written.split("."))
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return found[0]
    if not settings.CONSENT_STORE_IP:
        return NO_ADDRESS
    if isinstance(address, ipaddress.IPv6Address):
        # These hold a whole IPv4 address, 6to4 within the first 48 bits.
        address = address.ipv4_mapped or address.sixtofour or address
    network = (address.packed, NETWORK_BITS[address.version])
    return str(ipaddress.ip_network(network, strict=False))

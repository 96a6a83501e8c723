"""What `manage.py verify --repair` can put right in consents, because one way alone is right.

Every step is one that the triggers let through: a row takes the name that its person's erasure
gave, a chain moves by an event that stands, a state becomes what the last event says.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import Exists, F, OuterRef, Q

from common import locks, privacy
from common.models import ERASED_PREFIX
from common.verification import Repair, Tear
from consent import checks
from consent.models import NO_HASH, ConsentChain, ConsentEvent, ConsentState

# In the order in which writers lock them, the head first.
RECORD = (ConsentChain, ConsentEvent, ConsentState)


def torn_by_an_erasure() -> Iterator[Tear]:
    """Chain and events that are one record under two names, since an erasure met a consent."""
    chains = [
        chain
        for chain in ConsentChain.objects.order_by("pk")
        if not _is_whole(chain.last_hash, {chain.user_id})
    ]
    ownerless = ConsentEvent.objects.filter(
        ~Exists(ConsentChain.objects.filter(user_id=OuterRef("user_id")))
    )
    names = sorted(set(ownerless.values_list("user_id", flat=True)))
    for chain in chains:
        for other in names:
            erased, person = sorted((chain.user_id, other), key=lambda name: not _is_erased(name))
            if _is_torn([chain], person, erased):
                yield Tear(
                    frozenset({person, erased}),
                    f"{person}: the chain and its events are one record under two names; all of it"
                    f" takes the name that the erasure gave, {erased}",
                    partial(move_to_erased, person=person, erased=erased),
                )


def _is_torn(chains: list[ConsentChain], person: str, erased: str) -> bool:
    """Whether the two names have one chain and, without new events of the person, its record."""
    if not _is_erased(erased) or _is_erased(person) or len(chains) != 1:
        return False
    [chain] = chains
    went_on = chain.user_id == person and _events({person}).exists()
    return not went_on and _is_whole(chain.last_hash, {person, erased})


def _is_erased(name: str) -> bool:
    return name.startswith(ERASED_PREFIX)


def _events(names: set[str]) -> Any:
    return ConsentEvent.objects.filter(user_id__in=names).order_by("sequence")


def _is_whole(last_hash: str, names: set[str]) -> bool:
    """Whether the events under these names lead, hash upon hash, to this one."""
    sequence, before = 0, NO_HASH
    for number, previous, own in _events(names).values_list("sequence", "previous_hash", "hash"):
        if (number, previous) != (sequence + 1, before):
            return False
        sequence, before = number, own
    return before == last_hash


def move_to_erased(*, person: str, erased: str) -> int:
    """Give the person's record the erased name, as their erasure would have."""
    locks.lock_persons(person, erased)
    chains = ConsentChain.objects.filter(user_id__in=[person, erased]).locked()
    if not _is_torn(list(chains), person, erased):
        return 0  # somebody was quicker
    moved = 0
    tables = {table.model: table for table in privacy.tables()}
    for model in RECORD:
        moved += privacy.empty(tables[model], person, erased)
    return moved


def not_applied() -> Iterator[Tear]:
    """Chains that stayed behind their own events, written while a trigger was missing."""
    for chain in ConsentChain.objects.order_by("pk"):
        end = _events({chain.user_id}).last()
        behind = end is not None and end.sequence > chain.last_sequence
        if end is not None and behind and _is_whole(end.hash, {chain.user_id}):
            yield Tear(
                frozenset({chain.user_id}),
                f"{chain.user_id}: the chain stands at event {chain.last_sequence}; it follows its"
                f" events to {end.sequence}",
                partial(follow_events, user_id=chain.user_id),
            )


def follow_events(*, user_id: str) -> int:
    """Move the chain event by event to its last one."""
    chain = ConsentChain.objects.filter(user_id=user_id).locked().first()
    if chain is None:
        return 0  # erased since
    moved = 0
    for event in _events({user_id}).filter(sequence__gt=chain.last_sequence):
        moved += ConsentChain.objects.filter(pk=chain.pk).update(
            last_sequence=event.sequence, last_hash=event.hash
        )
    return moved


def states_of_the_erased() -> Iterator[Tear]:
    """States that kept a person's name while their events took that of the erasure."""
    astray = ConsentState.objects.filter(event__user_id__startswith=ERASED_PREFIX).exclude(
        user_id=F("event__user_id")
    )
    pairs = astray.values_list("user_id", "event__user_id").distinct()
    for person, erased in sorted(pairs):
        if ConsentChain.objects.filter(user_id=erased).exists():
            yield Tear(
                frozenset({person, erased}),
                f"{person}: states take the name that the erasure gave to their events, {erased}",
                partial(follow_their_events, person=person, erased=erased),
            )


def follow_their_events(*, person: str, erased: str) -> int:
    """Give the person's states of erased events the name of these."""
    list(ConsentChain.objects.filter(user_id=erased).locked())
    astray = ConsentState.objects.filter(user_id=person, event__user_id=erased)
    return ConsentState.objects.filter(pk__in=list(astray.values_list("pk", flat=True))).update(
        user_id=erased
    )


def states_otherwise() -> Iterator[Tear]:
    """States that are not what the last event of their person and purpose says."""
    persons = {user_id for user_id, _ in checks.state_problems(Q())}
    for chain in ConsentChain.objects.filter(user_id__in=persons).order_by("pk"):
        user_id = chain.user_id
        # Not beside other damage: a chain that lost its events would lose its states as well.
        if _is_whole(chain.last_hash, {user_id}):
            yield Tear(
                frozenset({user_id}),
                f"{user_id}: what gates read becomes what the last events say",
                partial(say_states, user_id=user_id),
            )


def say_states(*, user_id: str) -> int:
    """Write each state as the last event of its purpose says it."""
    list(ConsentChain.objects.filter(user_id=user_id).locked())
    last = {event.purpose_id: event for event in _events({user_id})}
    for purpose, event in last.items():
        expired = event.action == ConsentEvent.Action.EXPIRED
        said = {
            "granted": event.granted,
            "event": event,
            "policy_version_id": event.policy_version_id,
            "since": event.expires_at if expired else event.recorded_at,
            "expires_at": event.expires_at,
        }
        of_purpose = ConsentState.objects.filter(user_id=user_id, purpose_id=purpose)
        if not of_purpose.update(**said):
            ConsentState.objects.create(user_id=user_id, purpose_id=purpose, **said)
    return len(last)


REPAIRS = [
    Repair("consent.erasure", torn_by_an_erasure),
    Repair("consent.chains", not_applied),
    Repair("consent.erased", states_of_the_erased),
    Repair("consent.states", states_otherwise),
]

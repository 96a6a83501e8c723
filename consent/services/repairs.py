"""What `manage.py verify --repair` can put right in consents, because one way alone is right.

Every step is one that the triggers let through: a chain moves by an event that stands, a state
becomes what the last event says. An erased person's rows are never changed again.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import Q

from common.declarations import Repair, Tear
from consent import verify_checks
from consent.models import NO_HASH, ConsentChain, ConsentEvent, ConsentState


def _events(person_id: int) -> Any:
    return ConsentEvent.objects.filter(person_id=person_id).order_by("sequence")


def _chains_of_the_living() -> Any:
    chains = ConsentChain.objects.filter(person__user_id__isnull=False)
    return chains.select_related("person").order_by("pk")


def _is_whole(last_hash: str, person_id: int) -> bool:
    """Whether the person's events lead, hash upon hash, to this one."""
    sequence, before = 0, NO_HASH
    events = _events(person_id).values_list("sequence", "previous_hash", "hash")
    for number, previous, own in events:
        if (number, previous) != (sequence + 1, before):
            return False
        sequence, before = number, own
    return before == last_hash


def not_applied() -> Iterator[Tear]:
    """Chains that stayed behind their own events, written while a trigger was missing."""
    for chain in _chains_of_the_living():
        end, user_id = _events(chain.person_id).last(), chain.person.name
        behind = end is not None and end.sequence > chain.last_sequence
        if end is not None and behind and _is_whole(end.hash, chain.person_id):
            yield Tear(
                frozenset({user_id}),
                f"{user_id}: the chain stands at event {chain.last_sequence}; it follows its"
                f" events to {end.sequence}",
                partial(follow_events, user_id=user_id),
            )


def follow_events(*, user_id: str) -> int:
    """Move the chain event by event to its last one."""
    chain = ConsentChain.objects.for_user(user_id).locked().first()
    if chain is None:
        return 0  # erased since
    moved = 0
    for event in _events(chain.person_id).filter(sequence__gt=chain.last_sequence):
        moved += ConsentChain.objects.filter(pk=chain.pk).update(
            last_sequence=event.sequence, last_hash=event.hash
        )
    return moved


def states_otherwise() -> Iterator[Tear]:
    """States that are not what the last event of their person and purpose says."""
    persons = {person_id for person_id, _ in verify_checks.state_problems(Q())}
    for chain in _chains_of_the_living().filter(person_id__in=persons):
        user_id = chain.person.name
        # Not beside other damage: a chain that lost its events would lose its states as well.
        if _is_whole(chain.last_hash, chain.person_id):
            yield Tear(
                frozenset({user_id}),
                f"{user_id}: what gates read becomes what the last events say",
                partial(say_states, user_id=user_id),
            )


def say_states(*, user_id: str) -> int:
    """Write each state as the last event of its purpose says it."""
    chain = ConsentChain.objects.for_user(user_id).locked().first()
    if chain is None:
        return 0  # erased since
    last = {event.purpose_id: event for event in _events(chain.person_id)}
    for purpose, event in last.items():
        expired = event.action == ConsentEvent.Action.EXPIRED
        said = {
            "granted": event.granted,
            "event": event,
            "policy_version_id": event.policy_version_id,
            "since": event.expires_at if expired else event.recorded_at,
            "expires_at": event.expires_at,
        }
        mine = {"person_id": chain.person_id, "purpose_id": purpose}
        if not ConsentState.objects.filter(**mine).update(**said):
            ConsentState.objects.create(**mine, **said)
    return len(last)


REPAIRS = [
    Repair("consent.chains", not_applied),
    Repair("consent.states", states_otherwise),
]

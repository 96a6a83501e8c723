"""Expiries written down. No rule waits for it: an expired consent counts as none at that second."""

import datetime

from django.db import transaction

from access import actors
from consent.models import ConsentChain, ConsentEvent, ConsentState
from consent.services.answers import NewEvent, append


def record_expired(*, at: datetime.datetime, limit: int) -> int:
    """Add an `expired` event to at most `limit` consents that have run out.

    Returns how many; each person's are one transaction.
    """
    due = ConsentState.objects.unrecorded(at=at).order_by("expires_at", "id")
    recorded = 0
    for person_id in dict.fromkeys(due.values_list("person_id", flat=True)[:limit]):
        if recorded < limit:
            recorded += _record_expired_of(person_id, at, limit - recorded)
    return recorded


def _record_expired_of(person_id: int, at: datetime.datetime, limit: int) -> int:
    with transaction.atomic():
        # The person may have been erased a moment ago.
        chains = ConsentChain.objects.locked().filter(person_id=person_id, salt__isnull=False)
        head = chains.first()
        if head is None:
            return 0
        due = ConsentState.objects.filter(person_id=person_id).unrecorded(at=at)
        states = due.select_related("policy_version").order_by("expires_at", "purpose_id")
        new = [_expired(state, at) for state in states[:limit]]
        append(head, new)
    return len(new)


def _expired(state: ConsentState, at: datetime.datetime) -> NewEvent:
    text = state.policy_version
    row = ConsentEvent(
        purpose_id=state.purpose_id,
        action=ConsentEvent.Action.EXPIRED,
        granted=False,
        policy_version=text,
        text_sha256=text.text_sha256 if text else "",
        source=ConsentEvent.Source.SYSTEM,
        actor=actors.SYSTEM,
        recorded_at=at,
        expires_at=state.expires_at,
    )
    return NewEvent(row, text.version if text else None)

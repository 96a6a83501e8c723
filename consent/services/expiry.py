"""Expiries written down. No rule waits for it: an expired consent counts as none at that second."""

import datetime

from django.db import transaction

from consent.models import ConsentEvent, ConsentState
from consent.services.answers import NewEvent, append, locked_chain

SYSTEM = "system"


def record_expired(at: datetime.datetime, limit: int) -> int:
    """This function will add an `expired` event to at most `limit` consents that have run out.

    Returns how many; each person's are one transaction.
    """
    due = ConsentState.objects.expired(at=at).filter(granted=True).order_by("expires_at", "id")
    persons = list(dict.fromkeys(due.values_list("user_id", flat=True)[:limit]))
    return sum(_record_expired_of(user_id, at) for user_id in persons)


def _record_expired_of(user_id: str, at: datetime.datetime) -> int:
    with transaction.atomic():
        head, _ = locked_chain(user_id)
        due = ConsentState.objects.for_user(user_id).expired(at=at).filter(granted=True)
        new = [
            _expired(state, at)
            for state in due.select_related("policy_version").order_by("purpose_id")
        ]
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
        actor=SYSTEM,
        recorded_at=at,
        expires_at=state.expires_at,
    )
    return NewEvent(row, text.version if text else None)

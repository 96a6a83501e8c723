"""How long conversations are kept: the legal hold, and the end of those that lie idle."""

import datetime
from functools import partial

from django.db import transaction

from common.privacy import PrivacyHooks
from conversations import errors
from conversations.models import Conversation, ConversationQuerySet, Message
from conversations.services.conversations import remove_conversations
from conversations.triggers import purge_deleted_terms

# One transaction removes no more messages than this, so that other writers wait a second at most.
BATCH_MESSAGES = 5_000


def place_legal_hold(
    *, conversation: Conversation, reason: str, actor: str, at: datetime.datetime
) -> bool:
    """Keep a conversation from being deleted, until the hold is lifted; it says who keeps it.

    Returns False when a hold stands already; its reason stays.
    """
    held = _row(conversation).filter(legal_hold_at=None)
    return held.update(legal_hold_at=at, legal_hold_by=actor, legal_hold_reason=reason) == 1


def lift_legal_hold(*, conversation: Conversation) -> bool:
    """Let a conversation be deleted again. False when no hold stands."""
    held = _row(conversation).on_legal_hold()
    return held.update(legal_hold_at=None, legal_hold_by="", legal_hold_reason="") == 1


def _row(conversation: Conversation) -> ConversationQuerySet:
    return Conversation.objects.filter(person_id=conversation.person_id, pk=conversation.pk)


def refuse_erasure(user_id: str) -> None:
    """Raises LegalHold while the person has conversations that staff must keep."""
    count = Conversation.objects.for_user(user_id).on_legal_hold().count()
    if count:
        raise errors.LegalHold(
            f"Of this person's conversations {count} must be kept: they are on legal hold."
            " Lift the holds first.",
            held=count,
        )


def delete_idle(*, idle_since: datetime.datetime, limit: int) -> int:
    """Remove up to `limit` conversations that have been idle since then.

    Those on legal hold stay. Works in transactions of at most 5,000 messages (one conversation may
    have more) and counts the conversations that went.
    """
    deleted = 0
    while deleted < limit:
        batch = _delete_idle_batch(idle_since, limit - deleted)
        if not batch:
            break
        deleted += batch
    return deleted


def _delete_idle_batch(idle_since: datetime.datetime, limit: int) -> int:
    with transaction.atomic():
        # By the inner id, which grows as they are made: the idle ones come first, without an index
        # that every append would have to move. Locked, so that none gets a message or a hold now.
        idle = Conversation.objects.idle(since=idle_since).locked().order_by("pk")
        chosen: list[tuple[int, int]] = []
        messages = 0
        rows = idle.values_list("person_id", "pk", "message_count")[:limit]
        for person_id, key, message_count in rows:
            if chosen and messages + message_count > BATCH_MESSAGES:
                break
            chosen.append((person_id, key))
            messages += message_count
        if chosen:
            remove_conversations(chosen)
    return len(chosen)


PRIVACY_HOOKS = PrivacyHooks(
    refuse_erasure=refuse_erasure,
    after_erasure=partial(purge_deleted_terms, [Conversation, Message]),
)

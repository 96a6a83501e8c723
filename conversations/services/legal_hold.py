"""The legal hold: conversations that are kept, whoever wants them deleted."""

import datetime

from conversations import errors
from conversations.models import Conversation, ConversationQuerySet


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

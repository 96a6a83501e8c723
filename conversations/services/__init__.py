"""Every write to conversations, one function per act."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from common.idempotency import Outcome, RequestKey
from conversations.models import DEFAULT_TITLE, Conversation
from conversations.services import conversations
from conversations.services.conversations import delete_conversation, update_conversation
from conversations.services.imports import Existing, Owned, store_imported
from conversations.services.legal_hold import lift_legal_hold, place_legal_hold, refuse_erasure
from conversations.services.messages import NewMessage, append_message
from conversations.services.retention import delete_idle
from conversations.services.search import reindex

__all__ = [
    "NewMessage",
    "Owned",
    "Existing",
    "append_message",
    "create_conversation",
    "delete_conversation",
    "delete_idle",
    "lift_legal_hold",
    "place_legal_hold",
    "refuse_erasure",
    "reindex",
    "store_imported",
    "update_conversation",
]


def create_conversation(
    *,
    user_id: str,
    actor: str,
    request_key: RequestKey,
    uid: uuid.UUID | None = None,
    title: str = DEFAULT_TITLE,
    metadata: dict[str, Any] | None = None,
    messages: Sequence[NewMessage] = (),
    at: datetime.datetime | None = None,
) -> Outcome[Conversation]:
    """The same for applications of your own (docs/billing.md), which may leave the moment out."""
    return conversations.create_conversation(
        user_id=user_id,
        actor=actor,
        at=at or timezone.now(),
        request_key=request_key,
        uid=uid,
        title=title,
        metadata=metadata,
        messages=messages,
    )

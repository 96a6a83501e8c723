"""What applications of your own may call (docs/billing.md); all else is called in its module."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from common.idempotency import Outcome, RequestKey
from conversations.models import DEFAULT_TITLE, Conversation
from conversations.services import conversations
from conversations.services.messages import NewMessage


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
    """As conversations.create_conversation does, now where no moment is given."""
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

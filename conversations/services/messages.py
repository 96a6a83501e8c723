"""What people say in their conversations."""

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError
from django.db.models import F

from common.idempotency import Outcome, RequestKey, find_replay
from common.models import Update
from common.prepared_writes import prepared_update
from consent.gates import require_consent
from conversations import errors
from conversations.models import Conversation, Message


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """What a caller says of a message; position, id and time are ours."""

    role: str
    content: str | None = None
    stage1: Any = None
    stage2: Any = None
    stage3: Any = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def row(self, **columns: Any) -> Message:
        row = Message(
            role=self.role,
            content=self.content,
            stage1_data=self.stage1,
            stage2_data=self.stage2,
            stage3_data=self.stage3,
            metadata=self.metadata,
            **columns,
        )
        row.search_text = row.terms
        return row


def append_message(
    *,
    user_id: str,
    conversation_uid: uuid.UUID,
    message: NewMessage,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
) -> Outcome[Message]:
    """Add a message at the end of a conversation.

    The conversation is updated and the message inserted in one act, so that positions have no
    holes however many append at once. The same key with the same request gives the message that
    stands. Raises ConsentRequired as create_conversation does, NotFound and IdempotencyKeyReused.
    """
    require_consent("history_storage", user_id=user_id, at=at)
    row = message.row(
        actor=actor,
        idempotency_key=request_key.key,
        request_hash=request_key.request_hash,
        created_at=at,
    )
    place = {"conversation_id": "id", "person_id": "person_id", "position": "message_count"}
    try:
        conversation = with_one_more.insert_after(
            row, place, user_id=user_id, uid=conversation_uid, at=at
        )
    except IntegrityError:
        replay = find_replay(Message.objects.for_user(user_id), actor, request_key)
        if replay is None:  # what stood in the way was deleted meanwhile
            return append_message(
                user_id=user_id,
                conversation_uid=conversation_uid,
                message=message,
                actor=actor,
                at=at,
                request_key=request_key,
            )
        return replay
    if conversation is None:
        raise errors.no_such_conversation()
    return Outcome(row)


@prepared_update
def with_one_more(*, user_id: str, uid: uuid.UUID, at: datetime.datetime) -> Update:
    """A person's conversation with one more message: lock, ownership and counter in one."""
    return Update(
        Conversation.objects.for_user(user_id).filter(uid=uid),
        ["id", "person_id", "message_count"],
        message_count=F("message_count") + 1,
        updated_at=at,
    )

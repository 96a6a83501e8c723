"""Rows to begin with, and all rows as they stand."""

import base64
import datetime
import json
from typing import Any

from access.models import Person
from access.services import persons
from conversations.models import Conversation, Message

MOMENT = datetime.datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=datetime.UTC)


def key_of(user_id: str) -> int:
    """The key of the person's row, who is met if need be."""
    persons.meet_persons([user_id])
    return Person.objects.get(user_id=user_id).pk


def make_conversations(count: int, user_id: str = "ann", **columns: Any) -> list[Conversation]:
    """`count` conversations, all of the same moment."""
    person_id = key_of(user_id)
    times = {"created_at": MOMENT, "updated_at": MOMENT}
    return Conversation.objects.bulk_create(
        Conversation(person_id=person_id, **(times | columns)) for _ in range(count)
    )


def make_conversation_of(messages: int, user_id: str = "ann") -> Conversation:
    """A conversation whose messages say "1", "2" and so on."""
    [conversation] = make_conversations(1, user_id, message_count=messages)
    Message.objects.bulk_create(
        Message(
            conversation=conversation,
            person_id=conversation.person_id,
            position=position,
            role="user",
            content=str(position),
            created_at=MOMENT,
        )
        for position in range(1, messages + 1)
    )
    return conversation


def cursor_of(*values: Any) -> str:
    """A cursor as a client could make it up."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")

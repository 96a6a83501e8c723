"""What a conversation says, as a hash: the same for a row and for the file that an export writes.

Left out is how it came and what a file need not say: ids of messages, times that are those of the
conversation, and the words a file has for what our columns say.
"""

import datetime
import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from common.models import iso_time
from conversations.dialects import says
from conversations.models import Conversation, Message
from conversations.times import parse_time


def fingerprint(conversation: Conversation, messages: Iterable[Message]) -> str:
    """The hash. The rows may be stored or not; of long conversations one message at a time."""
    digest = hashlib.sha256(_as_bytes(_head(conversation)))
    for message in messages:
        digest.update(_as_bytes(_message(message, conversation.created_at)))
    return digest.hexdigest()


def _as_bytes(said: dict[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _head(conversation: Conversation) -> dict[str, Any]:
    extra = dict(conversation.extra)
    if extra.get("id") is None:  # then the id was the file's name
        extra.pop("id", None)
    has_moved = conversation.updated_at != conversation.created_at
    if has_moved or parse_time(extra.get("updated_at")) is not None:
        extra.pop("updated_at", None)
    is_archived = conversation.archived_at is not None
    if is_archived or says(extra, "archived") is not None:
        extra.pop("archived", None)
    if is_archived:
        extra.pop("archived_at", None)
    # An unreadable time stands in `extra`, and the column has the time of the import.
    created_at = None if "created_at" in extra else conversation.created_at
    archived_at = conversation.archived_at
    return {
        "title": conversation.title,
        "metadata": conversation.metadata,
        "created_at": iso_time(created_at),
        "updated_at": iso_time(conversation.updated_at) if has_moved else None,
        "archived": is_archived,
        "archived_at": None if archived_at == conversation.updated_at else iso_time(archived_at),
        "extra": extra,
    }


def _message(message: Message, conversation_created_at: datetime.datetime) -> dict[str, Any]:
    extra = {
        key: value
        for key, value in message.extra.items()
        if key not in ("created_at", "timestamp") or parse_time(value) != message.created_at
    }
    has_own_time = message.created_at != conversation_created_at
    return {
        "role": message.role,
        "content": message.content,
        "stages": [message.stage1_data, message.stage2_data, message.stage3_data],
        "metadata": message.metadata,
        "created_at": iso_time(message.created_at) if has_own_time else None,
        "extra": extra,
    }

"""Every write to conversations, one function per act."""

from conversations.services.conversations import (
    create_conversation,
    delete_conversation,
    update_conversation,
)
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

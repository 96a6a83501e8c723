"""Every write to conversations, one function per act."""

from conversations.services.imports import Existing, Owned, store_imported
from conversations.services.keeping import (
    delete_idle,
    lift_legal_hold,
    place_legal_hold,
    refuse_erasure,
)
from conversations.services.search import reindex
from conversations.services.writing import (
    NewMessage,
    append_message,
    create_conversation,
    delete_conversation,
    update_conversation,
)

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

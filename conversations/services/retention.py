"""How long conversations are kept: the end of those that lie idle."""

import datetime

from django.db import transaction

from conversations.models import Conversation
from conversations.services.conversations import remove_conversations

# One transaction removes no more messages than this, so that other writers wait a second at most.
BATCH_MESSAGES = 5_000


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

"""What maintenance tidies here: conversations that nobody has used for the time of retention."""

import datetime

from django.conf import settings

from common.declarations import Task
from conversations.models import Conversation
from conversations.services import retention


def _idle_since(at: datetime.datetime) -> datetime.datetime | None:
    """None while retention is off."""
    days = settings.CONVERSATION_RETENTION_DAYS
    return at - datetime.timedelta(days=days) if days else None


def _waiting(at: datetime.datetime) -> int:
    idle_since = _idle_since(at)
    return 0 if idle_since is None else Conversation.objects.idle(since=idle_since).count()


def _tidy(at: datetime.datetime, limit: int) -> int:
    idle_since = _idle_since(at)
    return 0 if idle_since is None else retention.delete_idle(idle_since=idle_since, limit=limit)


TASKS = [
    Task(
        "conversations.retention",
        "Conversations idle for longer than CONVERSATION_RETENTION_DAYS are deleted",
        _waiting,
        _tidy,
    )
]

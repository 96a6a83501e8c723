"""What staff do: an act and its record in the admin's log are one transaction.

The record carries the token of the form, so that a form that comes twice acts once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import QuerySet

from common.errors import IdempotencyKeyReused
from common.idempotency import RequestKey

SHOWN_RECORDS = 20


class NothingToDo(Exception):
    """The row is as wanted already; nothing was written. Its text is a sentence for staff."""


@dataclass(frozen=True)
class Done:
    """What an act did: the row that its record is about, and a sentence for staff."""

    row: models.Model
    sentence: str
    reason: str = ""


def perform_once(
    *, user: User, token: str, content: list[Any], act: Callable[[RequestKey], Done]
) -> Done | None:
    """Do it and record it, all or nothing; None if this very form has acted already.

    `token` is the form's, and `content` all that it says, since a token belongs to one content.
    What the act raises goes through; then nothing is written.
    """
    request_hash = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
    with transaction.atomic():
        # Of a form that is sent twice at once the second one waits here for the first.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if _is_replay(user, token, request_hash):
            return None
        done = act(RequestKey(f"staff:{token}", request_hash))
        _record(user, done, _mark(token, request_hash))
    return done


def records_of(row: models.Model) -> QuerySet[LogEntry]:
    """What staff did to the row, the latest first, with who did it."""
    about = ContentType.objects.get_for_model(row)
    records = LogEntry.objects.filter(content_type=about, object_id=str(row.pk))
    return records.select_related("user").order_by("-pk")[:SHOWN_RECORDS]


def without_mark(message: str) -> str:
    """A record of the admin's log without the token of its form."""
    text, found, _ = message.rpartition(" (form ")
    return text if found else message


def _mark(token: str, request_hash: str) -> str:
    return f"(form {token}.{request_hash[:16]})"


def _is_replay(user: User, token: str, request_hash: str) -> bool:
    written = (
        LogEntry.objects.filter(user=user, change_message__contains=f"(form {token}.")
        .order_by("pk")
        .values_list("change_message", flat=True)
        .first()
    )
    if written is None:
        return False
    if not written.endswith(_mark(token, request_hash)):
        raise IdempotencyKeyReused("This form has acted already, with other values. Open it anew.")
    return True


def _record(user: User, done: Done, mark: str) -> None:
    reason = f" Reason: {done.reason}" if done.reason else ""
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(done.row),
        object_id=str(done.row.pk),
        # Not the person's id, which must not outlive their erasure here.
        object_repr=f"#{done.row.pk}",
        action_flag=CHANGE,
        change_message=f"{done.sentence}{reason} {mark}",
    )

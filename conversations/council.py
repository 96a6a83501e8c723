"""The files of LLM-council applications: what one holds, in the terms of our tables.

Handles the shapes of the original and of its derivatives. Whatever has no column is kept in `extra`
as it stood, so that an export can give it back.
"""

import datetime
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
from django.core.exceptions import ValidationError
from django.utils import timezone

from common import json_values
from common.models import validate_user_id
from conversations.dialects import said_at, says
from conversations.models import DEFAULT_TITLE, TITLE_MAX_LENGTH, Message
from conversations.times import parse_time

# The space of the UUIDs (version 5) made for ids that are none: uuid5(NAMESPACE, "<owner>\n<id>").
NAMESPACE = uuid.UUID("6f0c7f0e-2d3a-5c39-9a53-6d1c3f0a7b11")
ROLES = set(Message.Role.values)
STAGES = ("stage1", "stage2", "stage3")
FOLDER_MAX_LENGTH = 200
# Items of lists and members of objects of one file, however deep.
MOST_VALUES = 1_000_000
USAGE_KEYS = {"daily_count", "daily_used"}


class NotAConversation(ValueError):
    """The file is refused; the message says why."""


class NoOwner(NotAConversation):
    """Neither the file nor its folder says whose conversation it is."""


class UsageFile(ValueError):
    """The file holds a person's usage counters, not a conversation."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__("a usage file")
        self.document = document


@dataclass(frozen=True)
class CouncilMessage:
    """One message of a file; `columns` are those of our Message."""

    columns: dict[str, Any]


@dataclass(frozen=True)
class CouncilConversation:
    """One file: the columns of our Conversation, its messages, and what was replaced in it.

    `deleted`: the file says that its conversation was deleted there.
    """

    user_id: str
    uid: uuid.UUID
    columns: dict[str, Any]
    messages: list[CouncilMessage]
    content_hash: str
    deleted: bool = False
    notes: list[dict[str, str]] = field(default_factory=list)


def read(
    body: bytes, *, file_stem: str, folder_owner: str | None, given_owner: str | None
) -> CouncilConversation:
    """The conversation in a file's bytes.

    Its owner is the file's `user_id`, the folder's name, or `given_owner`; they must not contradict
    each other. Raises NotAConversation and UsageFile.
    """
    notes: list[dict[str, str]] = []
    document = _document(body, notes)
    owner = owner_of(document.pop("user_id", None), folder_owner, given_owner)
    content_hash = hashlib.sha256(
        orjson.dumps([owner, document], option=orjson.OPT_SORT_KEYS)
    ).hexdigest()
    messages = document.pop("messages")
    columns: dict[str, Any] = {"extra": document}
    uid = _take_id(document, owner, file_stem, columns)
    _take_title(document, columns, notes)
    _take_object(document, "metadata", columns, "metadata")
    created_at = _take_times(document, columns, notes)
    return CouncilConversation(
        user_id=owner,
        uid=uid,
        columns=columns,
        messages=[
            _message(message, position, created_at)
            for position, message in enumerate(messages, start=1)
        ],
        content_hash=content_hash,
        deleted=says(document, "deleted") is True,
        notes=notes,
    )


def _document(body: bytes, notes: list[dict[str, str]]) -> dict[str, Any]:
    if json_values.has_more_values(body, MOST_VALUES):
        raise NotAConversation(f"more than {MOST_VALUES} JSON values")
    try:
        document = json_values.loads_storable(body)
    except ValueError:
        document = _cleaned(body, notes)
    if not isinstance(document, dict):
        raise NotAConversation("not a JSON object")
    if not isinstance(document.get("messages"), list):
        if USAGE_KEYS & set(document):
            raise UsageFile(document)
        keys = ", ".join(sorted(document)[:10]) or "none"
        raise NotAConversation(f"no list `messages`; its keys are: {keys}")
    return document


def _cleaned(body: bytes, notes: list[dict[str, str]]) -> Any:
    try:
        document = json_values.loads(body.decode("utf-8-sig"))
        if json_values.is_storable(document):
            return document
        return json_values.cleaned(
            document, lambda at, what: notes.append({"at": at, "replaced": what})
        )
    except UnicodeDecodeError as error:
        raise NotAConversation(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except json_values.NestedTooDeep as error:
        raise NotAConversation(str(error)) from error
    except ValueError as error:
        raise NotAConversation(f"not JSON: {error}") from error


def owner_of(named: Any, folder_owner: str | None, given_owner: str | None) -> str:
    """Whose a file is, by what it says, by its folder or by what is given for it.

    Raises NotAConversation when these contradict each other, and NoOwner.
    """
    if isinstance(named, str) and folder_owner == folder_name(named):
        folder_owner = named
    claims = {
        "the file's user_id": named,
        "its folder": folder_owner,
        "--user-id": given_owner if folder_owner is None else None,
    }
    owners = {source: owner for source, owner in claims.items() if owner is not None}
    if len(set(map(str, owners.values()))) > 1:
        shown = " but ".join(f"{source} says {owner!r}" for source, owner in owners.items())
        raise NotAConversation(f"its owner is not clear: {shown}")
    if not owners:
        raise NoOwner("it names no owner; give --user-id")
    owner = next(iter(owners.values()))
    try:
        if not isinstance(owner, str):
            raise ValidationError("A user id is a text.")
        validate_user_id(owner)
    except ValidationError as error:
        raise NotAConversation(f"its owner {owner!r}: {error.message}") from error
    return owner


def folder_name(user_id: str) -> str:
    """A person's folder in an export: the id percent-encoded, so that none leads out of it.

    Names too long for a file system are cut and end in a part of their SHA-256.
    """
    name = quote(user_id, safe="@ ")
    if name.startswith("."):  # neither a parent folder nor a hidden one
        name = "%2E" + name[1:]
    if len(name) > FOLDER_MAX_LENGTH:
        name = f"{name[:FOLDER_MAX_LENGTH]}%{hashlib.sha256(user_id.encode()).hexdigest()[:16]}"
    return name


def _take_id(
    document: dict[str, Any], owner: str, file_stem: str, columns: dict[str, Any]
) -> uuid.UUID:
    named = document.get("id")
    if named is None or named == "":
        named = file_stem
    if isinstance(document.get("id"), str):
        del document["id"]
    columns["external_id"] = str(named)
    try:
        uid = uuid.UUID(str(named))
    except ValueError:
        return uuid.uuid5(NAMESPACE, f"{owner}\n{named}")
    if str(uid) == named:
        columns["external_id"] = ""
    return uid


def _take_title(
    document: dict[str, Any], columns: dict[str, Any], notes: list[dict[str, str]]
) -> None:
    title = document.get("title", DEFAULT_TITLE)
    if "title" not in document:
        notes.append({"at": "/title", "replaced": f"a missing title, by {DEFAULT_TITLE!r}"})
    if not isinstance(title, str):
        columns["title"] = DEFAULT_TITLE
    elif not title.strip():
        columns["title"] = DEFAULT_TITLE
        notes.append({"at": "/title", "replaced": f"an empty title, by {DEFAULT_TITLE!r}"})
    elif len(title) > TITLE_MAX_LENGTH:
        columns["title"] = title[:TITLE_MAX_LENGTH]
        notes.append({"at": "/title", "replaced": f"a title of {len(title)} characters, cut"})
    else:
        columns["title"] = title
        document.pop("title", None)


def _take_object(source: dict[str, Any], key: str, columns: dict[str, Any], column: str) -> None:
    # An empty object stays in extra, which alone can tell it from a missing one.
    if isinstance(source.get(key), dict) and source[key]:
        columns[column] = source.pop(key)


def _take_times(
    document: dict[str, Any], columns: dict[str, Any], notes: list[dict[str, str]]
) -> datetime.datetime:
    created_at = parse_time(document.get("created_at"))
    if created_at is None:
        created_at = timezone.now()
        notes.append({"at": "/created_at", "replaced": "a missing or unreadable time, by now"})
    else:
        del document["created_at"]
    # These stay in extra: they say that the file had them.
    updated_at = parse_time(document.get("updated_at")) or created_at
    archived = says(document, "archived") is True
    columns |= {
        "created_at": created_at,
        "updated_at": updated_at,
        "archived_at": (said_at(document, "archived") or updated_at) if archived else None,
    }
    return created_at


def _message(given: Any, position: int, created_at: datetime.datetime) -> CouncilMessage:
    if not isinstance(given, dict):
        raise NotAConversation(f"message {position} is not an object")
    rest = dict(given)
    role = rest.pop("role", None)
    if not isinstance(role, str) or role not in ROLES:
        raise NotAConversation(f"message {position} has the unknown role {role!r}")
    columns: dict[str, Any] = {"role": role, "extra": rest, "position": position}
    if isinstance(rest.get("content"), str):
        columns["content"] = rest.pop("content")
    for stage in STAGES:
        if rest.get(stage) is not None:
            columns[f"{stage}_data"] = rest.pop(stage)
    _take_object(rest, "metadata", columns, "metadata")
    # The file's own time stays in extra; the original's messages have none.
    columns["created_at"] = (
        parse_time(rest.get("created_at")) or parse_time(rest.get("timestamp")) or created_at
    )
    return CouncilMessage(columns)

"""Conversations as files: JSON in the council application's own shape, and markdown to read.

The JSON of a conversation can be imported again: import, export, import elsewhere and export give
the same bytes. Both formats are made piece by piece, in constant memory.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import orjson
from django.db.models import TextField, Value
from django.db.models.functions import Cast, Coalesce, Length

from common.models import iso_time
from conversations.council import STAGES
from conversations.dialects import said_at, says
from conversations.models import Conversation, Message, MessageQuerySet
from conversations.other_fields import other_fields, strings
from conversations.safe_markdown import SafeMarkdown, one_line
from conversations.search import texts_of
from conversations.times import parse_time

BATCH_MESSAGES = 500
BATCH_CHARACTERS = 2_000_000
MESSAGE_LENGTH = sum(
    (
        Coalesce(Length(Cast(column, TextField())), 0)
        for column in ("content", "stage1_data", "stage2_data", "stage3_data", "metadata", "extra")
    ),
    start=Value(0),
)
FILE_TITLE_LENGTH = 50


def messages_of(conversation: Conversation) -> Iterator[Message]:
    """The messages in order, some at a time: memory stays the same, and no cursor stays open."""
    own = Message.objects.of(person_id=conversation.person_id, conversation_id=conversation.pk)
    for first, last in _ranges(own.filter(position__lte=conversation.message_count)):
        yield from (
            own.filter(position__range=(first, last)).order_by("position").defer("search_text")
        )


def _ranges(messages: MessageQuerySet) -> Iterator[tuple[int, int]]:
    """Positions from and to, of at most BATCH_CHARACTERS together (or of one long message)."""
    last = 0
    while True:
        lengths = list(
            messages.filter(position__gt=last)
            .order_by("position")
            .values_list("position", MESSAGE_LENGTH)[:BATCH_MESSAGES]
        )
        first, characters = last + 1, 0
        for position, length in lengths:
            if characters and characters + length > BATCH_CHARACTERS:
                yield first, last
                first, characters = position, 0
            last, characters = position, characters + length
        if characters or lengths:
            yield first, last
        if len(lengths) < BATCH_MESSAGES:
            return


# JSON


def as_json(conversation: Conversation) -> Iterator[bytes]:
    """One conversation as a JSON file, in pieces; indented by two as the originals write it."""
    head = orjson.dumps(_fields(conversation), option=orjson.OPT_INDENT_2)
    yield head.removesuffix(b"\n}") + b',\n  "messages": ['
    separator = b"\n"
    for message in messages_of(conversation):
        text = orjson.dumps(_message_fields(message, conversation), option=orjson.OPT_INDENT_2)
        yield separator + b"    " + text.replace(b"\n", b"\n    ")
        separator = b",\n"
    yield b"]\n}\n" if separator == b"\n" else b"\n  ]\n}\n"


def _fields(conversation: Conversation) -> dict[str, Any]:
    """The keys of the file but its messages. `extra` says how the imported file had them."""
    extra = dict(conversation.extra)
    written_id = extra.pop("id", None)
    if written_id is None:
        written_id = conversation.external_id or str(conversation.uid)
    fields: dict[str, Any] = {
        "id": written_id,
        "user_id": conversation.person.name,
        "created_at": extra.pop("created_at", iso_time(conversation.created_at)),
        "title": extra.pop("title", conversation.title),
    }
    if "updated_at" in extra or conversation.updated_at != conversation.created_at:
        written = extra.pop("updated_at", None)
        moved = conversation.updated_at != conversation.created_at
        readable = moved or parse_time(written) is not None
        fields["updated_at"] = iso_time(conversation.updated_at) if readable else written
    if conversation.metadata:
        extra.pop("metadata", None)
        fields["metadata"] = conversation.metadata
    return fields | _archived(conversation, extra) | extra


def _archived(conversation: Conversation, extra: dict[str, Any]) -> dict[str, Any]:
    """Whether it is archived, where `extra` does not say so; takes away what says otherwise."""
    archived_at = conversation.archived_at
    extra_says_so = says(extra, "archived") is True
    if extra_says_so is (archived_at is not None):
        fields: dict[str, Any] = {}
    else:
        extra.pop("archived", None)
        fields = {"archived": archived_at is not None}
    if archived_at is not None and archived_at != (
        said_at(extra, "archived") or conversation.updated_at
    ):
        extra.pop("archived_at", None)
        fields["archived_at"] = iso_time(archived_at)
    return fields


def _message_fields(message: Message, conversation: Conversation) -> dict[str, Any]:
    extra = dict(message.extra)
    fields: dict[str, Any] = {"role": message.role}
    columns = {"content": message.content}
    columns |= {stage: getattr(message, f"{stage}_data") for stage in STAGES}
    columns["metadata"] = message.metadata or None
    for key, value in columns.items():
        if value is not None:
            fields[key] = value
        elif key in extra:
            fields[key] = extra.pop(key)
    has_own_time = {"created_at", "timestamp"} & set(extra)
    if not has_own_time and message.created_at != conversation.created_at:
        fields["created_at"] = iso_time(message.created_at)
    return fields | extra


def attachment_name(conversation: Conversation, ending: str) -> str:
    """The file name of a download: the title's letters and digits, and the time of creation."""
    kept = "".join(
        letter if letter.isalnum() or letter in "-_" else " " for letter in conversation.title
    )
    title = "_".join(kept.split())[:FILE_TITLE_LENGTH] or "conversation"
    return f"{title}_{conversation.created_at:%Y%m%d_%H%M%S}.{ending}"


# Markdown

ROLE_TITLES = {"user": "Question", "assistant": "Answer", "system": "System", "tool": "Tool"}
STAGE_TITLES = {"stage1": "Stage 1: answers", "stage2": "Stage 2: rankings", "stage3": "Stage 3"}


def as_markdown(conversation: Conversation) -> Iterator[str]:
    """One conversation as markdown, in pieces, the stages under headings; safe in any viewer."""
    yield f"# {one_line(conversation.title) or 'Conversation'}\n\n"
    yield f"- Created: {iso_time(conversation.created_at)}\n- Id: {conversation.uid}\n"
    safe = SafeMarkdown()
    for message in messages_of(conversation):
        yield f"\n## {message.position}. {ROLE_TITLES[message.role]}\n"
        fields = dict(other_fields(message.extra))
        stage_texts = partial(texts_of, None)
        content = strings(fields.pop("content", None))
        yield from _section(chain(texts_of(message.content), content), safe)
        for stage, title in STAGE_TITLES.items():
            yield from _stage_markdown(title, getattr(message, f"{stage}_data"), stage_texts, safe)
        for key, value in fields.items():
            yield from _stage_markdown(one_line(key), value, strings, safe)


def _stage_markdown(
    title: str, stage: Any, texts: Callable[[Any], Iterator[str]], safe: SafeMarkdown
) -> Iterator[str]:
    if not stage:
        return
    yield f"\n### {title}\n"
    unnamed: list[Any] = []
    for part in stage if isinstance(stage, list) else [stage]:
        if not (isinstance(part, dict) and part.get("model")):
            unnamed.append(part)
            continue
        yield from _section(texts(unnamed), safe)
        unnamed = []
        yield f"\n#### {one_line(str(part['model']))}\n"
        yield from _section(texts(part), safe)
    yield from _section(texts(unnamed), safe)


def _section(texts: Iterator[str], safe: SafeMarkdown) -> Iterator[str]:
    """All that stands between two headings, as one text: only so can it be judged."""
    text = "\n\n".join(texts)
    if text:
        yield f"\n{safe(text)}\n"

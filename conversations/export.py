"""Conversations as files: JSON in the council application's own shape, and markdown to read.

The JSON of a conversation can be imported again: import, export, import elsewhere and export give
the same bytes. Both formats are made piece by piece, in constant memory.
"""

import re
from collections.abc import Iterator
from textwrap import indent
from typing import Any

import orjson
from markdown_it import MarkdownIt
from markdown_it.token import Token

from common.models import iso_time
from conversations.council import STAGES, parse_time
from conversations.models import Conversation, Message
from conversations.search import texts_of

BATCH_MESSAGES = 500
FILE_TITLE_LENGTH = 50


def messages_of(conversation: Conversation) -> Iterator[Message]:
    """The messages in order, read in batches: no cursor stays open for the whole answer."""
    last = 0
    while True:
        batch = list(
            Message.objects.of(user_id=conversation.user_id, conversation_id=conversation.pk)
            .filter(position__gt=last, position__lte=conversation.message_count)
            .order_by("position")[:BATCH_MESSAGES]
        )
        yield from batch
        if len(batch) < BATCH_MESSAGES:
            return
        last = batch[-1].position


# JSON


def as_json(conversation: Conversation) -> Iterator[bytes]:
    """One conversation as a JSON file, in pieces; indented by two as the originals write it."""
    head = orjson.dumps(_fields(conversation), option=orjson.OPT_INDENT_2)
    yield head.removesuffix(b"\n}") + b',\n  "messages": ['
    separator = b"\n"
    for message in messages_of(conversation):
        text = orjson.dumps(_message_fields(message, conversation), option=orjson.OPT_INDENT_2)
        yield separator + indent(text.decode(), "    ").encode()
        separator = b",\n"
    yield b"]\n}\n" if separator == b"\n" else b"\n  ]\n}\n"


def _fields(conversation: Conversation) -> dict[str, Any]:
    """The keys of the file but its messages. `extra` says how the imported file had them."""
    extra = dict(conversation.extra)
    fields: dict[str, Any] = {
        "id": extra.pop("id", None) or conversation.external_id or str(conversation.uid),
        "user_id": conversation.user_id,
        "created_at": extra.pop("created_at", iso_time(conversation.created_at)),
        "title": extra.pop("title", conversation.title),
    }
    if "updated_at" in extra or conversation.updated_at != conversation.created_at:
        written = extra.pop("updated_at", None)
        moved = conversation.updated_at != conversation.created_at
        readable = moved or parse_time(written) is not None
        fields["updated_at"] = iso_time(conversation.updated_at) if readable else written
    if conversation.archived_at is not None:
        extra.pop("archived", None)
        fields["archived"] = True
    elif extra.get("archived") is True:  # it was, and was taken back since
        extra.pop("archived")
        fields["archived"] = False
    if conversation.metadata:
        extra.pop("metadata", None)
        fields["metadata"] = conversation.metadata
    return fields | extra


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

MARKDOWN = MarkdownIt("commonmark", {"html": False})
# Links to anything but these, in both ways of writing them; images are neutralised as a whole.
UNSAFE_LINK = re.compile(r"\]\((?!\s*(?:https?://|mailto:|#))", re.IGNORECASE)
UNSAFE_REFERENCE = re.compile(
    r"^([\s>]*)\[(?=[^\]]*\]:(?!\s*(?:https?://|mailto:)))", re.IGNORECASE
)
ROLE_TITLES = {"user": "Question", "assistant": "Answer", "system": "System", "tool": "Tool"}
STAGE_TITLES = {"stage1": "Stage 1: answers", "stage2": "Stage 2: rankings", "stage3": "Stage 3"}


def as_markdown(conversation: Conversation) -> Iterator[str]:
    """One conversation as markdown, in pieces, the stages under headings.

    Safe in any viewer: no text of a model or a person becomes a tag, an image or a link to anything
    but http, https and mailto.
    """
    yield f"# {one_line(conversation.title) or 'Conversation'}\n\n"
    yield f"- Created: {iso_time(conversation.created_at)}\n- Id: {conversation.uid}\n"
    for message in messages_of(conversation):
        yield f"\n## {message.position}. {ROLE_TITLES[message.role]}\n"
        if message.content:
            yield f"\n{safe_markdown(message.content)}\n"
        for stage, title in STAGE_TITLES.items():
            yield from _stage_markdown(title, getattr(message, f"{stage}_data"))


def _stage_markdown(title: str, stage: Any) -> Iterator[str]:
    if not stage:
        return
    yield f"\n### {title}\n"
    for part in stage if isinstance(stage, list) else [stage]:
        named = part.get("model") if isinstance(part, dict) else None
        if named:
            yield f"\n#### {one_line(str(named))}\n"
        for text in texts_of(None, part):
            yield f"\n{safe_markdown(text)}\n"


def one_line(text: str) -> str:
    """A text as part of a heading."""
    return safe_markdown(" ".join(text.split()))


def safe_markdown(text: str) -> str:
    """`text` with what a viewer could run or load made visible instead; code blocks stay as is."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    blocks = [token for token in MARKDOWN.parse("\n".join(lines)) if token.type == "fence"]
    code = {line for block in blocks for line in range(*(block.map or (0, 0)))}
    result = [line if number in code else _safe_line(line) for number, line in enumerate(lines)]
    if blocks and blocks[-1].level == 0 and not _closed(blocks[-1], lines):
        result.append(blocks[-1].markup)  # an open code block would swallow what follows
    return "\n".join(result)


def _safe_line(line: str) -> str:
    # None of this changes which lines are code: tags are off in our parser as well.
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[")
    return UNSAFE_REFERENCE.sub(r"\1\\[", UNSAFE_LINK.sub(r"]\\(", line))


def _closed(block: Token, lines: list[str]) -> bool:
    first, after = block.map or (0, 0)
    last = lines[after - 1].strip(" \t")
    return after - 1 > first and last.startswith(block.markup) and not last.strip(block.markup[0])

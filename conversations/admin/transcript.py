"""How stored messages are read on a page: the final answer, each model's own, and who ranked whom.

Pure: it takes values and asks no database. The JSON of applications has many shapes (other keys,
other labels, parts that failed), so nothing here relies on one: what is not understood is shown as
JSON, and nothing is left out without a word.
"""

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conversations.admin.parts import (
    SHOWN_PARTS,
    TEXT_KEYS,
    Part,
    items_of,
    json_text,
    part_of,
    text_part,
    without_surrogates,
)
from conversations.admin.stages import Council, council_of
from conversations.models import Message
from conversations.other_fields import ERROR_KEYS, other_fields, strings

SHOWN_OTHER = 20_000
# In the metadata, or beside the stages.
LABELS, AVERAGES = "label_to_model", "aggregate_rankings"


@dataclass(frozen=True)
class Field:
    """A field of an application that none of ours takes, such as a fourth stage, with its texts."""

    title: str
    parts: tuple[Part, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Shown:
    """One message as the page shows it. `other` is JSON that has no place of its own."""

    position: int
    role: str
    created_at: datetime.datetime | None
    text: Part | None
    council: Council | None
    fields: tuple[Field, ...] = ()
    other: str = ""
    unanswered: bool = False

    @property
    def failed(self) -> bool:
        return (
            self.role == Message.Role.ASSISTANT
            and self.text is None
            and (self.council is None or self.council.all_failed)
            and all(part.failed for field in self.fields for part in field.parts)
        )


def transcript(messages: Sequence[Message], *, next_role: str | None = None) -> list[Shown]:
    """These messages, in order, as a page shows them.

    `next_role` is the role of the message after them, if there is one: it decides whether a
    question at their end was answered.
    """
    roles = [*(message.role for message in messages), next_role]
    if next_role not in (None, Message.Role.USER):
        roles[-1] = Message.Role.ASSISTANT  # a tool's words belong to the answer that follows
    return [
        _shown(message, unanswered=_unanswered(roles, place))
        for place, message in enumerate(messages)
    ]


def _unanswered(roles: Sequence[str | None], place: int) -> bool:
    """A question with no answer before the next question."""
    if roles[place] != Message.Role.USER:
        return False
    for role in roles[place + 1 :]:
        if role == Message.Role.USER:
            return True
        if role == Message.Role.ASSISTANT:
            return False
    return True


def _shown(message: Message, *, unanswered: bool) -> Shown:
    metadata, extra = message.metadata, message.extra
    stages = (message.stage1_data, message.stage2_data, message.stage3_data)
    council = None
    if any(stage not in (None, "", [], {}) for stage in stages):
        council = council_of(*stages, labels=_beside(LABELS, metadata, extra),
                           averages=_beside(AVERAGES, metadata, extra))  # fmt: skip
    fields = dict(other_fields(extra))
    content = message.content or "\n\n".join(strings(fields.pop("content", None)))
    text = text_part("", content) if content else None
    if text and council and council.final and text.text == council.final.text:
        text = None
    return Shown(
        position=message.position,
        role=message.role,
        created_at=message.created_at,
        text=text,
        council=council,
        fields=_fields(fields),
        other=_other(metadata, extra, without_known=council is not None),
        unanswered=unanswered,
    )


def _fields(fields: dict[str, Any]) -> tuple[Field, ...]:
    shown = [_field(key, value) for key, value in list(fields.items())[:SHOWN_PARTS]]
    if len(fields) > SHOWN_PARTS:
        shown.append(Field("More fields", (), left_out=len(fields) - SHOWN_PARTS))
    return tuple(shown)


def _field(key: str, value: Any) -> Field:
    stage = re.fullmatch(r"stage[ _-]?(\d+)", key, re.IGNORECASE)
    title = f"Stage {stage[1]}" if stage else without_surrogates(key).replace("_", " ")[:100]
    items = items_of(value)
    parts = [_other_part(item) for item in items[:SHOWN_PARTS]]
    if key.lower() in ERROR_KEYS:
        parts = [Part(part.model, part.text, failed=True, cut=part.cut) for part in parts]
    return Field(title, tuple(parts), max(len(items) - SHOWN_PARTS, 0))


def _other_part(item: Any) -> Part:
    """A part of no known shape has all its texts, where the others have the one they name."""
    part = part_of(item)
    if isinstance(item, dict) and any(isinstance(item.get(key), str) for key in TEXT_KEYS):
        return part
    text = "\n\n".join(strings(item))
    return text_part(part.model, text, failed=part.failed, label=part.label) if text else part


def _beside(key: str, *places: Any) -> Any:
    """The first of the places that holds something under the key."""
    found = (place[key] for place in places if isinstance(place, dict) and place.get(key))
    return next(found, None)


def _other(*places: Any, without_known: bool) -> str:
    left: list[Any] = []
    for place in places:
        if isinstance(place, dict) and without_known:
            place = {key: item for key, item in place.items() if key not in (LABELS, AVERAGES)}
        if place not in (None, {}, [], ""):
            left.append(place)
    return json_text(left[0] if len(left) == 1 else left)[:SHOWN_OTHER] if left else ""

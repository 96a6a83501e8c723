"""How stored messages are read on a page: the final answer, each model's own, and who ranked whom.

Pure: it takes values and asks no database. The JSON of applications has many shapes (other keys,
other labels, parts that failed), so nothing here relies on one: what is not understood is shown as
JSON, and nothing is left out without a word.
"""

import datetime
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.models import Message
from conversations.other_fields import ERROR_KEYS, other_fields, strings

# Parts of one stage, and characters of one text, that a page shows; it says how much is left out.
SHOWN_PARTS = 60
SHOWN_CHARACTERS = 100_000
SHOWN_OTHER = 20_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"

# The keys under which applications keep the same thing, the original's first.
TEXT_KEYS = ("response", "final_answer", "content", "answer", "ranking", "evaluation", "text")
MODEL_KEYS = ("model", "model_name", "name", "reviewer", "chairman")
LABEL_KEYS = ("label", "reviewer_label")
ORDER_KEYS = ("parsed_ranking", "parsed_rankings", "rankings", "ranking", "order")
AVERAGE_KEYS = ("average_rank", "avg_rank", "average_position", "mean_rank")
# In the metadata, or beside the stages.
LABELS, AVERAGES = "label_to_model", "aggregate_rankings"
# What the original stores as the final answer when there is none.
NO_SYNTHESIS = "Error: Unable to generate final synthesis"


@dataclass(frozen=True)
class Part:
    """One model's text in a stage. A failed one has the error for its text, or none."""

    model: str
    text: str
    failed: bool = False
    label: str = ""
    cut: int = 0


@dataclass(frozen=True)
class Answer:
    """One model's own answer (stage 1), with its column among the ranked ones."""

    part: Part
    ranked: "Column | None" = None


@dataclass(frozen=True)
class Column:
    """One ranked answer: the model that wrote it, or the bare label when that is unknown."""

    name: str
    label: str = ""
    answer: int | None = None
    average: float | None = None
    best: bool = False

    @property
    def short_name(self) -> str:
        return _short(self.name)

    @property
    def shown_average(self) -> str:
        return "" if self.average is None else f"{self.average:.2f}"


@dataclass(frozen=True)
class Cell:
    """The places one reviewer gave one answer; more than one when the label was repeated."""

    places: tuple[int, ...]
    own: bool

    @property
    def shown(self) -> str:
        return ", ".join(map(str, self.places))


@dataclass(frozen=True)
class Row:
    """One reviewer's ranking. `unknown` are labels that belong to no answer."""

    reviewer: str
    cells: tuple[Cell, ...]
    unknown: tuple[str, ...] = ()

    @property
    def short_name(self) -> str:
        return _short(self.reviewer)


@dataclass(frozen=True)
class Matrix:
    """Who ranked whom. `computed`: the averages were not stored but made from the rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    computed: bool = False

    @property
    def has_averages(self) -> bool:
        return any(column.average is not None for column in self.columns)

    @property
    def has_owns(self) -> bool:
        """Whether some model reviewed its own answer, too."""
        return any(cell.own for row in self.rows for cell in row.cells)


@dataclass(frozen=True)
class Council:
    """The three stages of one answer. `left_out` counts parts that the page does not show."""

    final: Part | None
    answers: tuple[Answer, ...]
    reviews: tuple[Part, ...]
    matrix: Matrix | None
    left_out: int = 0

    @property
    def all_failed(self) -> bool:
        """Neither a final answer nor any model's own."""
        texts = [self.final, *(answer.part for answer in self.answers)]
        return all(part is None or part.failed for part in texts)


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
        council = _council(*stages, labels=_beside(LABELS, metadata, extra),
                           averages=_beside(AVERAGES, metadata, extra))  # fmt: skip
    fields = dict(other_fields(extra))
    content = message.content or "\n\n".join(strings(fields.pop("content", None)))
    text = _text_part("", content) if content else None
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
    title = f"Stage {stage[1]}" if stage else _clean(key).replace("_", " ")[:100]
    items = _items(value)
    parts = [_other_part(item) for item in items[:SHOWN_PARTS]]
    if key.lower() in ERROR_KEYS:
        parts = [Part(part.model, part.text, failed=True, cut=part.cut) for part in parts]
    return Field(title, tuple(parts), max(len(items) - SHOWN_PARTS, 0))


def _other_part(item: Any) -> Part:
    """A part of no known shape has all its texts, where the others have the one they name."""
    part = _part(item)
    if isinstance(item, dict) and any(isinstance(item.get(key), str) for key in TEXT_KEYS):
        return part
    text = "\n\n".join(strings(item))
    return _text_part(part.model, text, failed=part.failed, label=part.label) if text else part


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
    return _json(left[0] if len(left) == 1 else left)[:SHOWN_OTHER] if left else ""


# Stages


def _council(stage1: Any, stage2: Any, stage3: Any, *, labels: Any, averages: Any) -> Council:
    given = [_items(stage) for stage in (stage1, stage2, stage3)]
    left_out = sum(max(len(parts) - SHOWN_PARTS, 0) for parts in given)
    first, second, third = (parts[:SHOWN_PARTS] for parts in given)
    answers = [_part(item) for item in first]
    reviews = [(_part(item), _order(item)) for item in second]
    finals = [_final(_part(item)) for item in third]
    used = [label for _, order in reviews for _, label in order]
    columns, places = _columns(answers, labels, used)
    named = [(_named(part, columns, places), order) for part, order in reviews]
    matrix = _matrix(columns, places, named, averages)
    ranked = {column.answer: column for column in matrix.columns} if matrix else {}
    return Council(
        final=finals[0] if finals else None,
        # More than one final answer is no known shape: the others stand among the reviews' texts.
        reviews=(*(part for part, _ in named), *finals[1:]),
        answers=tuple(Answer(part, ranked.get(place)) for place, part in enumerate(answers)),
        matrix=matrix,
        left_out=left_out,
    )


def _items(stage: Any) -> list[Any]:
    """The parts of a stage: of a list, of one part alone, or of an object by model."""
    if stage in (None, "", [], {}):
        return []
    if isinstance(stage, list):
        return stage
    if not isinstance(stage, dict) or stage.keys() & {*TEXT_KEYS, *MODEL_KEYS, *ORDER_KEYS}:
        return [stage]
    return [
        {"model": key} | item if isinstance(item, dict) else {"model": key, "response": item}
        for key, item in stage.items()
    ]


def _part(item: Any) -> Part:
    if not isinstance(item, dict):
        return _text_part("", item if isinstance(item, str) else _json(item))
    model = next((name for key in MODEL_KEYS if (name := _name(item.get(key)))), "")
    label = next((name for key in LABEL_KEYS if (name := _name(item.get(key)))), "")
    failed = item.get("provider") == "failed"
    for key in TEXT_KEYS:
        if isinstance(item.get(key), str) and item[key].strip():
            return _text_part(model, item[key], failed=failed, label=label)
    values = [item[key] for key in TEXT_KEYS if item.get(key) not in (None, "", [], {})]
    if item.get("error") or item.keys() & set(TEXT_KEYS) and not values:
        error = item.get("error")
        text = error if isinstance(error, str) else _json(error) if error else ""
        return _text_part(model, text, failed=True, label=label)
    rest = {key: value for key, value in item.items() if key not in (*MODEL_KEYS, *LABEL_KEYS)}
    if rest.keys() & set(ORDER_KEYS):
        return _text_part(model, "", label=label)
    return _text_part(model, _json(rest) if rest else "", failed=not rest, label=label)


def _text_part(model: str, text: str, *, failed: bool = False, label: str = "") -> Part:
    text = _clean(text)
    cut = max(len(text) - SHOWN_CHARACTERS, 0)
    return Part(model, text[:SHOWN_CHARACTERS], failed, label, cut)


def _final(part: Part) -> Part:
    failed = part.failed or part.model.casefold() == "error" or part.text.startswith(NO_SYNTHESIS)
    return Part(part.model, part.text, failed, part.label, part.cut)


def _name(value: Any) -> str:
    """A model's name or a label, whatever it is wrapped in."""
    if isinstance(value, dict):
        return next((name for key in MODEL_KEYS if (name := _name(value.get(key)))), "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _clean(str(value) if not isinstance(value, int) else _json(value)).strip()[:200]


def _short(model: str) -> str:
    """A model's name without its provider's."""
    return model.rpartition("/")[2] or model


def _clean(text: str) -> str:
    """Without lone surrogates, which no page can hold."""
    return text.encode("utf-8", "replace").decode()


def _json(value: Any) -> str:
    try:
        return _clean(json.dumps(value, ensure_ascii=False, indent=2))
    except (RecursionError, ValueError):  # nested too deeply, or a number of 5,000 digits
        return "(cannot be shown)"


# Labels


def _order(item: Any) -> list[tuple[int, str]]:
    """The ranking in a review: place and label, from the best on."""
    if not isinstance(item, dict):
        return []
    for key in ORDER_KEYS:
        value = item.get(key)
        if isinstance(value, list) and value:
            return [_ranked(place, entry) for place, entry in enumerate(value[:SHOWN_PARTS], 1)]
        if isinstance(value, dict) and value:
            pairs = [(place, label) for label, number in list(value.items())[:SHOWN_PARTS]
                     if (place := _place(number))]  # fmt: skip
            return sorted((place, _clean(label)[:200]) for place, label in pairs)
    return []


def _ranked(place: int, entry: Any) -> tuple[int, str]:
    if not isinstance(entry, dict):
        return place, _name(entry) or "?"
    label = next((name for key in ("label", "response", "answer", *MODEL_KEYS)
                  if (name := _name(entry.get(key)))), "?")  # fmt: skip
    given = next((found for key in ("rank", "position") if (found := _place(entry.get(key)))), None)
    return given or place, label


def _place(value: Any) -> int | None:
    number = isinstance(value, int) and not isinstance(value, bool)
    return value if number and 1 <= value <= 1_000 else None


def _key(label: str) -> str:
    """A label as it is compared: "Response B", "response b." and "B" are one."""
    key = " ".join(label.casefold().split()).strip(" .:*#\"'()[]")
    return key.removeprefix("response ")


def _columns(
    answers: Sequence[Part], labels: Any, used: Sequence[str]
) -> tuple[list[Column], dict[str, int]]:
    """The answers that were ranked, and for each label the number of its column."""
    named = _given_labels(labels) or _own_labels(answers) or _letters(answers, used)
    columns: list[Column] = []
    taken: set[int | None] = set()
    for label, model, wish in named[:SHOWN_PARTS]:
        answer = _answer_of(model, wish, answers, taken)
        taken.add(answer)
        columns.append(Column(model or label, label, answer))
    for number, part in enumerate(answers):
        if number not in taken and not part.failed:
            columns.append(Column(part.model or part.label or f"Answer {number + 1}", "", number))
    columns.sort(key=lambda column: len(answers) if column.answer is None else column.answer)
    places: dict[str, int] = {}
    for number, column in enumerate(columns):
        if column.label:
            places.setdefault(_key(column.label), number)
    for number, column in enumerate(columns):  # some rank by the models' names
        places.setdefault(_key(column.name), number)
    if used and not named and not any(_key(label) in places for label in used):
        return _bare_labels(used)
    return columns, places


def _given_labels(labels: Any) -> list[tuple[str, str, int | None]]:
    """Label, model and perhaps a number, from `label_to_model`."""
    if not isinstance(labels, dict):
        return []
    found = []
    for label, value in list(labels.items())[:SHOWN_PARTS]:
        wish = value.get("display_index") if isinstance(value, dict) else None
        wish = wish if isinstance(wish, int) and not isinstance(wish, bool) else None
        found.append((_clean(label)[:200], _name(value), wish))
    return found


def _own_labels(answers: Sequence[Part]) -> list[tuple[str, str, int | None]]:
    """The labels that the answers carry themselves."""
    return [(part.label, part.model, number) for number, part in enumerate(answers) if part.label]


def _letters(answers: Sequence[Part], used: Sequence[str]) -> list[tuple[str, str, int | None]]:
    """A, B, C … in the order of the answers, as the original gives them; only if all labels fit.

    With a failed answer among them nobody knows whether it took a letter.
    """
    letters = LETTERS[: len(answers)]
    fits = used and all(len(key) == 1 and key in letters for key in map(_key, used))
    if not fits or len(answers) > len(LETTERS) or any(part.failed for part in answers):
        return []
    return [
        (f"Response {letter.upper()}", part.model, number)
        for number, (letter, part) in enumerate(zip(letters, answers, strict=True))
    ]


def _answer_of(
    model: str, wish: int | None, answers: Sequence[Part], taken: set[int | None]
) -> int | None:
    """Which answer a label means: that of its model; among several of one model, the wished one."""
    free = [
        number for number, part in enumerate(answers) if number not in taken and part.model == model
    ]
    return wish if wish in free else free[0] if free else None


def _bare_labels(used: Sequence[str]) -> tuple[list[Column], dict[str, int]]:
    """Labels that nothing explains are columns by themselves."""
    first = {_key(label): label for label in reversed(used)}
    labels = sorted(first)[:SHOWN_PARTS]
    return [Column(first[key]) for key in labels], {key: at for at, key in enumerate(labels)}


def _named(part: Part, columns: Sequence[Column], places: dict[str, int]) -> Part:
    """A reviewer who signed with a label gets the model's name."""
    if part.model or not part.label:
        return part
    place = places.get(_key(part.label))
    name = part.label if place is None else columns[place].name
    return Part(name, part.text, part.failed, part.label, part.cut)


# The matrix


def _matrix(
    columns: Sequence[Column],
    places: dict[str, int],
    reviews: Sequence[tuple[Part, list[tuple[int, str]]]],
    averages: Any,
) -> Matrix | None:
    rows = tuple(
        _row(number, part, order, columns, places)
        for number, (part, order) in enumerate(reviews, 1)
        if order
    )
    stored = dict(_stored_averages(averages))
    if not columns:
        columns = [Column(name) for name in stored][:SHOWN_PARTS]
    means = [stored.get(column.name) for column in columns]
    computed = all(mean is None for mean in means)
    if computed:
        means = [_mean(row.cells[number] for row in rows) for number in range(len(columns))]
    known = [mean for mean in means if mean is not None]
    if not columns or not (rows or known):
        return None
    return Matrix(
        tuple(
            Column(column.name, column.label, column.answer, mean,
                   best=mean is not None and mean == min(known))
            for column, mean in zip(columns, means, strict=True)
        ),
        rows,
        computed,
    )  # fmt: skip


def _row(
    number: int,
    part: Part,
    order: list[tuple[int, str]],
    columns: Sequence[Column],
    places: dict[str, int],
) -> Row:
    given: dict[int, list[int]] = {}
    unknown = []
    for place, label in order:
        column = places.get(_key(label))
        if column is None:
            unknown.append(label)
        else:
            given.setdefault(column, []).append(place)
    cells = (
        Cell(tuple(given.get(at, ())), own=bool(part.model) and part.model == column.name)
        for at, column in enumerate(columns)
    )
    return Row(part.model or f"Reviewer {number}", tuple(cells), tuple(dict.fromkeys(unknown)))


def _mean(cells: Iterable[Cell]) -> float | None:
    """The mean of the places; of a repeated label only the first counts."""
    first = [cell.places[0] for cell in cells if cell.places]
    return sum(first) / len(first) if first else None


def _stored_averages(averages: Any) -> Iterator[tuple[str, float]]:
    """Model and average rank. Scores, where more may be better, are no ranks and left alone."""
    if isinstance(averages, dict):
        averages = [
            {"model": model} | value
            if isinstance(value, dict)
            else {"model": model, "average_rank": value}
            for model, value in averages.items()
        ]
    for item in averages if isinstance(averages, list) else []:
        if not isinstance(item, dict):
            continue
        rank = next((item[key] for key in AVERAGE_KEYS if _is_rank(item.get(key))), None)
        model = _name(item.get("model"))
        if model and rank is not None:
            yield model, float(rank)


def _is_rank(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < 10_000 and math.isfinite(value)

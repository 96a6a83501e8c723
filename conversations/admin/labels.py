"""Which answer a reviewer's label means: "Response B", "B" or a model's name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conversations.admin.parts import (
    MODEL_KEYS,
    ORDER_KEYS,
    SHOWN_PARTS,
    Part,
    name_of,
    short_name_of,
    without_surrogates,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"


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
        return short_name_of(self.name)

    @property
    def shown_average(self) -> str:
        return "" if self.average is None else f"{self.average:.2f}"


def order_of(item: Any) -> list[tuple[int, str]]:
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
            return sorted((place, without_surrogates(label)[:200]) for place, label in pairs)
    return []


def _ranked(place: int, entry: Any) -> tuple[int, str]:
    if not isinstance(entry, dict):
        return place, name_of(entry) or "?"
    label = next((name for key in ("label", "response", "answer", *MODEL_KEYS)
                  if (name := name_of(entry.get(key)))), "?")  # fmt: skip
    given = next((found for key in ("rank", "position") if (found := _place(entry.get(key)))), None)
    return given or place, label


def _place(value: Any) -> int | None:
    number = isinstance(value, int) and not isinstance(value, bool)
    return value if number and 1 <= value <= 1_000 else None


def key_of(label: str) -> str:
    """A label as it is compared: "Response B", "response b." and "B" are one."""
    key = " ".join(label.casefold().split()).strip(" .:*#\"'()[]")
    return key.removeprefix("response ")


def columns_of(
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
            places.setdefault(key_of(column.label), number)
    for number, column in enumerate(columns):  # some rank by the models' names
        places.setdefault(key_of(column.name), number)
    if used and not named and not any(key_of(label) in places for label in used):
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
        found.append((without_surrogates(label)[:200], name_of(value), wish))
    return found


def _own_labels(answers: Sequence[Part]) -> list[tuple[str, str, int | None]]:
    """The labels that the answers carry themselves."""
    return [(part.label, part.model, number) for number, part in enumerate(answers) if part.label]


def _letters(answers: Sequence[Part], used: Sequence[str]) -> list[tuple[str, str, int | None]]:
    """A, B, C … in the order of the answers, as the original gives them; only if all labels fit.

    With a failed answer among them nobody knows whether it took a letter.
    """
    letters = LETTERS[: len(answers)]
    fits = used and all(len(key) == 1 and key in letters for key in map(key_of, used))
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
    first = {key_of(label): label for label in reversed(used)}
    labels = sorted(first)[:SHOWN_PARTS]
    return [Column(first[key]) for key in labels], {key: at for at, key in enumerate(labels)}


def with_name(part: Part, columns: Sequence[Column], places: dict[str, int]) -> Part:
    """A reviewer who signed with a label gets the model's name."""
    if part.model or not part.label:
        return part
    place = places.get(key_of(part.label))
    name = part.label if place is None else columns[place].name
    return Part(name, part.text, part.failed, part.label, part.cut)

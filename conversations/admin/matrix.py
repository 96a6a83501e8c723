"""Who ranked whom: a row for each reviewer, a column for each answer, and the averages."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.admin.labels import Column, key_of
from conversations.admin.parts import SHOWN_PARTS, Part, name_of, short_name_of

AVERAGE_KEYS = ("average_rank", "avg_rank", "average_position", "mean_rank")


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
        return short_name_of(self.reviewer)


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


def matrix_of(
    columns: Sequence[Column],
    places: dict[str, int],
    reviews: Sequence[tuple[Part, list[tuple[int, str]]]],
    averages: Any,
) -> Matrix | None:
    """The rankings of these reviews as a table; None where nobody ranked."""
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
        column = places.get(key_of(label))
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
        model = name_of(item.get("model"))
        if model and rank is not None:
            yield model, float(rank)


def _is_rank(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < 10_000 and math.isfinite(value)

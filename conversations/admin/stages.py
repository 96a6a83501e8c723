"""The three stages of an answer: each model's own, the reviews, and the final one."""

from dataclasses import dataclass
from typing import Any

from conversations.admin.labels import Column, columns_of, order_of, with_name
from conversations.admin.matrix import Matrix, matrix_of
from conversations.admin.parts import SHOWN_PARTS, Part, final_part, items_of, part_of


@dataclass(frozen=True)
class ModelAnswer:
    """One model's own answer (stage 1), with its column among the ranked ones."""

    part: Part
    ranked: Column | None = None


@dataclass(frozen=True)
class Council:
    """The three stages of one answer. `left_out` counts parts that the page does not show."""

    final: Part | None
    answers: tuple[ModelAnswer, ...]
    reviews: tuple[Part, ...]
    matrix: Matrix | None
    left_out: int = 0

    @property
    def all_failed(self) -> bool:
        """Neither a final answer nor any model's own."""
        texts = [self.final, *(answer.part for answer in self.answers)]
        return all(part is None or part.failed for part in texts)


def council_of(stage1: Any, stage2: Any, stage3: Any, *, labels: Any, averages: Any) -> Council:
    """The stages as they are stored, read together: `labels` and `averages` stand beside them."""
    given = [items_of(stage) for stage in (stage1, stage2, stage3)]
    left_out = sum(max(len(parts) - SHOWN_PARTS, 0) for parts in given)
    first, second, third = (parts[:SHOWN_PARTS] for parts in given)
    answers = [part_of(item) for item in first]
    reviews = [(part_of(item), order_of(item)) for item in second]
    finals = [final_part(part_of(item)) for item in third]
    used = [label for _, order in reviews for _, label in order]
    columns, places = columns_of(answers, labels, used)
    named = [(with_name(part, columns, places), order) for part, order in reviews]
    matrix = matrix_of(columns, places, named, averages)
    ranked = {column.answer: column for column in matrix.columns} if matrix else {}
    return Council(
        final=finals[0] if finals else None,
        # More than one final answer is no known shape: the others stand among the reviews' texts.
        reviews=(*(part for part, _ in named), *finals[1:]),
        answers=tuple(ModelAnswer(part, ranked.get(place)) for place, part in enumerate(answers)),
        matrix=matrix,
        left_out=left_out,
    )

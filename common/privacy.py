"""Which rows are a person's: read from the inner `class Privacy` of every model.

Export and erasure know the tables through these declarations alone, so that a new table cannot be
forgotten. A declaration has:

- `personal` and `not_personal`: every field in one of them;
- `person`: the look-up that leads to the person's id, `user_id` unless it says otherwise;
- `emptied`: the fields that the erasure empties in rows that stay. Without it the rows go;
- `head`: True where a writer of the person's other rows locks this one first, and so the erasure.
"""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models


@dataclass(frozen=True)
class PersonalTable:
    """A table with rows of persons. `emptied` is None where the erasure deletes the rows."""

    model: type[models.Model]
    person: str
    emptied: tuple[str, ...] | None
    is_head: bool = False

    def rows_of(self, user_id: str) -> models.QuerySet[Any]:
        """The person's rows."""
        return self.model._default_manager.filter(**{self.person: user_id})


def table_of(model: type[models.Model]) -> PersonalTable | None:
    """What the model declares; None for a table without persons."""
    privacy = vars(model).get("Privacy")
    if privacy is None:
        return None
    person = getattr(privacy, "person", "user_id" if "user_id" in privacy.personal else None)
    if person is None:
        return None
    emptied = getattr(privacy, "emptied", None)
    return PersonalTable(
        model,
        person,
        emptied=None if emptied is None else tuple(sorted(emptied)),
        is_head=getattr(privacy, "head", False),
    )


def tables() -> list[PersonalTable]:
    """Every table with rows of persons, in the order of apps and models."""
    found = (table_of(model) for model in apps.get_models())
    return [table for table in found if table is not None]

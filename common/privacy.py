"""Which rows are a person's: read from the inner `class Privacy` of every model.

Export and erasure know the tables through these declarations alone, so that a new table cannot be
forgotten. A declaration has:

- `personal` and `not_personal`: every field in one of them;
- `person`: the look-up that leads to the person's id, unless it says otherwise that of a field
  `person`, or `user_id`;
- `blanked_on_erasure`: the fields that the erasure empties in rows that stay. Without it the rows
  go;
- `lock_first`: a number where a writer of the person's other rows locks this one first, and so the
  erasure, in the order of the numbers, and the rows of one table by their keys.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import models

from common.apps import declared
from common.models import USER_ID_MAX_LENGTH

# What a declaration may have.
NAMES = {"personal", "not_personal", "person", "blanked_on_erasure", "lock_first"}
# A UUID has five, a name with an address rarely more.
WORDS_OF_AN_ID = 8
PERSON_LOOKUPS = {"person": "person__user_id", "user_id": "user_id"}


@dataclass(frozen=True)
class PersonalTable:
    """A table with rows of persons. `blanked` is None where the erasure deletes the rows."""

    model: type[models.Model]
    person: str
    blanked: tuple[str, ...] | None
    lock_first: int | None = None

    @property
    def label(self) -> str:
        """Such as `billing.credit_transaction`."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", self.model.__name__).lower()
        return f"{self.model._meta.app_label}.{name}"

    def rows_of(self, user_id: str) -> models.QuerySet[Any]:
        """The person's rows."""
        return self.model._default_manager.filter(**{self.person: user_id})


def table_of(model: type[models.Model]) -> PersonalTable | None:
    """What the model declares; None for a table without persons."""
    privacy = vars(model).get("Privacy")
    if privacy is None:
        return None
    person = getattr(privacy, "person", None) or next(
        (lookup for field, lookup in PERSON_LOOKUPS.items() if field in privacy.personal), None
    )
    if person is None:
        return None
    blanked = getattr(privacy, "blanked_on_erasure", None)
    return PersonalTable(
        model,
        person,
        blanked=None if blanked is None else tuple(sorted(blanked)),
        lock_first=getattr(privacy, "lock_first", None),
    )


def tables() -> list[PersonalTable]:
    """Every table with rows of persons, in the order of apps and models."""
    found = (table_of(model) for model in apps.get_models())
    return [table for table in found if table is not None]


def check_names(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuses a name that means nothing: rows whose `blanked_on_erasure` is misspelt would go."""
    return [
        checks.Error(
            f"class Privacy of {model._meta.label} declares {name}, which means nothing.",
            hint=f"It may have {', '.join(sorted(NAMES))}.",
            id="common.E002",
        )
        for model in apps.get_models()
        for name in sorted(vars(vars(model).get("Privacy", object)))
        if not name.startswith("__") and name not in NAMES
    ]


def holds(text: str, user_id: str) -> bool:
    """Whether the id stands in the text as a whole word: somebody may be called "a"."""
    return whole_word(user_id).search(text) is not None


def possible_ids(text: str) -> set[str]:
    """What could be an id that stands in the text: up to eight words with what is between them.

    With the signs about them as well, where white space follows those. So that whoever a text names
    is looked for by their ids, not all texts for an id.
    """
    words = [word.span() for word in re.finditer(r"[^\W_]+", text)]
    before = {sign.end(): sign.start() for sign in re.finditer(r"(?<!\S)(?:[^\w\s]|_)+", text)}
    after = {sign.start(): sign.end() for sign in re.finditer(r"(?:[^\w\s]|_)+(?!\S)", text)}
    pieces = (
        text[begin:end]
        for number, (first, _) in enumerate(words)
        for _, last in words[number : number + WORDS_OF_AN_ID]
        for begin in {first, before.get(first, first)}
        for end in {last, after.get(last, last)}
    )
    return {piece for piece in pieces if len(piece) <= USER_ID_MAX_LENGTH}


def whole_word(user_id: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(user_id)}(?![^\W_])")


def blank(table: PersonalTable, user_id: str, reference: str) -> int:
    """Blank the texts of the person's rows in a table that keeps them.

    Where rows carry the id itself, they take the erased name.
    """
    values: dict[str, Any] = {} if "__" in table.person else {table.person: reference}
    for name in table.blanked or ():
        values[name] = blank_value(table.model._meta.get_field(name))
    rows = table.rows_of(user_id)
    return rows.update(**values) if values else rows.count()


def blank_value(field: Any) -> Any:
    """What an erasure leaves in a field that it empties: None, `{}` or "", as the field allows."""
    if field.null:
        return None
    return {} if isinstance(field, models.JSONField) else ""


def lock_first_rows(user_id: str) -> None:
    """Lock the rows of the person that others are added to, in the order that all writers have.

    Whoever is adding to them is waited for, and whoever comes next waits.
    """
    first = [(table.lock_first, table) for table in tables() if table.lock_first is not None]
    for _, table in sorted(first, key=lambda pair: pair[0]):
        lock(table.rows_of(user_id))


def lock(rows: models.QuerySet[Any]) -> None:
    """Lock rows by their keys, as everybody does who locks several."""
    list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))


# What an app adds to the declarations

# Rows by table, such as `billing.credit_transaction`: those that go (`erased`), and those that stay
# without a name (`kept`).
Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class PrivacyHooks:
    """What the declarations cannot say of an app, which names it in its StewardAppConfig.

    `refuse_erasure(user_id)` raises a DomainError while the person may not be erased, and
    `refuse_unless_overruled(user_id)` while an operator must say why it is done all the same;
    `after_erasure()` ends it, in the same transaction; `also_export(user_id)` gives what explains
    the person's rows and is in nobody's, as a name and its rows. `erase_mentions(user_id,
    reference)` takes the person's id out of rows that are not theirs, and gives what it did by
    table, as `count_mentions(user_id)` does before.
    """

    refuse_erasure: Callable[[str], None] | None = None
    refuse_unless_overruled: Callable[[str], None] | None = None
    after_erasure: Callable[[], None] | None = None
    also_export: Callable[[str], tuple[str, Iterable[dict[str, Any]]]] | None = None
    count_mentions: Callable[[str], Counts] | None = None
    erase_mentions: Callable[[str, str], Counts] | None = None


def add(counts: Counts, more: Counts) -> None:
    """Add to `counts` what is not nothing."""
    for kind, tables in more.items():
        for table, rows in tables.items():
            if rows:
                counts[kind][table] = counts[kind].get(table, 0) + rows


def hooks() -> dict[str, PrivacyHooks]:
    """By the app's label."""
    return dict(declared("privacy_hooks"))

"""Triggers that hold a table's rules against raw SQL, on PostgreSQL and SQLite alike.

An app declares its own in `<app>/triggers.py`: rules, which are conditions under which a row is
refused, and what is done beside. Both are SQL that both engines read, written once;
common/schema/database_triggers.py makes the triggers.

In a condition `{erased}` stands for "the row changes as the erasure of a person changes it",
`{new_lives}` and `{old_lives}` for "the row's person was not erased".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db import OperationalError, connection, models

from common import privacy
from common.apps import declared
from common.models import ERASED_PREFIX


class Rule(NamedTuple):
    """The condition under which a row is refused, and what is said then.

    `only_if` is a condition on the row's own columns without which the other is not looked at: on
    PostgreSQL a look into a table costs some 15 microseconds even where it cannot matter.
    """

    condition: str
    sentence: str
    only_if: str = ""


NEVER = Rule("TRUE", "rows are kept as they were made")
ERASED_OR_NEVER = Rule("NOT ({erased})", "rows are kept as they were made")
# A writer that waited for the erasure comes here after it: it is told to try again.
LIVES = Rule("NOT ({new_lives})", "the person was erased")
KEEPS_ITS_PERSON = Rule(
    "NEW.person_id IS DISTINCT FROM OLD.person_id",
    "a row never goes to another person",
)
TRY_AGAIN, TRY_AGAIN_CODE = "serialization_failure", "40001"

POSTGRESQL, SQLITE = "postgresql", "sqlite"

HEX = "[0-9a-f]"
ERASED_UUID_LENGTHS = (8, 4, 4, 4, 12)


@dataclass(frozen=True)
class Trigger:
    """One trigger: it refuses what breaks `rules`, and then does `act`.

    `event` is such as "AFTER INSERT" or "BEFORE UPDATE". A trigger without rules only keeps
    something else in step.
    """

    name: str
    model: type[models.Model]
    event: str
    rules: tuple[Rule, ...] = ()
    act: str = ""
    # What PostgreSQL does before the act, such as taking a lock.
    before_act: str = ""
    # What is said when the act changed no row: then this one is refused, too.
    act_must_change: str = ""
    # One engine, where the other needs no such trigger.
    only_on: str = ""
    for_each: str = "ROW"
    # SQLite: when it fires at all, and a statement that follows once it is made.
    when: str = ""
    once_made: str = ""
    # A table besides the model's, or a `table.column`; without it there is no trigger.
    also_needs: str = ""

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def needs(self) -> set[str]:
        """The tables and columns that it speaks of; a person's row is known by its person."""
        persons = {f"{self.table}.{column}" for column in _person_columns(self.model)}
        return {self.table, *persons} | ({self.also_needs} if self.also_needs else set())

    def is_for(self, vendor: str) -> bool:
        """Whether that engine has it."""
        return self.only_on in ("", vendor)

    def can_be_created(self, present: set[str]) -> bool:
        """Whether what it needs is there; a migration backwards may have taken it."""
        return self.needs <= present

    @cached_property
    def on_postgresql(self) -> str:
        """The body of its function."""
        refusals = "\n".join(map(self._refusal, self.rules))
        if self.act_must_change:
            act = f"{self.act}\nIF NOT FOUND THEN {self._raise(self.act_must_change)} END IF;"
        else:
            act = self.act
        back = "OLD" if "DELETE" in self.event else "NEW"
        return f"BEGIN\n{refusals}\n{self.before_act}{act}\nRETURN {back};\nEND"

    def _refusal(self, rule: Rule) -> str:
        raised = self._raise(rule.sentence, TRY_AGAIN if rule == LIVES else "check_violation")
        refusal = f"IF {self._filled(rule.condition, POSTGRESQL)} THEN {raised} END IF;"
        return f"IF {rule.only_if} THEN {refusal} END IF;" if rule.only_if else refusal

    def _raise(self, sentence: str, code: str = "check_violation") -> str:
        app = self.model._meta.app_label
        return f"RAISE EXCEPTION '{app}: {sentence}' USING ERRCODE = '{code}';"

    @cached_property
    def on_sqlite(self) -> str:
        """The statement that makes it."""
        refusals = "\n".join(
            self._raise_where(
                rule.sentence,
                self._filled(
                    f"({rule.only_if}) AND ({rule.condition})" if rule.only_if else rule.condition,
                    SQLITE,
                ),
            )
            for rule in self.rules
        )
        # Which SQLite knows only since 3.39.
        refusals = refusals.replace("IS NOT DISTINCT FROM", "IS")
        refusals = refusals.replace("IS DISTINCT FROM", "IS NOT")
        act = self.act
        if self.act_must_change:
            act += f" {self._raise_where(self.act_must_change, 'changes() = 0')}"
        when = f"WHEN {self.when} " if self.when else ""
        body = f"{when}BEGIN {f'{refusals} ' if refusals else ''}{act} END"
        return f'CREATE TRIGGER "{self.name}" {self.event} ON "{self.table}" {body}'

    def _raise_where(self, sentence: str, condition: str) -> str:
        app = self.model._meta.app_label
        return f"SELECT RAISE(ABORT, '{app}: {sentence}') WHERE {condition};"

    def _filled(self, condition: str, vendor: str) -> str:
        if "{erased}" in condition:
            condition = condition.replace("{erased}", _erasure(self.model, vendor))
        for row in ("NEW", "OLD"):
            name = f"{{{row.lower()}_lives}}"
            if name in condition:
                condition = condition.replace(name, _lives(self.model, row))
        return condition


def all_triggers(app_label: str | None = None) -> list[Trigger]:
    """The triggers that one app declares, or all do, for the engine of the database."""
    return [
        trigger
        for label, triggers in declared("triggers")
        for trigger in triggers
        if app_label in (None, label) and trigger.is_for(connection.vendor)
    ]


def was_erased_meanwhile(error: OperationalError) -> bool:
    """Whether a writer waited for the erasure of the person: nothing was written, try again."""
    return getattr(error.__cause__, "pgcode", None) == TRY_AGAIN_CODE


# Kinds of triggers


def row_trigger(
    model: type[models.Model], name: str, event: str, rules: Iterable[Rule], **more: Any
) -> Trigger:
    """A trigger named after its table; `more` are other fields of Trigger."""
    return Trigger(f"{model._meta.db_table}_{name}", model, event, tuple(rules), **more)


def append_only(model: type[models.Model]) -> list[Trigger]:
    """Rows are never changed, but by the erasure of their person, and never removed."""
    return [
        row_trigger(model, "no_update", "BEFORE UPDATE", [ERASED_OR_NEVER]),
        *forbid_delete(model),
    ]


def forbid_delete(model: type[models.Model]) -> list[Trigger]:
    """Rows are never removed, neither one by one nor all at once."""
    return [row_trigger(model, "no_delete", "BEFORE DELETE", [NEVER]), *forbid_truncate(model)]


def forbid_truncate(model: type[models.Model]) -> list[Trigger]:
    """What removes rows and fires no trigger of them is refused.

    PostgreSQL: TRUNCATE. SQLite: INSERT OR REPLACE, which removes the old row unseen.
    """
    taken = f'EXISTS (SELECT 1 FROM "{model._meta.db_table}" WHERE {_key_taken(model)})'
    replaces = Rule(taken, "rows are kept as they were made, and this key is taken")
    return [
        row_trigger(
            model, "no_replace", "BEFORE TRUNCATE", [NEVER],
            only_on=POSTGRESQL, for_each="STATEMENT",
        ),
        row_trigger(model, "no_replace", "BEFORE INSERT", [replaces], only_on=SQLITE),
    ]  # fmt: skip


def of_the_living(model: type[models.Model]) -> list[Trigger]:
    """Rows are added and changed for the living alone, and never go to another person."""
    return [
        row_trigger(model, "lives", "BEFORE INSERT", [LIVES]),
        row_trigger(model, "person", "BEFORE UPDATE", [KEEPS_ITS_PERSON, LIVES]),
    ]


def key_is_new(model: type[models.Model]) -> Trigger:
    """An Idempotency-Key of a row without an actor stands for all actors of that person."""
    table = model._meta.db_table
    taken = Rule(
        f"""EXISTS (SELECT 1 FROM {table} WHERE person_id = NEW.person_id
        AND idempotency_key = NEW.idempotency_key AND actor = '')""",
        "this Idempotency-Key stands on a row that has no actor",
        only_if="NEW.idempotency_key IS NOT NULL",
    )
    return row_trigger(model, "key_is_new", "BEFORE INSERT", [taken])


# Conditions


def _erasure(model: type[models.Model], vendor: str) -> str:
    """The condition under which an UPDATE is the erasure of a person, and nothing else.

    Each field that the model's `Privacy` empties becomes empty, and every other column stays as it
    is, of a person who lives; those of an erased person's rows are never touched again. Where rows
    carry the id itself, `user_id` becomes `erased-<uuid>`, once. A model without persons' rows has
    no erasure.
    """
    personal = privacy.table_of(model)
    if personal is None:
        return "FALSE"
    # As text, because PostgreSQL's type json has no equality.
    as_text = "::text" if vendor == POSTGRESQL else ""
    same = "IS NOT DISTINCT FROM" if vendor == POSTGRESQL else "IS"
    conditions = [_lives(model, "OLD")] if "__" in personal.person else _renamed(vendor)
    if vendor == SQLITE:
        # UPDATE OR REPLACE would remove, unseen, another row that has the new key already.
        other = f'SELECT 1 FROM "{model._meta.db_table}" WHERE id <> OLD.id'
        conditions.append(f"NOT EXISTS ({other} AND ({_key_taken(model)}))")
    blanked = set(personal.blanked or ())
    for field in model._meta.concrete_fields:
        column = f'"{field.column}"'
        if field.name in blanked:
            conditions.append(_is_blank(field, f"NEW.{column}", as_text))
        elif field.name != personal.person:
            conditions.append(f"NEW.{column}{as_text} {same} OLD.{column}{as_text}")
    return " AND ".join(f"({condition})" for condition in conditions)


def _is_blank(field: "models.Field[Any, Any]", column: str, as_text: str) -> str:
    blank = privacy.blank_value(field)
    if blank is None:
        return f"{column} IS NULL"
    return f"{column}{as_text} = '{{}}'" if blank == {} else f"{column} = ''"


def _lives(model: type[models.Model], row: str) -> str:
    """The condition under which the person of a row ("NEW" or "OLD") was not erased.

    Rows that belong to nobody meet it.
    """
    person: Any = model._meta.get_field("person")
    persons = person.related_model._meta.db_table
    key = f"{row}.{person.column}"
    return (
        f"{key} IS NULL OR EXISTS (SELECT 1 FROM {persons} WHERE id = {key}"
        " AND user_id IS NOT NULL)"
    )


def _person_columns(model: type[models.Model]) -> list[str]:
    return [str(field.column) for field in model._meta.concrete_fields if field.name == "person"]


def _renamed(vendor: str) -> list[str]:
    pattern = "-".join(HEX * length for length in ERASED_UUID_LENGTHS)
    if vendor == POSTGRESQL:
        return [
            f"NEW.user_id ~ '^{ERASED_PREFIX}{pattern}$'",
            f"OLD.user_id NOT LIKE '{ERASED_PREFIX}%'",
        ]
    return [
        f"NEW.user_id GLOB '{ERASED_PREFIX}{pattern}'",
        f"OLD.user_id NOT GLOB '{ERASED_PREFIX}*'",
    ]


def _key_taken(model: type[models.Model]) -> str:
    """SQLite: the condition under which a row has one of NEW's unique keys."""
    return " OR ".join(
        "(" + " AND ".join(f'"{column}" = NEW."{column}"' for column in columns) + ")"
        for columns in _unique_keys(model)
    )


def _unique_keys(model: type[models.Model]) -> list[list[str]]:
    columns = {field.name: str(field.column) for field in model._meta.concrete_fields}
    keys = [[columns[field.name]] for field in model._meta.concrete_fields if field.unique]
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            keys.append([columns[name] for name in constraint.fields])
    return keys

"""Guards that are rules: conditions in SQL under which a trigger refuses a row.

Written once, in SQL that both engines read. `{erased}` in a condition stands for "the row changes
as the erasure of a person changes it", `{new_lives}` and `{old_lives}` for "the row's person was
not erased" (common/guards.py).
"""

from django.db import OperationalError, models

from common import guards
from common.database_triggers import Trigger
from common.guards import Guard

# The condition under which it refuses, and what it says then.
Rule = tuple[str, str]

NEVER: Rule = ("TRUE", "rows are kept as they were made")
ERASED_OR_NEVER: Rule = ("NOT ({erased})", "rows are kept as they were made")
# A writer that waited for the erasure comes here after it: it is told to try again.
LIVES: Rule = ("NOT ({new_lives})", "the person was erased")
KEEPS_ITS_PERSON: Rule = (
    "NEW.person_id IS DISTINCT FROM OLD.person_id",
    "a row never goes to another person",
)
TRY_AGAIN, TRY_AGAIN_CODE = "serialization_failure", "40001"


def was_erased_meanwhile(error: OperationalError) -> bool:
    """Whether a writer waited for the erasure of the person: nothing was written, try again."""
    return getattr(error.__cause__, "pgcode", None) == TRY_AGAIN_CODE


def rule(
    model: type[models.Model],
    name: str,
    event: str,
    rules: list[Rule],
    act: str = "",
    postgresql_before: str = "",
    also_needs: str | None = None,
) -> Guard:
    """A trigger that refuses what breaks `rules` and then does `act`.

    `event` is such as "AFTER INSERT" or "BEFORE UPDATE"; for `also_needs` see Guard.
    """
    table, label = model._meta.db_table, model._meta.app_label
    name = f"{table}_{name}"

    def declare(vendor: str) -> Trigger:
        if vendor == "sqlite":
            return Trigger(name, table, event, _sqlite(model, label, rules, act))
        does = postgresql_before + act
        back = "OLD" if "DELETE" in event else "NEW"
        return Trigger(name, table, event, _postgresql(model, label, rules, does, back))

    return Guard(name, model, declare, also_needs=also_needs)


def _postgresql(
    model: type[models.Model], label: str, rules: list[Rule], act: str, back: str
) -> str:
    refusals = "\n".join(
        f"IF {_filled(model, condition, 'postgresql')} THEN"
        f" RAISE EXCEPTION '{label}: {sentence}'"
        f" USING ERRCODE = '{TRY_AGAIN if condition == LIVES[0] else 'check_violation'}'; END IF;"
        for condition, sentence in rules
    )
    return f"BEGIN\n{refusals}\n{act}\nRETURN {back};\nEND"


def _sqlite(model: type[models.Model], label: str, rules: list[Rule], act: str) -> str:
    refusals = "\n".join(
        f"SELECT RAISE(ABORT, '{label}: {sentence}') WHERE {_filled(model, condition, 'sqlite')};"
        for condition, sentence in rules
    )
    # Which SQLite knows only since 3.39.
    refusals = refusals.replace("IS NOT DISTINCT FROM", "IS").replace("IS DISTINCT FROM", "IS NOT")
    return f"BEGIN {refusals} {act} END"


def _filled(model: type[models.Model], condition: str, vendor: str) -> str:
    if "{erased}" in condition:
        condition = condition.replace("{erased}", guards.erasure(model, vendor))
    for row in ("NEW", "OLD"):
        name = f"{{{row.lower()}_lives}}"
        if name in condition:
            condition = condition.replace(name, guards.lives(model, row))
    return condition


def key_is_new(model: type[models.Model]) -> Guard:
    """An Idempotency-Key of a row without an actor stands for all actors of that person."""
    table = model._meta.db_table
    taken: Rule = (
        f"""NEW.idempotency_key IS NOT NULL AND EXISTS (SELECT 1 FROM {table} WHERE
        person_id = NEW.person_id AND idempotency_key = NEW.idempotency_key AND actor = '')""",
        "this Idempotency-Key stands on a row that has no actor",
    )
    return rule(model, "key_is_new", "BEFORE INSERT", [taken])


def of_the_living(model: type[models.Model]) -> list[Guard]:
    """Rows are added and changed for the living alone, and never go to another person."""
    return [
        rule(model, "lives", "BEFORE INSERT", [LIVES]),
        rule(model, "person", "BEFORE UPDATE", [KEEPS_ITS_PERSON, LIVES]),
    ]


def kept(model: type[models.Model]) -> list[Guard]:
    """Rows of the model are never removed, in one stroke neither."""
    return [rule(model, "no_delete", "BEFORE DELETE", [NEVER]), *guards.no_replacing(model)]

"""What `verify` says of tables with triggers: these stand, and constraints stand and are kept."""

from collections.abc import Iterator
from typing import Any

from django.db import connection, models
from django.db.models import BooleanField, CheckConstraint, ExpressionWrapper

from common import database_triggers
from common.declarations import Check
from common.triggers import all_triggers

SHOWN = 20


def constraint_problems() -> Iterator[str]:
    """A constraint can be dropped, or put back under its name with another condition."""
    present = set(connection.introspection.table_names())
    seen = {trigger.table: trigger.model for trigger in all_triggers()}
    for table, model in sorted(seen.items()):
        if table in present:
            yield from _missing(model)
            yield from _broken(model)


def _missing(model: type[models.Model]) -> Iterator[str]:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        there = set(connection.introspection.get_constraints(cursor, table))
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT conname FROM pg_constraint"
                " WHERE conrelid = %s::regclass AND NOT convalidated",
                [f'"{table}"'],
            )
            there -= {name for (name,) in cursor.fetchall()}
    for constraint in model._meta.constraints:
        if constraint.name not in there:
            yield f"table {table}: the constraint {constraint.name} is missing, or not for old rows"


def _broken(model: type[models.Model]) -> Iterator[str]:
    for constraint in model._meta.constraints:
        if isinstance(constraint, CheckConstraint):
            # Not ~Q(…), which would find rows whose condition is unknown; these are let through.
            kept: Any = ExpressionWrapper(constraint.condition, output_field=BooleanField())
            rows = model._base_manager.annotate(kept=kept).filter(kept=False)
            for key in rows.order_by("pk").values_list("pk", flat=True)[:SHOWN]:
                yield f"table {model._meta.db_table}: row #{key} breaks {constraint.name}"


CHECKS = [
    Check("triggers", "Every guarded table has its triggers", database_triggers.problems),
    Check("constraints", "Every guarded table has its constraints", constraint_problems),
]

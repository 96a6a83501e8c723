"""What `verify` says of tables with triggers: these stand, and constraints stand and are kept."""

import re
from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, models
from django.db.models import BooleanField, CheckConstraint, ExpressionWrapper, Q

from common.declarations import Check
from common.schema import database_triggers
from common.schema.triggers import all_triggers

SHOWN = 20
CONSTRAINT = re.compile(r'\bCONSTRAINT\s+"?(\w+)', re.I)


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
    there = _there_on_sqlite(table) if connection.vendor == "sqlite" else _there(table)
    for constraint in model._meta.constraints:
        if constraint.name not in there:
            yield f"table {table}: the constraint {constraint.name} is missing, or not for old rows"


def _there(table: str) -> set[str]:
    with connection.cursor() as cursor:
        there = set(connection.introspection.get_constraints(cursor, table))
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND NOT convalidated",
            [f'"{table}"'],
        )
        return there - {name for (name,) in cursor.fetchall()}


def _there_on_sqlite(table: str) -> set[str]:
    """Django's own way reads the SQL of the table word by word, which takes 20 ms for each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = %s", [table])
        found = cursor.fetchall()
    indexes = {name for kind, name, _ in found if kind == "index"}
    return indexes.union(*(CONSTRAINT.findall(sql) for kind, _, sql in found if kind == "table"))


def _broken(model: type[models.Model]) -> Iterator[str]:
    checks = [one for one in model._meta.constraints if isinstance(one, CheckConstraint)]
    # Not ~Q(…), which would find rows whose condition is unknown; these are let through.
    kept: dict[str, Any] = {
        one.name: ExpressionWrapper(one.condition, output_field=BooleanField()) for one in checks
    }
    rows = model._base_manager.annotate(**kept)
    # All in one pass over the table; one by one only where something is broken.
    if not checks or not rows.filter(reduce(or_, (Q((name, False)) for name in kept))).exists():
        return
    for name in kept:
        for key in rows.filter(**{name: False}).order_by("pk").values_list("pk", flat=True)[:SHOWN]:
            yield f"table {model._meta.db_table}: row #{key} breaks {name}"


CHECKS = [
    Check("triggers", "Every guarded table has its triggers", database_triggers.problems),
    Check("constraints", "Every guarded table has its constraints", constraint_problems),
]

"""Guards: triggers that hold a table's rules against raw SQL, on PostgreSQL and SQLite alike.

Each app declares its guards in `<app>/triggers.py` and names them in its StewardAppConfig. After
every `migrate` those are made that are missing or differ. On SQLite it drops them within its
transaction, when it has something to do: Django's table remake would lose them without a word.
`manage.py check --database default` and `verify` name one that is not as it should be.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.management import CommandError
from django.db import OperationalError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from common import database_triggers, privacy
from common.apps import declared
from common.database_triggers import Trigger
from common.models import ERASED_PREFIX

HEX = "[0-9a-f]"
ERASED_UUID_LENGTHS = (8, 4, 4, 4, 12)
# Whoever reads a table for long, as a backup does, is not waited for: behind us all would wait.
LOCK_TIMEOUT_SECONDS = 5
LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True)
class Guard:
    """One trigger on both engines. `declare` gives it for "postgresql" or "sqlite".

    An engine that needs no trigger has None. `refuses` is False for triggers that only keep
    something else in step.
    """

    name: str
    model: type[models.Model]
    declare: Callable[[str], Trigger | None]
    refuses: bool = True
    # A table besides the model's, or a `table.column`; without it there is no trigger.
    also_needs: str | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def needs(self) -> set[str]:
        """The tables and columns that it speaks of; a person's row is known by its person."""
        persons = {f"{self.table}.{column}" for column in _person_columns(self.model)}
        return {self.table, *persons} | ({self.also_needs} if self.also_needs else set())

    def fits(self, present: set[str]) -> bool:
        """Whether what it needs is there; a migration backwards may have taken it."""
        return self.needs <= present


def registered(app_label: str | None = None) -> list[Guard]:
    """The guards of one app, or of all."""
    return [
        guard
        for label, guards in declared("triggers")
        for guard in guards
        if app_label in (None, label)
    ]


@cache
def trigger(guard: Guard, vendor: str) -> Trigger | None:
    """The guard's trigger on that engine."""
    return guard.declare(vendor)


def fires_on(guard: Guard, vendor: str, event: str) -> bool:
    """Whether the guard's trigger is one for "DELETE", "TRUNCATE" … on that engine."""
    declared = trigger(guard, vendor)
    return declared is not None and declared.fires_on(event)


# What stands


@dataclass(frozen=True)
class Difference:
    """A guard that does not stand as it should; `what` ends a sentence about its trigger."""

    guard: Guard
    trigger: Trigger
    what: str


def differences(guards: Iterable[Guard] | None = None, using: str = "default") -> list[Difference]:
    """Of these guards, or of all, those that this database has not, or has otherwise."""
    chosen = registered() if guards is None else list(guards)
    if not chosen:
        return []
    connection = connections[using]
    present = _present(connection, chosen)
    there = database_triggers.standing(connection)
    path = database_triggers.search_path(connection)
    found = []
    for guard in chosen:
        declared = trigger(guard, connection.vendor) if guard.fits(present) else None
        what = declared and database_triggers.difference(declared, there, path)
        if declared and what:
            found.append(Difference(guard, declared, what))
    return found


def missing(using: str = "default") -> list[Guard]:
    """The guards that do not stand in this database as they should."""
    return [difference.guard for difference in differences(using=using)]


def _present(connection: BaseDatabaseWrapper, guards: Iterable[Guard]) -> set[str]:
    """The tables, and those columns that these guards ask for."""
    needed = {one for guard in guards for one in guard.needs}
    asked = {one.partition(".")[0] for one in needed if "." in one}
    with connection.cursor() as cursor:
        # Tables alone: behind a view no trigger of ours would fire.
        listed = connection.introspection.get_table_list(cursor)
        tables = {table.name for table in listed if table.type == "t"}
        columns = {
            f"{table}.{column.name}"
            for table in asked & tables
            for column in connection.introspection.get_table_description(cursor, table)
        }
    return tables | columns


def problems() -> Iterator[str]:
    """For `verify`: what is wrong with the triggers of the default database."""
    connection = connections["default"]
    guards = registered()
    present = _present(connection, guards)
    for table in sorted({guard.table for guard in guards} - present):
        yield f"table {table}: there is no such table; run migrate"
    for one in differences(guards):
        yield f"table {one.guard.table}: the trigger {one.guard.name} {one.what}; run migrate"
    known = [(guard.table, guard.name) for guard in guards]
    yield from database_triggers.strangers(connection, {guard.table for guard in guards}, known)


# Making and dropping


def create(guards: Iterable[Guard], using: str = "default") -> None:
    """Make those of these guards that are missing or differ; take away those that do not fit.

    Where all stands as it should, nothing is locked and nothing written. Raises CommandError when
    a table stays in use; then nothing is changed.
    """
    chosen = list(guards)
    if not chosen:
        return
    connection = connections[using]
    present = _present(connection, chosen)
    there = database_triggers.standing(connection)
    unfit = [
        guard for guard in chosen if (guard.table, guard.name) in there and not guard.fits(present)
    ]
    differing = differences(chosen, using)
    if not unfit and not differing:
        return
    path = database_triggers.search_path(connection)
    # In one transaction, so that no writer meets the table while its guard is being replaced.
    with _not_waiting_long(connection), transaction.atomic(using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        for guard in unfit:
            database_triggers.drop(cursor, connection, guard.table, guard.name)
        for one in differing:
            database_triggers.make(cursor, connection.vendor, one.trigger, one.what, path)


@contextmanager
def _not_waiting_long(connection: BaseDatabaseWrapper) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
            raise
        raise CommandError(
            f"The triggers could not be changed: a table was in use for {LOCK_TIMEOUT_SECONDS} s,"
            " as by a backup. None was changed. Run migrate again when that has ended."
        ) from error


def drop(guards: Iterable[Guard], using: str = "default") -> None:
    """Drop these guards. For `migrate` on SQLite, and for the test suite's flush."""
    connection = connections[using]
    there = database_triggers.standing(connection)
    with connection.cursor() as cursor:
        for guard in guards:
            if (guard.table, guard.name) in there:
                database_triggers.drop(cursor, connection, guard.table, guard.name)


# Their life with migrations


def create_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    create(registered(sender.label), using)


def check_guards(
    app_configs: Any, databases: Any = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    return [
        checks.Warning(
            f"The trigger {one.guard.name} {one.what} on table {one.guard.table}.",
            hint="Run `python manage.py migrate`, which makes it anew.",
            id="common.W001",
        )
        for using in databases or []
        for one in differences(using=using)
    ]


# The common kind of guard


def append_only(model: type[models.Model]) -> list[Guard]:
    """Guards that refuse every change and removal of the model's rows, but for the erasure."""
    return [_row_guard(model, "UPDATE"), _row_guard(model, "DELETE"), *no_replacing(model)]


def _row_guard(model: type[models.Model], event: str) -> Guard:
    table = model._meta.db_table
    name = f"{table}_no_{event.lower()}"

    def declare(vendor: str) -> Trigger:
        unless = erasure(model, vendor) if event == "UPDATE" else "FALSE"
        says = f"{event} on {table} is refused: rows are kept as they were made"
        if vendor == "sqlite":
            body = f"WHEN NOT ({unless}) BEGIN SELECT RAISE(ABORT, '{says}'); END"
        else:
            back = "NEW" if event == "UPDATE" else "OLD"
            body = f"BEGIN\n  IF {unless} THEN RETURN {back}; END IF;\n{_raise(says)}\nEND"
        return Trigger(name, table, f"BEFORE {event}", body)

    return Guard(name, model, declare)


def no_replacing(model: type[models.Model]) -> list[Guard]:
    """The guard against emptying a table in one stroke, which fires no trigger of a row.

    PostgreSQL: TRUNCATE. SQLite: INSERT OR REPLACE, which removes the old row unseen.
    """
    table = model._meta.db_table
    name = f"{table}_no_replace"

    def declare(vendor: str) -> Trigger:
        if vendor == "sqlite":
            body = (
                f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {_key_taken(model)})'
                f" BEGIN SELECT RAISE(ABORT, 'INSERT on {table} is refused: its key is taken'); END"
            )
            return Trigger(name, table, "BEFORE INSERT", body)
        says = f"TRUNCATE on {table} is refused: rows are kept as they were made"
        return Trigger(name, table, "BEFORE TRUNCATE", f"BEGIN\n{_raise(says)}\nEND", "STATEMENT")

    return [Guard(name, model, declare)]


def _raise(sentence: str) -> str:
    return f"  RAISE EXCEPTION '{sentence}' USING ERRCODE = 'restrict_violation';"


def erasure(model: type[models.Model], vendor: str) -> str:
    """The condition under which an UPDATE is the erasure of a person, and nothing else.

    For the body of a trigger: each field that the model's `Privacy.emptied` names becomes empty,
    and every other column stays as it is, of a person who lives; those of an erased person's rows
    are never touched again. Where rows carry the id itself, `user_id` becomes `erased-<uuid>`,
    once. A model without persons' rows has no erasure.
    """
    personal = privacy.table_of(model)
    if personal is None:
        return "FALSE"
    if vendor == "postgresql":
        # As text, because the type json has no equality.
        same, as_text = "IS NOT DISTINCT FROM", "::text"
    else:
        same, as_text = "IS", ""
    conditions = [lives(model, "OLD")] if "__" in personal.person else _renamed(vendor)
    if vendor == "sqlite":
        # UPDATE OR REPLACE would remove, unseen, another row that has the new key already.
        other = f'SELECT 1 FROM "{model._meta.db_table}" WHERE id <> OLD.id'
        conditions.append(f"NOT EXISTS ({other} AND ({_key_taken(model)}))")
    emptied = set(personal.emptied or ())
    for field in model._meta.concrete_fields:
        column = f'"{field.column}"'
        if field.name in emptied:
            conditions.append(_is_empty(field, column, as_text))
        elif field.name != personal.person:
            conditions.append(f"NEW.{column}{as_text} {same} OLD.{column}{as_text}")
    return " AND ".join(f"({condition})" for condition in conditions)


def lives(model: type[models.Model], row: str) -> str:
    """The condition under which the person of a row ("NEW" or "OLD") was not erased.

    Rows that belong to nobody meet it.
    """
    column, table = _person(model)
    alive = f"EXISTS (SELECT 1 FROM {table} WHERE id = {row}.{column} AND user_id IS NOT NULL)"
    return f"{row}.{column} IS NULL OR {alive}"


def _person(model: type[models.Model]) -> tuple[str, str]:
    field: Any = model._meta.get_field("person")
    return field.column, field.related_model._meta.db_table


def _person_columns(model: type[models.Model]) -> list[str]:
    return [str(field.column) for field in model._meta.concrete_fields if field.name == "person"]


def _renamed(vendor: str) -> list[str]:
    pattern = "-".join(HEX * length for length in ERASED_UUID_LENGTHS)
    if vendor == "postgresql":
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


def _is_empty(field: "models.Field[Any, Any]", column: str, as_text: str) -> str:
    if field.null:
        return f"NEW.{column} IS NULL"
    return (
        f"NEW.{column}{as_text} = '{{}}'"
        if isinstance(field, models.JSONField)
        else f"NEW.{column} = ''"
    )


def _unique_keys(model: type[models.Model]) -> list[list[str]]:
    columns = {field.name: str(field.column) for field in model._meta.concrete_fields}
    keys = [[columns[field.name]] for field in model._meta.concrete_fields if field.unique]
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            keys.append([columns[name] for name in constraint.fields])
    return keys

"""Guards: triggers that hold a table's rules against raw SQL, on PostgreSQL and SQLite alike.

Each app declares its guards in `<app>/triggers.py` and registers them when it is ready. They are
made anew after every `migrate` and dropped before it on SQLite, where Django's table remake would
lose them without a word. `manage.py check --database default` names a missing one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from common import privacy
from common.models import ERASED_PREFIX

HEX = "[0-9a-f]"
ERASED_UUID_LENGTHS = (8, 4, 4, 4, 12)

# What the function of each trigger has on PostgreSQL. It sees the tables of the schema that it was
# made in and no temporary ones, whatever search_path a session sets: anybody may make a temporary
# table of the ledger's name. Naming the schema before each table would not hold off an operator.
SCHEMA = "{schema of Steward}"
FUNCTION = f"LANGUAGE plpgsql SET search_path = {SCHEMA}, pg_temp"


@dataclass(frozen=True)
class Guard:
    """One trigger. `postgresql` and `sqlite` give the statements that make it, for their engine.

    On PostgreSQL the statements also make the trigger's function. An engine that needs no trigger
    gives no statement. `refuses` is False for triggers that only keep something else in step.
    """

    name: str
    model: type[models.Model]
    postgresql: Callable[[], list[str]]
    sqlite: Callable[[], list[str]]
    refuses: bool = True
    # A table besides the model's, or a `table.column`; without it there is no trigger.
    also_needs: str | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def fits(self, present: set[str]) -> bool:
        """Whether what it needs is there; a migration backwards may have taken it."""
        return self.table in present and (self.also_needs is None or self.also_needs in present)


_registered: dict[str, Guard] = {}


def register(guards: Iterable[Guard]) -> None:
    """Make these guards part of every migrated database."""
    for guard in guards:
        _registered[guard.name] = guard


def registered(app_label: str | None = None) -> list[Guard]:
    """The guards of one app, or of all."""
    return [
        guard for guard in _registered.values() if app_label in (None, guard.model._meta.app_label)
    ]


# Making and dropping


def create(guards: Iterable[Guard], using: str = "default") -> None:
    """Make these guards, or make them anew; those that do not fit are left out, or taken away."""
    connection = connections[using]
    present = _present(connection)
    # In one transaction, so that no writer meets the table while its guard is being replaced.
    with transaction.atomic(using), connection.cursor() as cursor:
        schema = _schema(cursor) if connection.vendor == "postgresql" else ""
        for guard in guards:
            if guard.table in present:
                _drop(cursor, connection, guard)
            for statement in getattr(guard, connection.vendor)() if guard.fits(present) else []:
                # Without parameters, so that a percent sign in the body stays one.
                cursor.execute(statement.replace(SCHEMA, schema), None)


def _schema(cursor: Any) -> str:
    """PostgreSQL: the schema that Steward's tables are in, quoted where need be."""
    cursor.execute("SELECT quote_ident(current_schema())")
    return str(cursor.fetchone()[0])


def _present(connection: BaseDatabaseWrapper) -> set[str]:
    """The tables, and those columns that guards ask for."""
    tables = set(connection.introspection.table_names())
    asked = {guard.also_needs.partition(".")[0] for guard in registered() if guard.also_needs}
    with connection.cursor() as cursor:
        columns = {
            f"{table}.{column.name}"
            for table in asked & tables
            for column in connection.introspection.get_table_description(cursor, table)
        }
    return tables | columns


def drop(guards: Iterable[Guard], using: str = "default") -> None:
    """Drop these guards. For migrations on SQLite and for the test suite's flush."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for guard in guards:
            if guard.table in tables:
                _drop(cursor, connection, guard)


def _drop(cursor: Any, connection: BaseDatabaseWrapper, guard: Guard) -> None:
    name = connection.ops.quote_name(guard.name)
    table = connection.ops.quote_name(guard.table)
    where = f" ON {table}" if connection.vendor == "postgresql" else ""
    cursor.execute(f"DROP TRIGGER IF EXISTS {name}{where}")


def missing(using: str = "default") -> list[Guard]:
    """The guards that should stand in this database and do not."""
    connection = connections[using]
    expected = _present(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Not those switched off with ALTER TABLE, wholly (D) or but for replication (R).
            cursor.execute(
                "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
                " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
            )
        else:
            cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")
        present = set(cursor.fetchall())
    return [
        guard
        for guard in registered()
        if guard.fits(expected)
        and (guard.table, guard.name) not in present
        and getattr(guard, connection.vendor)()
    ]


# Their life with migrations


def drop_before_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    # With nothing to migrate they stay: a server that writes meanwhile must not find them gone.
    nothing_to_do = kwargs.get("plan") == []
    if connections[using].vendor == "sqlite" and not nothing_to_do:
        drop(registered(sender.label), using)


def create_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    create(registered(sender.label), using)


def check_guards(
    app_configs: Any, databases: Any = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    return [
        checks.Warning(
            f"The trigger {guard.name} is missing on table {guard.table}.",
            hint="Run `python manage.py migrate`, which makes all triggers anew.",
            id="common.W001",
        )
        for using in databases or []
        for guard in missing(using)
    ]


# The common kind of guard


def append_only(model: type[models.Model]) -> list[Guard]:
    """Guards that refuse every change and removal of the model's rows, but for the erasure."""
    table = model._meta.db_table
    return [
        Guard(
            f"{table}_no_update",
            model,
            lambda: _postgresql_row_guard(model, "UPDATE", unless=erasure(model, "postgresql")),
            lambda: _sqlite_row_guard(model, "UPDATE", unless=erasure(model, "sqlite")),
        ),
        Guard(
            f"{table}_no_delete",
            model,
            lambda: _postgresql_row_guard(model, "DELETE"),
            lambda: _sqlite_row_guard(model, "DELETE"),
        ),
        *no_replacing(model),
    ]


def no_replacing(model: type[models.Model]) -> list[Guard]:
    """The guard against emptying a table in one stroke, which fires no trigger of a row.

    PostgreSQL: TRUNCATE. SQLite: INSERT OR REPLACE, which removes the old row unseen.
    """
    table = model._meta.db_table
    return [
        Guard(
            f"{table}_no_replace",
            model,
            lambda: _postgresql_truncate_guard(model),
            lambda: _sqlite_replace_guard(model),
        )
    ]


def erasure(model: type[models.Model], vendor: str) -> str:
    """The condition under which an UPDATE is the erasure of a person, and nothing else.

    For the body of a trigger: `user_id` becomes `erased-<uuid>`, once; each field that the model's
    `Privacy.emptied` names becomes empty; every other column stays as it is. A model without
    persons' rows has no erasure.
    """
    personal = privacy.table_of(model)
    if personal is None:
        return "FALSE"
    pattern = "-".join(HEX * length for length in ERASED_UUID_LENGTHS)
    if vendor == "postgresql":
        # As text, because the type json has no equality.
        same, as_text = "IS NOT DISTINCT FROM", "::text"
        conditions = [f"NEW.user_id ~ '^{ERASED_PREFIX}{pattern}$'"]
        conditions.append(f"OLD.user_id NOT LIKE '{ERASED_PREFIX}%'")
    else:
        same, as_text = "IS", ""
        conditions = [f"NEW.user_id GLOB '{ERASED_PREFIX}{pattern}'"]
        conditions.append(f"OLD.user_id NOT GLOB '{ERASED_PREFIX}*'")
        # UPDATE OR REPLACE would remove, unseen, another row that has the new key already.
        other = f'SELECT 1 FROM "{model._meta.db_table}" WHERE id <> OLD.id'
        conditions.append(f"NOT EXISTS ({other} AND ({_key_taken(model)}))")
    emptied = set(personal.emptied or ())
    for field in model._meta.concrete_fields:
        column = f'"{field.column}"'
        if field.name in emptied:
            conditions.append(_is_empty(field, column, as_text))
        elif field.name != "user_id":
            conditions.append(f"NEW.{column}{as_text} {same} OLD.{column}{as_text}")
    return " AND ".join(f"({condition})" for condition in conditions)


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


def _postgresql_row_guard(
    model: type[models.Model], event: str, unless: str = "false"
) -> list[str]:
    name = f"{model._meta.db_table}_no_{event.lower()}"
    row = "NEW" if event == "UPDATE" else "OLD"
    return [
        f"""CREATE OR REPLACE FUNCTION {name}() RETURNS trigger {FUNCTION} AS $$
BEGIN
  IF {unless} THEN RETURN {row}; END IF;
  RAISE EXCEPTION '{event} on {model._meta.db_table} is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$""",
        f'CREATE TRIGGER {name} BEFORE {event} ON "{model._meta.db_table}"'
        f" FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]


def _sqlite_row_guard(model: type[models.Model], event: str, unless: str = "0") -> list[str]:
    table = model._meta.db_table
    return [
        f'CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON "{table}"'
        f" WHEN NOT ({unless}) BEGIN SELECT RAISE(ABORT, '{event} on {table} is refused:"
        " rows are kept as they were made'); END"
    ]


def _postgresql_truncate_guard(model: type[models.Model]) -> list[str]:
    table = model._meta.db_table
    return [
        f"""CREATE OR REPLACE FUNCTION {table}_no_replace() RETURNS trigger {FUNCTION} AS $$
BEGIN
  RAISE EXCEPTION 'TRUNCATE on {table} is refused: rows are kept as made'
    USING ERRCODE = 'restrict_violation';
END $$""",
        f'CREATE TRIGGER {table}_no_replace BEFORE TRUNCATE ON "{table}"'
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_no_replace()",
    ]


def _sqlite_replace_guard(model: type[models.Model]) -> list[str]:
    table = model._meta.db_table
    return [
        f'CREATE TRIGGER {table}_no_replace BEFORE INSERT ON "{table}"'
        f' WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {_key_taken(model)})'
        f" BEGIN SELECT RAISE(ABORT, 'INSERT on {table} is refused: its key is taken'); END"
    ]


def _unique_keys(model: type[models.Model]) -> list[list[str]]:
    columns = {field.name: str(field.column) for field in model._meta.concrete_fields}
    keys = [[columns[field.name]] for field in model._meta.concrete_fields if field.unique]
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            keys.append([columns[name] for name in constraint.fields])
    return keys

"""Triggers as the database has them: what stands, how it differs from what apps declare, mending.

At the end of `migrate` those are made that are missing or differ. On SQLite it drops them within
its transaction, when it has something to do: Django's table remake would lose them without a word.
`manage.py check --database default` and `verify` name one that is not as it should be.

Compared is what works, not a mark beside it: on PostgreSQL when a trigger fires, whether it is
switched on, and the source and settings of its function; on SQLite the whole statement.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core import checks
from django.core.management import CommandError
from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from common.schema.triggers import POSTGRESQL, Trigger, all_triggers

# Whoever reads a table for long, as a backup does, is not waited for: behind us all would wait.
LOCK_TIMEOUT_SECONDS = 5
LOCK_NOT_AVAILABLE = "55P03"

# The bits of pg_trigger.tgtype.
FIRES = {"ROW": 1, "BEFORE": 2, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}

MISSING = "is missing"
SWITCHED_OFF = "is switched off"
FIRES_OTHERWISE = "fires when it should not, or does not when it should"
OTHER_FUNCTION = "has a function that is not Steward's"
OTHER_TEXT = "is not as Steward makes it"

COLUMNS = {
    "postgresql": """
SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
 WHERE relnamespace = current_schema()::regnamespace AND attnum > 0 AND NOT attisdropped
""",
    "sqlite": """
SELECT sqlite_master.name, columns.name
  FROM sqlite_master JOIN pragma_table_xinfo(sqlite_master.name) AS columns
 WHERE sqlite_master.type = 'table'
""",
}
STANDING = """
SELECT relname, tgname, tgenabled, tgtype,
       tgqual IS NULL AND tgattr = '' AND tgnargs = 0 AND tgconstraint = 0
           AND tgoldtable IS NULL AND tgnewtable IS NULL,
       proname, prosrc, array_to_string(proconfig, ';'), lanname, prosecdef,
       pg_proc.pronamespace = pg_class.relnamespace
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
  JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_language ON pg_language.oid = prolang
 WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
# What changes which rows triggers see, or what they do. Not what belongs to an extension.
STRANGERS = """
SELECT relname, 'has the rule ' || rulename FROM pg_rewrite
  JOIN pg_class ON pg_class.oid = ev_class
 WHERE relnamespace = current_schema()::regnamespace AND rulename <> '_RETURN'
UNION ALL
SELECT relname, 'has the child ' || inhrelid::regclass || ', whose rows no trigger of it sees'
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhparent
 WHERE relnamespace = current_schema()::regnamespace
UNION ALL
SELECT relname, 'is a child of ' || inhparent::regclass
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE relnamespace = current_schema()::regnamespace
UNION ALL
SELECT relname, 'hides rows by row level security' FROM pg_class
 WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity
"""
HIJACKED = """
SELECT 'The operator ' || oid::regoperator || ' stands in the schema of the tables.'
  FROM pg_operator WHERE oprnamespace = current_schema()::regnamespace AND NOT EXISTS
    (SELECT FROM pg_depend WHERE objid = pg_operator.oid AND deptype = 'e')
UNION ALL
SELECT 'The function ' || own.oid::regprocedure || ' has the name of one of PostgreSQL''s own.'
  FROM pg_proc AS own WHERE pronamespace = current_schema()::regnamespace AND EXISTS
    (SELECT FROM pg_proc AS theirs WHERE theirs.proname = own.proname
        AND theirs.pronamespace = 'pg_catalog'::regnamespace)
   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = own.oid AND deptype = 'e')
UNION ALL
SELECT 'session_replication_role is ' || current_setting('session_replication_role')
       || ': no trigger fires.'
 WHERE current_setting('session_replication_role') = 'replica'
"""


Standing = dict[tuple[str, str], Any]


def standing(connection: BaseDatabaseWrapper) -> Standing:
    """What stands, by table and name."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(STANDING)
            return {row[:2]: row[2:] for row in cursor.fetchall()}
        cursor.execute("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
        return {(table, name): sql for table, name, sql in cursor.fetchall()}


def search_path(connection: BaseDatabaseWrapper) -> str:
    """PostgreSQL: what functions pin. They see the tables of Steward's schema, no temporary ones.

    Naming the schema before each table would not hold off an operator.
    """
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return f"{cursor.fetchone()[0]}, pg_temp"


def _difference(trigger: Trigger, there: Standing, path: str) -> str | None:
    """What is wrong with it, as the end of a sentence; None when it stands as it should."""
    found = there.get((trigger.table, trigger.name))
    if found is None:
        return MISSING
    if isinstance(found, str):
        return None if found == trigger.on_sqlite else OTHER_TEXT
    enabled, type_bits, is_plain, *function = found
    # Not those switched off with ALTER TABLE, wholly (D) or but for replication (R).
    if enabled not in ("O", "A"):
        return SWITCHED_OFF
    words = {*trigger.event.split(), trigger.for_each}
    should_fire = sum(bit for word, bit in FIRES.items() if word in words)
    if (type_bits, is_plain) != (should_fire, True):
        return FIRES_OTHERWISE
    should = [trigger.name, trigger.on_postgresql, f"search_path={path}", "plpgsql", False, True]
    return None if function == should else OTHER_FUNCTION


@dataclass(frozen=True)
class Difference:
    """A trigger that does not stand as it should; `what` ends a sentence about it."""

    trigger: Trigger
    what: str


def differences(
    triggers: Iterable[Trigger] | None = None, using: str = "default"
) -> list[Difference]:
    """Of these triggers, or of all, those that this database has not, or has otherwise."""
    connection = connections[using]
    chosen = _for(connection, all_triggers() if triggers is None else triggers)
    if not chosen:
        return []
    return _differing(
        chosen, tables_and_columns(connection), standing(connection), search_path(connection)
    )


def _differing(
    triggers: Iterable[Trigger], present: set[str], there: Standing, path: str
) -> list[Difference]:
    looked_at = ((one, _difference(one, there, path)) for one in triggers)
    return [
        Difference(one, what)
        for one, what in looked_at
        if what is not None and one.can_be_created(present)
    ]


def missing(using: str = "default") -> list[Trigger]:
    """The triggers that do not stand in this database as they should."""
    return [difference.trigger for difference in differences(using=using)]


def _for(connection: BaseDatabaseWrapper, triggers: Iterable[Trigger]) -> list[Trigger]:
    return [trigger for trigger in triggers if trigger.is_for(connection.vendor)]


def tables_and_columns(connection: BaseDatabaseWrapper) -> set[str]:
    """The tables, and their columns as `table.column`."""
    with connection.cursor() as cursor:
        # Tables alone: behind a view no trigger of ours would fire.
        listed = connection.introspection.get_table_list(cursor)
        tables = {table.name for table in listed if table.type == "t"}
        # In one statement: Django's own parses the SQL of each table, and this is asked often.
        cursor.execute(COLUMNS[connection.vendor])
        columns = {f"{table}.{column}" for table, column in cursor.fetchall() if table in tables}
    return tables | columns


# Making and dropping


def create(triggers: Iterable[Trigger], using: str = "default") -> None:
    """Make those that are missing or differ; take away those that cannot be.

    Where all stands as it should, nothing is locked and nothing written. Raises CommandError when
    a table stays in use; then nothing is changed.
    """
    connection = connections[using]
    chosen = _for(connection, triggers)
    if not chosen:
        return
    present, there, path = (
        tables_and_columns(connection),
        standing(connection),
        search_path(connection),
    )
    leftover = [
        one for one in chosen if (one.table, one.name) in there and not one.can_be_created(present)
    ]
    differing = _differing(chosen, present, there, path)
    if not leftover and not differing:
        return
    # In one transaction, so that no writer meets the table while its trigger is being replaced.
    with _not_waiting_long(connection), transaction.atomic(using), connection.cursor() as cursor:
        if connection.vendor == POSTGRESQL:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        for trigger in leftover:
            _drop(cursor, connection, trigger)
        for one in differing:
            _make(cursor, connection.vendor, one, path)


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


def _make(cursor: Any, vendor: str, difference: Difference, path: str) -> None:
    """Mend what differs, and touch no more than that."""
    trigger = difference.trigger
    # Without parameters, so that a percent sign in the body stays one.
    if vendor != POSTGRESQL:
        cursor.execute(f'DROP TRIGGER IF EXISTS "{trigger.name}"')
        cursor.execute(trigger.on_sqlite, None)
        if trigger.once_made:
            cursor.execute(trigger.once_made, None)
        return
    function = f'"{trigger.name}"()'
    cursor.execute(
        f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql"
        f" SECURITY INVOKER SET search_path = {path} AS $body${trigger.on_postgresql}$body$",
        None,
    )
    if difference.what != OTHER_FUNCTION or not _runs_it(cursor, trigger):
        # OR REPLACE lets readers go on; it also switches the trigger on again.
        cursor.execute(
            f'CREATE OR REPLACE TRIGGER "{trigger.name}" {trigger.event} ON "{trigger.table}"'
            f" FOR EACH {trigger.for_each} EXECUTE FUNCTION {function}"
        )


def _runs_it(cursor: Any, trigger: Trigger) -> bool:
    """Whether the trigger runs the function of its name; then its table need not be locked."""
    cursor.execute(
        "SELECT 1 FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = %s"
        " AND tgfoid = %s::regprocedure",
        [f'"{trigger.table}"', trigger.name, f'"{trigger.name}"()'],
    )
    return cursor.fetchone() is not None


def drop(triggers: Iterable[Trigger], using: str = "default") -> None:
    """Drop these triggers, for `migrate` on SQLite."""
    connection = connections[using]
    there = standing(connection)
    with connection.cursor() as cursor:
        for trigger in _for(connection, triggers):
            if (trigger.table, trigger.name) in there:
                _drop(cursor, connection, trigger)


def _drop(cursor: Any, connection: BaseDatabaseWrapper, trigger: Trigger) -> None:
    where = f' ON "{trigger.table}"' if connection.vendor == POSTGRESQL else ""
    cursor.execute(f'DROP TRIGGER IF EXISTS "{trigger.name}"{where}')


# For `check` and `verify`


def check_triggers(
    app_configs: Any, databases: Any = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    return [
        checks.Warning(
            f"The trigger {one.trigger.name} {one.what} on table {one.trigger.table}.",
            hint="Run `python manage.py migrate`, which makes it anew.",
            id="common.W001",
        )
        for using in databases or []
        for one in differences(using=using)
    ]


def problems() -> Iterator[str]:
    """For `verify`: what is wrong with the triggers of the default database."""
    connection = connections["default"]
    triggers = all_triggers()
    present = tables_and_columns(connection)
    for table in sorted({trigger.table for trigger in triggers} - present):
        yield f"table {table}: there is no such table; run migrate"
    for one in differences(triggers):
        yield f"table {one.trigger.table}: the trigger {one.trigger.name} {one.what}; run migrate"
    known = [(trigger.table, trigger.name) for trigger in triggers]
    yield from _strangers(connection, {trigger.table for trigger in triggers}, known)


def _strangers(
    connection: BaseDatabaseWrapper, tables: set[str], known: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """What else at these tables could change what their triggers see or do, as sentences."""
    for table, name in sorted(standing(connection).keys() - set(known)):
        if table in tables:
            yield f"table {table} has the trigger {name}, which is not Steward's"
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(STRANGERS)
        found = cursor.fetchall()
        cursor.execute(HIJACKED)
        hijacked = cursor.fetchall()
    yield from (f"table {table} {what}" for table, what in found if table in tables)
    yield from (sentence for (sentence,) in hijacked)

"""What migrations need that bring tables from the person's id to the person's row.

They name tables and columns as they stood then, and so know no model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

BATCH_ROWS = 20_000
ERASED = "erased-%"
# Tables that had persons before there was a table of them: the column with the id, and the time
# from which the person is known.
BEFORE = (
    ("access_staffreading", "user_id", "at"),
    ("billing_credittransaction", "user_id", "created_at"),
    ("billing_credithold", "user_id", "created_at"),
    ("billing_ledgercheckpoint", "user_id", "created_at"),
    ("billing_usageoverride", "user_id", "created_at"),
    ("billing_usageincrement", "user_id", "created_at"),
    ("billing_creditaccount", "user_id", None),
    ("billing_usage", "user_id", None),
    ("consent_consentevent", "user_id", "recorded_at"),
    ("consent_consentchain", "user_id", None),
    ("conversations_conversation", "user_id", "created_at"),
    ("querycache_cacheentry", "owner", "created_at"),
    ("querycache_cachelease", "owner", None),
)
# What stood in the column and was nobody. Elsewhere somebody may be called "(shared)".
NOBODY = "('')"
NOBODY_WAS_READ = "('', '(shared)', '(search)')"


def meet_everybody(apps: Any, schema_editor: Any) -> None:
    """Make a row for everybody who stands in any table; the erased have their record's name."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for table, column, time in BEFORE:
            if table in tables:
                _meet(cursor, connection.vendor, table, column, time)
        if "operations_erasure" in tables:
            cursor.execute(
                "UPDATE access_person SET erased_at = (SELECT at FROM operations_erasure"
                " WHERE reference = erased_as) WHERE erased_as IN"
                " (SELECT reference FROM operations_erasure)"
            )


def _meet(cursor: Any, vendor: str, table: str, column: str, time: str | None) -> None:
    now = "CURRENT_TIMESTAMP" if vendor == "postgresql" else "'" + _written(timezone.now()) + "'"
    seen = f"MIN({time})" if time else now
    earlier = "LEAST" if vendor == "postgresql" else "MIN"
    cursor.execute(
        "INSERT INTO access_person (user_id, first_seen_at)"
        f" SELECT {column}, {seen} FROM {table} WHERE {column} NOT IN {_nobody(table)}"
        f" AND {column} NOT LIKE '{ERASED}' GROUP BY {column} ON CONFLICT (user_id) DO UPDATE"
        f" SET first_seen_at = {earlier}(access_person.first_seen_at, excluded.first_seen_at)"
    )
    cursor.execute(
        "INSERT INTO access_person (erased_as, first_seen_at, erased_at)"
        f" SELECT {column}, {seen}, {now} FROM {table} WHERE {column} LIKE '{ERASED}'"
        f" GROUP BY {column} ON CONFLICT (erased_as) DO UPDATE"
        f" SET first_seen_at = {earlier}(access_person.first_seen_at, excluded.first_seen_at)"
    )


def _nobody(table: str) -> str:
    return NOBODY_WAS_READ if table == "access_staffreading" else NOBODY


def _written(moment: Any) -> str:
    return moment.replace(tzinfo=None).isoformat(" ")


def point_to_persons(table: str, *, column: str = "user_id") -> Any:
    """For RunPython: fill `person_id` by the id that stands in `column`, in batches."""

    def forwards(apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            _meet(cursor, schema_editor.connection.vendor, table, column, None)
        _in_batches(
            schema_editor,
            table,
            f"UPDATE {table} SET person_id = (SELECT id FROM access_person AS p"
            f" WHERE p.user_id = {table}.{column} OR p.erased_as = {table}.{column})"
            f" WHERE {column} NOT IN {_nobody(table)}",
        )

    return forwards


def name_persons(table: str, *, column: str = "user_id") -> Any:
    """For RunPython: the way back."""

    def backwards(apps: Any, schema_editor: Any) -> None:
        _in_batches(
            schema_editor,
            table,
            f"UPDATE {table} SET {column} = (SELECT COALESCE(p.user_id, p.erased_as)"
            f" FROM access_person AS p WHERE p.id = {table}.person_id)"
            " WHERE person_id IS NOT NULL",
        )

    return backwards


def _in_batches(schema_editor: Any, table: str, statement: str) -> None:
    with triggers_off(schema_editor, table) as cursor:
        cursor.execute(f"SELECT MIN(id), MAX(id) FROM {table}")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH_ROWS):
            cursor.execute(f"{statement} AND id BETWEEN {start} AND {start + BATCH_ROWS - 1}")


@contextmanager
def triggers_off(schema_editor: Any, table: str) -> Iterator[Any]:
    """A cursor for changes of rows that a trigger keeps; on SQLite `migrate` has dropped it.

    They fire again afterwards, and refuse, where they name a column that is gone, until `migrate`
    ends and makes them anew.
    """
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    with schema_editor.connection.cursor() as cursor:
        if on_postgresql:
            # Or the table could not be altered while foreign keys of its rows wait to be checked.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        if on_postgresql:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

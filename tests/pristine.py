"""The test database as `migrate` leaves it, put back after each test that commits.

Django's own flush makes every trigger and every initial row anew each time.
"""

import sqlite3
import time
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

PATIENCE_SECONDS = 60
# PostgreSQL: above this a table is emptied in one stroke, which leaves no dead rows to walk over.
LARGE_BYTES = 1024 * 1024

# No trigger of anybody's fires in the transaction, those of foreign keys neither. Whoever still
# writes is waited for.
EMPTY = f"""
DO $$
DECLARE one regclass; has_rows boolean;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relname <> 'django_migrations'
             AND relnamespace = current_schema()::regnamespace ORDER BY relname
  LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', one);
    CONTINUE WHEN one::text = ANY (string_to_array(current_setting('tests.kept'), ' '));
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO has_rows;
    CONTINUE WHEN NOT has_rows;
    IF pg_total_relation_size(one) > {LARGE_BYTES} THEN
      EXECUTE format('TRUNCATE %s CASCADE', one);
    ELSE
      EXECUTE format('DELETE FROM %s', one);
    END IF;
  END LOOP;
END $$
"""
TABLES = """
SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname <> 'django_migrations'
   AND relnamespace = current_schema()::regnamespace
"""


class PristineSQLite:
    """A copy of the whole file, in memory."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self.copy = sqlite3.connect(":memory:")
        connection.connection.backup(self.copy)

    def put_back(self) -> None:
        latest = time.monotonic() + PATIENCE_SECONDS

        def give_up(*progress: int) -> None:
            assert time.monotonic() < latest, "somebody still uses the database"

        connection.ensure_connection()
        self.copy.backup(connection.connection, progress=give_up, sleep=0.01)


class PristinePostgreSQL:
    """The rows of those tables that have some, each as PostgreSQL writes a row."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
            tables = [table for (table,) in cursor.fetchall()]
            rows = {table: self._rows(cursor, table) for table in tables}
        self.kept = {table: of_it for table, of_it in rows.items() if of_it}

    def put_back(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('tests.kept', %s, true)", [" ".join(self.kept)])
            cursor.execute(EMPTY)
            for table, rows in self.kept.items():
                if self._rows(cursor, table) != rows:
                    cursor.execute(f"DELETE FROM {table}")
                    cursor.execute(
                        f"INSERT INTO {table} SELECT * FROM unnest(%s::{table}[])", [rows]
                    )

    def _rows(self, cursor: Any, table: str) -> list[str]:
        cursor.execute(f"SELECT one::text FROM {table} AS one ORDER BY 1")
        return [row for (row,) in cursor.fetchall()]


_pristine: Any = None


def remember() -> None:
    """This is how the database is to be after each test."""
    global _pristine
    _pristine = PristineSQLite() if connection.vendor == "sqlite" else PristinePostgreSQL()


def put_back() -> None:
    """The database is as it was when remembered."""
    _pristine.put_back()
    ContentType.objects.clear_cache()

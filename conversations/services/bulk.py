"""Storing many rows in one statement: COPY on PostgreSQL, a repeated INSERT on SQLite.

Without model instances, and row by row as the rows are made: they never stand in memory together,
and PostgreSQL stores the first of them while the next are made. Triggers and constraints hold as
they do for any INSERT.
"""

import datetime
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection, models

Values = Sequence[Any]


def insert_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Values]) -> None:
    """Insert rows, each with the values of these columns; JSON columns as text, or None.

    Raises IntegrityError; then none of them is stored.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'
            lines = _Lines(map(_line, rows))

            def send(*arguments: Any) -> None:
                cursor.copy_expert(statement, lines)
        else:
            places = ", ".join("?" * len(columns))
            statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({places})'

            def send(*arguments: Any) -> None:
                # Not Django's executemany, which keeps all rows until it has ended.
                sqlite3.Cursor.executemany(cursor.cursor, statement, map(_for_sqlite, rows))

        with connection.wrap_database_errors:
            cursor._execute_with_wrappers(statement, None, many=True, executor=send)


class _Lines:
    """A file to read from, whose every reading gives the next line."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines = lines

    def read(self, size: int) -> bytes:
        return next(self.lines, b"")


def _line(row: Values) -> bytes:
    return ("\t".join(map(_copied, row)) + "\n").encode()


def _copied(value: Any) -> str:
    """A value in the text format of COPY."""
    if isinstance(value, str):
        value = value.replace("\\", "\\\\").replace("\t", "\\t")
        return value.replace("\n", "\\n").replace("\r", "\\r")
    return "\\N" if value is None else str(value)


def _for_sqlite(row: Values) -> list[Any]:
    return [_stored(value) for value in row]


def _stored(value: Any) -> Any:
    """A value as Django stores it."""
    if type(value) is uuid.UUID:
        return value.hex
    if type(value) is datetime.datetime:
        return connection.ops.adapt_datetimefield_value(value)
    return value

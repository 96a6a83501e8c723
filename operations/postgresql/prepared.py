"""Statements that PostgreSQL keeps: parsed and planned once in a connection, then only carried out.

Parsing and planning are a third of what a charge costs the server. For connections of the pool
alone: PgBouncer gives one to another client after each transaction.
"""

import hashlib
import re
from typing import Any

import psycopg2.errors
import psycopg2.extensions

from common.models import Kept

# A server process holds some 50 kB for each; further ones are sent as they stand.
KEPT_MAX = 100
MARK = re.compile(r"%(?:\((\w+)\))?s|%%")


class Connection(psycopg2.extensions.connection):
    """Knows which statements the server has of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What to send in place of each.
        self.prepared: dict[Kept, str] = {}
        self.prepares = True


class Cursor(psycopg2.extensions.cursor):
    connection: Connection

    def execute(self, query: Any, vars: Any = None) -> None:
        if type(query) is not Kept or not self.connection.prepares:
            return super().execute(query, vars)
        call = self.connection.prepared.get(query)
        if call is None:
            if len(self.connection.prepared) >= KEPT_MAX:
                return super().execute(query, vars)
            preparation, call = _split(query)
            super().execute(preparation)
            self.connection.prepared[query] = call
        try:
            return super().execute(call, vars)
        except psycopg2.errors.FeatureNotSupported:
            # A migration gave a column another type: this connection does without from now on.
            self.connection.prepares = False
            if not self.connection.autocommit:
                raise  # the transaction is over
            return super().execute(query, vars)


# For psycopg2.connect.
FACTORIES = {"connection_factory": Connection, "cursor_factory": Cursor}


def _split(query: str) -> tuple[str, str]:
    """What prepares it, and what carries it out with the same parameters."""
    places: dict[str, int] = {}

    def numbered(mark: re.Match[str]) -> str:
        if mark[0] == "%%":
            return "%"
        return f"${places.setdefault(mark[1] or str(len(places)), len(places) + 1)}"

    text = MARK.sub(numbered, query)
    name = f"kept_{hashlib.sha256(query.encode()).hexdigest()[:32]}"
    marks = ["%s" if mark.isdigit() else f"%({mark})s" for mark in places]
    given = f"({', '.join(marks)})" if marks else ""
    return f"PREPARE {name} AS {text}", f"EXECUTE {name}{given}"

"""The lock of erasures: one at a time, since each may reach into rows of others.

It comes before the lock of any person (access/services/persons.py). PostgreSQL: an advisory lock,
which ends with its transaction. SQLite needs none: a transaction that writes is the only one from
its beginning.
"""

from django.db import connection
from django.db.transaction import TransactionManagementError

ERASURES = 7_357_915


def lock_erasures() -> None:
    """Be the only erasure until this transaction ends."""
    _lock("pg_advisory_xact_lock")


def hold_off_erasures() -> None:
    """Let nobody be erased until this transaction ends; others may do the same."""
    _lock("pg_advisory_xact_lock_shared")


def _lock(function: str) -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("The lock ends with its transaction: begin one.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Locks of two numbers never meet those of one, which migrate and maintain take.
            cursor.execute(f"SELECT {function}(%s, 0)", [ERASURES])

"""Locks of what is no row: erasures, of which there is one at a time, and a form that acts once.

They come before the lock of any person (access/services/persons.py). PostgreSQL: an advisory lock,
which ends with its transaction. SQLite needs none: a transaction that writes is the only one from
its beginning.
"""

from django.db import connection
from django.db.transaction import TransactionManagementError

ERASURES = 7_357_915
FORMS = 7_357_916


def lock_erasures() -> None:
    """Be the only erasure until this transaction ends."""
    _lock("pg_advisory_xact_lock")


def hold_off_erasures() -> None:
    """Let nobody be erased until this transaction ends; others may do the same."""
    _lock("pg_advisory_xact_lock_shared")


def lock_form(token: str) -> None:
    """Be the only one to act for the form with this token, in hex, until this transaction ends.

    Another form may wait as well, where both have the same 31 bits.
    """
    _lock("pg_advisory_xact_lock", FORMS, int(token[:8], 16) >> 1)


def _lock(function: str, number: int = ERASURES, within: int = 0) -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("The lock ends with its transaction: begin one.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Locks of two numbers never meet those of one, which migrate and maintain take.
            cursor.execute(f"SELECT {function}(%s, %s)", [number, within])

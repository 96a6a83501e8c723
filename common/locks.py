"""The lock of a person: it is there before any row of theirs is.

Rows that stand are locked as rows. But a person's first rows, and an erasure, which renames or
deletes all of them, have no row in common that both could lock. So they take this lock: whoever
erases a person or opens one of the rows that others are added to (account, usage, consent chain),
takes it alone; whoever adds a row that hangs on no other, keeps the person meanwhile. An ordinary
charge, append or read takes neither.

It comes before every lock on a row of the person; of several persons all are taken at once. Before
it comes the lock of erasures alone.

PostgreSQL: an advisory lock, which ends with its transaction. SQLite needs none: a transaction that
writes is the only one from its beginning.
"""

import hashlib
from collections.abc import Iterable

from django.db import connection
from django.db.transaction import TransactionManagementError

# Locks of two numbers never meet those of one, which migrate and maintain take.
PERSONS = 7_357_914
ERASURES = 7_357_915
ALONE = "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s::int[]) AS number"
AMONG_OTHERS = "SELECT pg_advisory_xact_lock_shared(%s, number) FROM unnest(%s::int[]) AS number"


def lock_persons(*user_ids: str) -> None:
    """Be the only one to open, change as a whole or erase these persons in this transaction."""
    _take(ALONE, PERSONS, map(_number_of, user_ids))


def lock_erasures() -> None:
    """Be the only erasure until this transaction ends: each may reach into rows of others."""
    _take(ALONE, ERASURES, [0])


def keep_person(user_id: str) -> None:
    """Let nobody open or erase this person in this transaction; others may keep them as well."""
    _take(AMONG_OTHERS, PERSONS, [_number_of(user_id)])


def _take(statement: str, kind: int, numbers: Iterable[int]) -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("The lock ends with its transaction: begin one.")
    if connection.vendor != "postgresql":
        return
    # In one order, so that two who take several do not wait for each other crosswise.
    with connection.cursor() as cursor:
        cursor.execute(statement, [kind, sorted(set(numbers))])


def _number_of(user_id: str) -> int:
    """32 bits, signed. Two persons may share one: then they wait for each other without need."""
    return int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:4], "big", signed=True)

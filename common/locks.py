"""Locks of what is no row, each of which ends with its holder, however that dies.

Erasures, of which there is one at a time, and forms that act once: until the end of a transaction,
and before the lock of any person (access/services/persons.py). PostgreSQL: an advisory lock. SQLite
needs none: a transaction that writes is the only one from its beginning.

Commands of which one works at a time, on however many hosts: for a block. PostgreSQL: an advisory
lock, held by a transaction of a connection of its own; a session's lock would stay behind in the
pool, and behind PgBouncer would not be ours at all. SQLite: a lock on a file beside the database.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections
from django.db.transaction import TransactionManagementError

logger = logging.getLogger(__name__)

# Any numbers that no other program takes on this database, and the ends of the files' names.
MIGRATING, MIGRATING_FILE = 7_357_914_023, ".migrating"
MAINTAINING, MAINTAINING_FILE = 7_383_920_551, "-maintain"
LONGEST_PAUSE_SECONDS = 1.0

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


# Commands


@contextmanager
def only_migration(using: str, say_that_it_waits: Callable[[], None]) -> Iterator[None]:
    """Be the only process that migrates, after waiting for it as long as need be."""
    with _command(using, MIGRATING, MIGRATING_FILE) as try_to_take:
        pause = 0.05
        if not try_to_take():
            say_that_it_waits()
            while not try_to_take():
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        yield


@contextmanager
def only_maintenance() -> Iterator[bool]:
    """Whether this is the only run of `maintain`, and for as long as the block lasts."""
    with _command(DEFAULT_DB_ALIAS, MAINTAINING, MAINTAINING_FILE) as try_to_take:
        yield try_to_take()


@contextmanager
def only_user(folder: Path) -> Iterator[bool]:
    """Whether nobody else has this folder, and for as long as the block lasts."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _flock(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _command(using: str, number: int, ending: str) -> Iterator[Callable[[], bool]]:
    one: Any = connections[using]
    if one.vendor == "postgresql":
        with _advisory_lock(one, number) as try_to_take:
            yield try_to_take
        return
    name = str(one.settings_dict["NAME"])
    if name == ":memory:" or name.startswith("file:"):
        yield lambda: True
        return
    with _file_lock(f"{name}{ending}") as try_to_take:
        yield try_to_take


@contextmanager
def _advisory_lock(one: Any, number: int) -> Iterator[Callable[[], bool]]:
    own = one.copy(alias="lock")
    own.settings_dict["POOL"] = None  # closed in the end, not given back
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            # It sits in its transaction all the while, which a server may forbid.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")

        def try_to_take() -> bool:
            with own.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
                return bool(cursor.fetchone()[0])

        yield try_to_take
    finally:
        try:
            # Closed alone, it has its lock until its server process has noticed.
            own.rollback()
            own.close()
        except (DatabaseError, InterfaceError) as error:  # the server is gone, and the lock with it
            logger.warning("The lock's connection was lost: %s", error)


@contextmanager
def _file_lock(path: str) -> Iterator[Callable[[], bool]]:
    taken: list[int] = []

    def try_to_take() -> bool:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        # Its last holder may have removed the file that we have just locked.
        if _flock(descriptor) and _is_at(descriptor, path):
            taken.append(descriptor)
            return True
        os.close(descriptor)
        return False

    try:
        yield try_to_take
    finally:
        if taken:
            os.unlink(path)
            os.close(taken[0])


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False

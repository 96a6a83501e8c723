"""One process migrates at a time, however many start at once.

PostgreSQL: an advisory lock, held by a transaction of a connection of its own, so that it also
holds behind PgBouncer and ends with the process. SQLite: a lock on a file beside the database.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

# Any number, as long as nobody else uses it: "steward" in the letters' places, folded.
LOCK = 7_357_914_023
LONGEST_PAUSE_SECONDS = 1.0


@contextmanager
def held(using: str, say_that_it_waits: Callable[[], None]) -> Iterator[None]:
    """Hold the lock for the time of the block, waiting for it as long as need be."""
    connection: Any = connections[using]
    lock = _postgresql(connection) if connection.vendor == "postgresql" else _sqlite(connection)
    with lock as try_to_take:
        pause = 0.05
        if not try_to_take():
            say_that_it_waits()
            while not try_to_take():
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        yield


@contextmanager
def _postgresql(connection: Any) -> Iterator[Callable[[], bool]]:
    own = connection.copy(alias="migration-lock")
    own.settings_dict["POOL"] = None  # closed in the end, not given back
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            # It sits in its transaction for as long as the migrations take.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")

            def try_to_take() -> bool:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
                return bool(cursor.fetchone()[0])

            yield try_to_take
    finally:
        own.close()


@contextmanager
def _sqlite(connection: Any) -> Iterator[Callable[[], bool]]:
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or name.startswith("file:"):
        yield lambda: True
        return
    path = f"{name}.migrating"
    taken: list[int] = []

    def try_to_take() -> bool:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file that we have just locked.
            if os.path.exists(path) and os.path.samestat(os.fstat(descriptor), os.stat(path)):
                taken.append(descriptor)
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(descriptor)
        return False

    try:
        yield try_to_take
    finally:
        if taken:
            os.unlink(path)
            os.close(taken[0])

"""Writes that the database had no room for, or no way to keep: its disk is full or broken.

A lock that was waited for in vain is none of them. Whichever process of the server meets one leaves
a mark beside the numbers of /metrics, so that all of them know. A server that takes no writes at
all (read-only, a standby) says so itself; operations/health.py asks it.
"""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db.utils import DatabaseErrorWrapper

from common import metrics

MARK = "failed-write"
DISK_FULL, IO_ERROR, READ_ONLY = "disk_full", "io_error", "read_only"

REASONS_OF_POSTGRESQL = {"53100": DISK_FULL, "58030": IO_ERROR}
REASONS_OF_SQLITE = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    # Those of writing; a folder that has vanished is an error of reading.
    sqlite3.SQLITE_IOERR_WRITE: IO_ERROR,
    sqlite3.SQLITE_IOERR_FSYNC: IO_ERROR,
    sqlite3.SQLITE_IOERR_DIR_FSYNC: IO_ERROR,
    sqlite3.SQLITE_IOERR_TRUNCATE: IO_ERROR,
    sqlite3.SQLITE_IOERR_SHMSIZE: IO_ERROR,
    sqlite3.SQLITE_READONLY: READ_ONLY,
}

_failed_at: float | None = None


class ErrorWrapper(DatabaseErrorWrapper):
    """Django's, through which every error of the driver passes: of executing, fetching, committing.

    Not an execute wrapper: what SQLite writes at once it writes when the last row is fetched.
    """

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is not None:
            note(error)
        super().__exit__(kind, error, traceback)


def reason(error: BaseException) -> str | None:
    """Why the driver could not keep a write, or None when the error is another one."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return REASONS_OF_SQLITE.get(code, REASONS_OF_SQLITE.get(code & 0xFF))
    return REASONS_OF_POSTGRESQL.get(getattr(error, "pgcode", None) or "")


def note(error: BaseException) -> None:
    """Count and remember it, if it is one, for all processes of this server."""
    global _failed_at
    why = reason(error)
    if why is None:
        return
    metrics.FAILED_WRITES.inc(reason=why)
    mark = _mark()
    if mark is not None:
        with suppress(OSError):  # no room for it either
            mark.touch()
            return
    _failed_at = time.monotonic()


def seconds_since() -> float | None:
    """How long ago the last one was, in any process of this server; None when there was none."""
    ages = [] if _failed_at is None else [time.monotonic() - _failed_at]
    mark = _mark()
    if mark is not None:
        with suppress(OSError):  # nobody left one
            ages.append(time.time() - mark.stat().st_mtime)
    # One from the future: the clock was set back, and nobody knows how old it is.
    return min((age for age in ages if age >= 0), default=None)


def _mark() -> Path | None:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder, MARK) if folder else None

"""Django's SQLite engine, with files that their owner alone reads, and every parameter there is.

Django reckons with the 999 of versions before 3.32 and splits a bulk insert into more statements
than PostgreSQL needs.
"""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base, features
from django.utils.functional import cached_property

from operations import failed_writes, statements

# The default of SQLITE_MAX_VARIABLE_NUMBER since SQLite 3.32; some builds allow more.
MAX_PARAMETERS = 32_766
PAUSE_SECONDS = 0.05


class DatabaseFeatures(features.DatabaseFeatures):
    max_query_params = MAX_PARAMETERS if sqlite3.sqlite_version_info >= (3, 32) else 999


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(statements.observe)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if not (self.is_in_memory_db() or str(conn_params["database"]).startswith("file:")):
            _keep_to_its_owner(conn_params["database"])
            if not can_be_written(conn_params["database"]):
                # It can be read alone, for ever, whatever becomes of the file: never kept.
                self.close_at = time.monotonic()
        until = time.monotonic() + conn_params["timeout"]
        while True:
            try:
                return super().get_new_connection(conn_params)
            except sqlite3.OperationalError as error:
                # Of processes that open a new file at once some are refused the switch to its
                # write-ahead log without any wait.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(PAUSE_SECONDS)

    def is_usable(self) -> bool:
        """Asked after an error of the engine alone: a new connection has nothing of its cause."""
        return False

    @cached_property
    def wrap_database_errors(self) -> failed_writes.ErrorWrapper:
        return failed_writes.ErrorWrapper(self)


def can_be_written(path: str | Path) -> bool:
    """Whether the modes of a file or folder, and its file system, let this process write."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _keep_to_its_owner(name: str) -> None:
    """Make the database for its owner alone, or take the rights of others from the one there is.

    SQLite gives the files beside it, `-wal` and `-shm`, the same rights. Where the database is
    somebody else's it is left to them. One that is there is never opened here: whoever closes it
    ends the locks that the process's other connections have on it.
    """
    with suppress(OSError):  # it is there, or SQLite says better why it cannot be
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o600))
    for file in (name, f"{name}-wal", f"{name}-shm"):
        with suppress(FileNotFoundError, PermissionError):
            mode = os.stat(file).st_mode
            if mode & 0o077:
                os.chmod(file, mode & 0o700)

"""SQLite's write-ahead log, the file `-wal` beside the database: what was deleted stays in it.

SQLite writes it over from its beginning, and cuts it only when it is told to.
"""

import logging
import os

from django.db import OperationalError, connection

logger = logging.getLogger(__name__)

# For so long it waits for readers, and writers wait for it.
PATIENCE_MILLISECONDS = 1_000


def byte_size() -> int:
    """How much lies in it; 0 on PostgreSQL, which keeps its own."""
    if connection.vendor != "sqlite":
        return 0
    try:
        return os.path.getsize(f"{connection.settings_dict['NAME']}-wal")
    except FileNotFoundError:
        return 0


def cut() -> bool:
    """Move what it holds into the database and cut it to nothing, so that no deleted text is left.

    False, with a warning in the log, while somebody reads what it holds, or from inside of a
    transaction; `maintain` tries again.
    """
    if not byte_size():
        return True
    if connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        [patience] = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MILLISECONDS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_held = bool(cursor.fetchone()[0])
        except OperationalError:  # another one is at it
            is_held = True
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
    if is_held:
        logger.warning(
            "Deleted texts are still in the write-ahead log, because others read it just now."
            " `maintain` tries again."
        )
    return not is_held

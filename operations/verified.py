"""What `verify` sees: the records of one moment; and how far, so that `--since` may begin there."""

import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max

from common import declarations
from operations.maintenance import VERIFY
from operations.models import MaintenanceRun

# How long transactions that are open are waited for.
PATIENCE_SECONDS = 60.0
STEP_SECONDS = 0.05


def last_clean(before: datetime.datetime | None) -> MaintenanceRun | None:
    """The last run that found nothing and knows how far it looked; of those that began earlier."""
    runs = MaintenanceRun.objects.of(VERIFY).succeeded().filter(ends__isnull=False)
    return (runs.filter(started_at__lt=before) if before else runs).first()


def ends() -> dict[str, int] | None:
    """By check, the highest key of the rows that are added, none below which can come any more.

    None where that cannot be known: somebody's transaction stays open, and its rows have lower keys
    than those that stand; a table is missing; on a standby.
    """
    if connection.in_atomic_block:
        return None  # its own is open
    try:
        highest = {
            check.name: check.added._default_manager.aggregate(highest=Max("pk"))["highest"] or 0
            for check in declarations.checks()
            if check.added is not None
        }
        return highest if connection.vendor == "sqlite" or _have_ended() else None
    except DatabaseError:  # which the checks name
        return None


def _have_ended() -> bool:
    """Whether all transactions that wrote before this call have ended."""
    latest = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        if cursor.fetchone()[0]:
            return False
        # Transactions are numbered when they first write, and ours is over with its statement.
        cursor.execute("SELECT pg_current_xact_id()::text::numeric")
        [own] = cursor.fetchone()
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric")
            if cursor.fetchone()[0] > own:
                return True
            if time.monotonic() > latest:
                return False
            time.sleep(STEP_SECONDS)


@contextmanager
def one_moment() -> Iterator[None]:
    """All statements see the rows as they stand now, whatever others write meanwhile.

    Nobody waits for it: it is a transaction that only reads.
    """
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN")  # Django's own would wait for the writers
        else:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # While archive files are read no statement is sent.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    try:
        yield
    finally:
        # Of a connection that is lost it is over, and the reason is on its way.
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("ROLLBACK")

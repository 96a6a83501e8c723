"""How far `verify` has looked, so that `verify --since` may begin there."""

import datetime
import time

from django.db import connection
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

    None where somebody's transaction stays open: its rows have lower keys than those that stand.
    """
    highest = {
        check.name: check.added._default_manager.aggregate(highest=Max("pk"))["highest"] or 0
        for check in declarations.checks()
        if check.added is not None
    }
    return highest if _have_ended() else None


def _have_ended() -> bool:
    """Whether all transactions that wrote before this call have ended. SQLite has one at a time."""
    if connection.vendor == "sqlite":
        return True
    if connection.in_atomic_block:
        return False  # its own among them
    latest = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
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

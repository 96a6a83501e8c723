"""Runs the tasks that apps declare (common/declarations.py): hourly, as deployments start it.

Each task's run is kept as a MaintenanceRun, a failed one too; a failing task does not stop the
others. `backup` and `verify` keep their runs here as well.
"""

import datetime
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.color import no_style
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from common.declarations import Task
from common.errors import DomainError
from operations import logs, write_ahead_log
from operations.models import MaintenanceRun

logger = logging.getLogger(__name__)

# A batch locks this many rows at most.
BATCH_ITEMS = 500
RUNS_KEPT = datetime.timedelta(days=90)
# Runs of the commands that are no tasks of `maintain`, and are kept like them.
BACKUP, VERIFY = "backup", "verify"
# What a task may meet: the database, a refusal, a file, or a fault in its own code.
FAILURES = (
    ArithmeticError, AttributeError, DatabaseError, DomainError, InterfaceError, LookupError,
    OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip


# Runs


def run(task: Task, *, is_stopped: Callable[[], bool] = lambda: False) -> MaintenanceRun:
    """Tidy in batches until nothing is left or `is_stopped`, and keep what happened.

    What fails is logged and stands in the run's `error`. A run that cannot be kept, because the
    database is gone, comes back unsaved.
    """
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    done = MaintenanceRun(task=task.name, started_at=timezone.now(), items=0)
    try:
        with kept(done):
            for items in _batches(task, done.started_at):
                done.items += items
                if is_stopped():
                    break
    except FAILURES as error:
        logger.warning("Maintenance task %s failed.", task.name, exc_info=error)
    return done


@contextmanager
def kept(run: MaintenanceRun) -> Iterator[None]:
    """Save as `run` how the block went, with the `items` and `error` that the block sets.

    What it raises stands in `error`, and is raised on. A block that ends with its process leaves no
    run. One that cannot be saved is logged, and its `error` says so.
    """
    begun = time.monotonic()
    try:
        yield
    except FAILURES as error:
        # As the log says it: a database's own words may quote a person's row.
        run.error = f"{type(error).__name__}: {logs.text_of(error)}"
        _save(run, duration_seconds=time.monotonic() - begun)
        raise
    _save(run, duration_seconds=time.monotonic() - begun)


def _save(run: MaintenanceRun, *, duration_seconds: float) -> None:
    run.duration_seconds = round(duration_seconds, 3)
    if connection.vendor == "sqlite" and not os.path.exists(connection.settings_dict["NAME"]):
        return  # connecting would make an empty database
    try:
        run.save(force_insert=True)
    except (DatabaseError, InterfaceError) as error:
        reason = f"The run could not be kept: {logs.text_of(error)}"
        logger.warning("%s: %s", run.task, reason)
        run.error = run.error or reason


def _batches(task: Task, at: datetime.datetime) -> Iterator[int]:
    if task.tidy is None:
        yield task.waiting(at)
        return
    while True:
        items = task.tidy(at, BATCH_ITEMS)
        yield items
        if items < BATCH_ITEMS:
            return


# Our own tasks


def _tables() -> list[str]:
    """The project's tables: Django's names, without the search index's inner ones."""
    return sorted(connection.introspection.django_table_names(only_existing=True))


def _analyze(at: datetime.datetime, limit: int) -> int:
    """Collects what the query planner wants to know, table by table."""
    style = no_style()
    tables = _tables()
    for table in tables:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL statement_timeout = 0")
            else:
                # A sample of the rows is enough, and a large table does not hold up writers.
                cursor.execute("PRAGMA analysis_limit = 1000")
            cursor.execute(f"ANALYZE {style.SQL_TABLE(connection.ops.quote_name(table))}")
    return len(tables)


def _old_runs(at: datetime.datetime) -> int:
    return MaintenanceRun.objects.filter(started_at__lt=at - RUNS_KEPT).count()


def _forget_runs(at: datetime.datetime, limit: int) -> int:
    old = MaintenanceRun.objects.filter(started_at__lt=at - RUNS_KEPT).order_by("pk")
    with transaction.atomic():
        chosen = list(old.values_list("pk", flat=True)[:limit])
        return MaintenanceRun.objects.filter(pk__in=chosen).delete()[0]


def _cut_log(at: datetime.datetime, limit: int) -> int:
    """1 if there was something and it is gone. Held by readers, it is the next run's."""
    return int(write_ahead_log.byte_size() > 0 and write_ahead_log.cut())


TASKS = [
    Task(
        "operations.analyze",
        "ANALYZE: statistics for the query planner",
        lambda at: len(_tables()),
        _analyze,
    ),
    Task("operations.runs", "Runs older than 90 days are forgotten", _old_runs, _forget_runs),
    Task(
        "operations.write_ahead_log",
        "SQLite: deleted texts leave the file -wal",
        lambda at: int(write_ahead_log.byte_size() > 0),
        _cut_log,
    ),
]

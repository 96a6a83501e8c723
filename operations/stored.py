"""What /metrics tells of stored rows: the last run of each task, and the numbers of the apps.

The database is asked at most every FRESH_SECONDS, and has a part of the time that /metrics takes.
While it does not answer, these numbers are missing: an old one would look like a new one.
"""

import threading
import time
from collections.abc import Iterable

from django.db import DatabaseError, InterfaceError
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common import declarations
from operations import health, in_time
from operations.maintenance import BACKUP, VERIFY
from operations.models import MaintenanceRun

ANSWER_SECONDS = 1.0
FRESH_SECONDS = 10.0


class Stored(Collector):
    """Asks on behalf of all who want to know, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: list[Metric] = []
        self._asked_at = float("-inf")

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if time.monotonic() - self._asked_at > FRESH_SECONDS:
                self._found = _asked()
                self._asked_at = time.monotonic()
            return self._found


def _asked() -> list[Metric]:
    title = "1: the database answered in time what is asked for /metrics."
    found: list[Metric] = []
    try:
        if not health.pool_is_exhausted():  # asking would mean waiting in the queue
            found = in_time.ask(_read, seconds=ANSWER_SECONDS)
    except (DatabaseError, InterfaceError):
        pass  # it is said by the number
    return [GaugeMetricFamily("steward_database_answers", title, int(bool(found))), *found]


def _read() -> list[Metric]:
    numbers = [
        GaugeMetricFamily(f"steward_{gauge.name}", gauge.title, gauge.read())
        for gauge in declarations.stored_gauges()
    ]
    return [*numbers, *_runs()]


def _runs() -> list[Metric]:
    run_at, success_at, succeeded, seconds, items = families = [
        GaugeMetricFamily(f"steward_task_last_{name}", title, labels=("task",))
        for name, title in (
            ("run_timestamp_seconds", "When the task last began; 0: never."),
            ("success_timestamp_seconds", "When its last success began; 0: never."),
            ("run_succeeded", "1: the last run succeeded."),
            ("run_duration_seconds", "How long the last run took."),
            ("run_items", "What the last run tidied, or found."),
        )
    ]
    for task in (BACKUP, VERIFY, *(task.name for task in declarations.maintenance_tasks())):
        runs = MaintenanceRun.objects.of(task)
        last = runs.first()
        success = runs.succeeded().first() if last and last.error else last
        run_at.add_metric([task], last.started_at.timestamp() if last else 0)
        success_at.add_metric([task], success.started_at.timestamp() if success else 0)
        if last:
            succeeded.add_metric([task], int(not last.error))
            seconds.add_metric([task], last.duration_seconds)
            items.add_metric([task], last.items)
    return list(families)

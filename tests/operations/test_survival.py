"""Faults under load, in short; `python -m benchmarks.faults` makes all of them, for longer.

Each has a file of its own where it is looked at closely: test_degraded_postgresql.py,
test_degraded_sqlite.py, test_never_waiting.py, test_full_disk.py.
"""

from django.db import connection

from tests.operations.faults import place
from tests.operations.survival import Load, assert_nothing_lost

CLIENTS = 3
WRITES_BETWEEN = 30
ELSEWHERE = {
    "worker stopped, goes on", "disk full", "database read-only", "database stopped",
    "connections cut",
}  # fmt: skip


class TestKilledAndStoppedProcessesAndAWrongClock:
    def test_lose_nothing_that_was_answered(self) -> None:
        with place(connection.vendor, GUNICORN_CMD_ARGS="--timeout 2") as site:
            with Load(site.web, site.key, CLIENTS) as load:
                load.wait_for_more(WRITES_BETWEEN)
                for name, fault in site.faults().items():
                    if fault is not None and name not in ELSEWHERE:
                        fault(load)
                        load.wait_for_everybody()
                        load.wait_for_more(WRITES_BETWEEN)

            assert_nothing_lost(site, load)
            assert sum(book.failures for book in load.books) > 0
            assert site.web.get("/health/ready").status_code == 200

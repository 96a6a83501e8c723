"""What Prometheus gets from `/metrics`, right with several worker processes.

With PROMETHEUS_MULTIPROC_DIR set (config/gunicorn.py does) each process keeps its numbers in files
there, and any of them can answer for all. Without it they are this process's own. What apps count
stands in common/metrics.py, in the same registry.
"""

import os

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from common.metrics import Counter, Gauge, Histogram, registry
from common.request_context import RequestContext
from operations import processes, room, stored

# Seconds. Most calls take a few milliseconds; the last bounds are a lock's wait and a timeout.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
# A method may be any word, and each new one would be a new series for ever.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER_METHOD = "other"

REQUESTS = Counter("requests", "Requests answered.", ("method", "route", "status"))
DURATIONS = Histogram(
    "request_duration_seconds", "How long requests took.", ("method", "route"), buckets=BUCKETS
)
IN_FLIGHT = Gauge("requests_in_flight", "Requests being answered: each keeps a thread busy.")
THREADS = Gauge("threads", "Threads that answer requests.")
STATEMENTS = Counter("statements", "Statements sent by requests.")
SLOW_STATEMENTS = Counter("slow_statements", "Those over SLOW_QUERY_SECONDS.")
POOL_SIZE = Gauge("pool_size", "Connections that the pools keep.")
POOL_CHECKED_OUT = Gauge("pool_checked_out", "Connections in use, or kept by a thread.")
POOL_OVERFLOW = Gauge("pool_overflow", "Open connections beyond the pools' size.")
POOL_WAITS = Counter("pool_waits", "Requests that waited for a connection.")
POOL_WAIT_SECONDS = Counter("pool_wait_seconds", "How long they waited in all.")
POOL_TIMEOUTS = Counter("pool_timeouts", "Those that waited in vain.")

# What is asked for when /metrics is, and the same whichever process is asked.
_read_now = CollectorRegistry()
_read_now.register(processes.Build())
_read_now.register(processes.Processes())
_read_now.register(stored.Stored())
_read_now.register(room.Room())


def note_request(
    method: str, route: str, status: int, seconds: float, context: RequestContext
) -> None:
    """A request was answered."""
    shown = method if method in METHODS else OTHER_METHOD
    REQUESTS.inc(method=shown, route=route, status=str(status))
    DURATIONS.observe(seconds, method=shown, route=route)
    if context.statements:
        STATEMENTS.inc(context.statements)
    if context.slow_statements:
        SLOW_STATEMENTS.inc(context.slow_statements)


# The pool


class PoolGauges:
    """Sees every change of this process's pools.

    Set by each process when something changes: a gauge that is only set where /metrics is answered
    would show one process's share.
    """

    def __init__(self) -> None:
        self._shown: dict[Gauge, int] = {}

    def changed(self, size: int, checked_out: int, overflow: int) -> None:
        """The pool's numbers are these now."""
        for gauge, number in (
            (POOL_SIZE, size),
            (POOL_CHECKED_OUT, checked_out),
            (POOL_OVERFLOW, overflow),
        ):
            if self._shown.get(gauge) != number:
                self._shown[gauge] = number
                gauge.set(number)

    def waited(self, seconds: float, in_vain: bool) -> None:
        """A thread found no connection free."""
        POOL_WAITS.inc()
        POOL_WAIT_SECONDS.inc(seconds)
        if in_vain:
            POOL_TIMEOUTS.inc()


# The answer


def exposition() -> bytes:
    """All numbers in Prometheus' text format."""
    of_all = registry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]
    return generate_latest(of_all) + generate_latest(_read_now)

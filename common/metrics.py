"""What apps count for `/metrics`: things that happen, such as charges, after the act.

These are Prometheus' counters, gauges and histograms, each made when a process first needs it: with
PROMETHEUS_MULTIPROC_DIR set (config/gunicorn.py does) each writes into a file there, which is no
matter of a command that counts nothing. Counting costs a few microseconds and no statement.

The counters stand at the end; those of requests are in operations/metrics.py.
"""

import os
import threading
from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_making = threading.Lock()


@cache
def registry() -> "CollectorRegistry":
    """Where this process's metrics are, for operations/metrics.py."""
    from prometheus_client import CollectorRegistry  # 60 ms, which few commands need to pay

    return CollectorRegistry()


class Metric(ABC):
    """One of them, as `steward_<name>`. `labelnames` have few values each, and never a person's."""

    def __init__(self, name: str, documentation: str, labelnames: tuple[str, ...] = ()) -> None:
        self.name, self.documentation, self.labelnames = name, documentation, labelnames
        self.made: Any = None
        # Looking one up by its labels takes the package longer than counting.
        self._children: dict[tuple[str, ...], Any] = {}
        METRICS.append(self)

    def make(self) -> Any:
        """The package's own; None in a process that may not write into the server's folder."""
        with _making:
            folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
            if self.made is None and (not folder or os.access(folder, os.W_OK)):
                self.made = self._new(f"steward_{self.name}")
        return self.made

    def _child(self, labels: dict[str, str]) -> Any:
        values = tuple([labels[name] for name in self.labelnames])
        child = self._children.get(values)
        if child is None:
            made = self.make()
            if made is not None:
                child = self._children[values] = made.labels(*values) if values else made
        return child

    @abstractmethod
    def _new(self, name: str) -> Any:
        """The package's own."""


class Counter(Metric):
    """A number that only grows; `/metrics` adds `_total` to its name."""

    def inc(self, amount: float = 1, **labels: str) -> None:
        """It has happened `amount` times more. Call it when the act is sure."""
        child = self._child(labels)
        if child is not None:
            child.inc(amount)

    def _new(self, name: str) -> Any:
        from prometheus_client import Counter

        return Counter(name, self.documentation, self.labelnames, registry=registry())


class Gauge(Metric):
    """A number of each process that serves, shown as their sum; others set it in vain."""

    def set(self, number: int) -> None:
        """The number is this one now."""
        if self.made is not None:
            self.made.set(number)

    def inc(self) -> None:
        """There is one more."""
        if self.made is not None:
            self.made.inc()

    def dec(self) -> None:
        """There is one less."""
        if self.made is not None:
            self.made.dec()

    def _new(self, name: str) -> Any:
        from prometheus_client import Gauge

        return Gauge(name, self.documentation, registry=registry(), multiprocess_mode="livesum")


class Histogram(Metric):
    """How many there were, their sum, and how many were at most as large as each bucket's bound."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: tuple[str, ...] = (),
        *,
        buckets: tuple[float, ...],
    ) -> None:
        super().__init__(name, documentation, labelnames)
        self.buckets = buckets

    def observe(self, number: float, **labels: str) -> None:
        """There was one of this size."""
        child = self._child(labels)
        if child is not None:
            child.observe(number)

    def _new(self, name: str) -> Any:
        from prometheus_client import Histogram

        return Histogram(
            name, self.documentation, self.labelnames, registry=registry(), buckets=self.buckets
        )


METRICS: list[Metric] = []

CHARGES = Counter("charges", "Charges of credits, captures of holds included.")
CREDITS_CHARGED = Counter("credits_charged", "Credits that these charges took.")
REFUSALS = Counter("refusals", "Requests refused for credits or a quota.", ("code",))
CACHE_LOOKUPS = Counter("cache_lookups", "Look-ups in the query cache.", ("outcome",))
UNHANDLED = Counter(
    "unhandled_exceptions", "Faults of ours: 500, or a stream cut short.", ("kind",)
)
FAILED_WRITES = Counter(
    "failed_writes", "Writes that the database could not keep: no room, a broken disk.", ("reason",)
)
IMPORTS = Counter("imports", "Files read by import_json.", ("outcome",))
WRITES_WAITING = Gauge("deferred_writes_waiting", "Notes in memory that wait to be written.")


def make_all() -> None:
    """Show each of them from now on, those that have not happened yet as 0."""
    for metric in METRICS:
        metric.make()

"""Numbers of what is stored that an operator wants to see grow, such as open holds.

Apps register them; operations asks for them when /metrics is, now and then and not for long, and
shows each as `steward_<name>`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Gauge:
    """One number. `read` is one statement that an index answers."""

    name: str
    title: str
    read: Callable[[], int]


_registered: dict[str, Gauge] = {}


def register(gauges: Iterable[Gauge]) -> None:
    """Make these part of /metrics."""
    for gauge in gauges:
        _registered[gauge.name] = gauge


def registered() -> list[Gauge]:
    """All of them, by name."""
    return [_registered[name] for name in sorted(_registered)]

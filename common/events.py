"""Things that happen and are counted, such as charges.

Apps count here, after the act; operations shows the counters at `/metrics`, each as
`steward_<name>_total`. Counting costs a few microseconds and no statement.
"""

from collections.abc import Callable
from typing import Protocol


class Sink(Protocol):
    """Where the counts of one counter go."""

    def __call__(self, amount: int, /, **labels: str) -> None: ...


class Counter:
    """One kind of event. `labels` name what its counts are told apart by: few values each."""

    def __init__(self, name: str, title: str, labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self.title = title
        self.labels = labels
        self.sink: Sink | None = None
        COUNTERS.append(self)

    def count(self, amount: int = 1, **labels: str) -> None:
        """It has happened `amount` times more. Call it when the act is sure."""
        if self.sink is None:
            _connect()
        if self.sink is not None:
            self.sink(amount, **labels)


COUNTERS: list[Counter] = []
_connect: Callable[[], None] = lambda: None  # noqa: E731  (replaced as a whole)
_hear: Callable[[Exception], None] = lambda error: None  # noqa: E731  (replaced as a whole)


def when_first_counted(connect: Callable[[], None]) -> None:
    """`connect` gives every counter its sink. It runs when one without a sink is counted."""
    global _connect
    _connect = connect


def when_fault(hear: Callable[[Exception], None]) -> None:
    """`hear` is told of every fault of ours that keeps an answer from its client."""
    global _hear
    _hear = hear


def note_fault(error: Exception) -> None:
    """Count a fault of ours, and tell whoever wants to hear of it."""
    UNHANDLED.count(kind=type(error).__name__)
    _hear(error)


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

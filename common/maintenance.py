"""What `manage.py maintain` tidies: each app registers tasks over its own tables.

No rule waits for them: expiry is decided when read. A task works in bounded batches, each one a
transaction of its own, so that no lock is held for long and a run may be stopped at any time.
"""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One kind of tidying. Both functions take the time that they judge by.

    `waiting(at)` counts what a run would tidy, and writes nothing. `tidy(at, limit)` tidies at most
    `limit` items and says how many; fewer than `limit` means that nothing is left. A task without
    `tidy` is a report: what waits is for people to see to, and a run keeps the count.
    """

    name: str
    title: str
    waiting: Callable[[datetime.datetime], int]
    tidy: Callable[[datetime.datetime, int], int] | None = None


_registered: dict[str, Task] = {}


def register(tasks: Iterable[Task]) -> None:
    """Make these tasks part of `maintain`."""
    for task in tasks:
        _registered[task.name] = task


def registered() -> list[Task]:
    """All tasks, by name."""
    return [_registered[name] for name in sorted(_registered)]

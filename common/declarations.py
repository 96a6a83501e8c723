"""What apps declare in their StewardAppConfig (common/apps.py), by type, and all there is of each.

An app makes a list of these and names it; `verify`, `maintain`, `/health/detailed` and `/metrics`
ask here.
"""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model

from common.apps import declared

Kind = TypeVar("Kind")


def _declared(name: str, kind: type[Kind]) -> list[Kind]:
    return [one for _, items in declared(name) for one in items if isinstance(one, kind)]


# verify


@dataclass(frozen=True)
class Check:
    """One promise about the stored rows. `find` gives a sentence for each row that breaks it.

    Where rows of the model `added` are made and never changed, `find(after=key)` looks at those
    alone that have a higher key, and takes those before them to be right.
    """

    name: str
    title: str
    find: Callable[..., Iterable[str]]
    added: type[Model] | None = None


@dataclass(frozen=True)
class Head:
    """The end of a chain, which an operator may keep outside of the database.

    `tell` gives it; `holds` says whether one that was kept still stands in the chain.
    """

    name: str
    tell: Callable[[], str]
    holds: Callable[[str], bool]


@dataclass(frozen=True)
class Tear:
    """Rows that fit each other no more, and the one way to put them right.

    `sentence` says what is wrong and what `mend` makes of it, under the locks of the `persons` whom
    it is about and those that it takes; `mend` says how many rows it wrote, none where the rows are
    no longer as they were found.
    """

    persons: frozenset[str]
    sentence: str
    mend: Callable[[], int]


@dataclass(frozen=True)
class Repair:
    """One kind of tear. `find` looks for all there are, and writes nothing."""

    name: str
    find: Callable[[], Iterable[Tear]]


def checks() -> list[Check]:
    """All checks, by name; first those of the tables, without which the others may not even run."""
    found = _declared("verify_checks", Check)
    return sorted(found, key=lambda check: ("." in check.name, check.name))


def heads() -> list[Head]:
    """All heads, by name."""
    return sorted(_declared("verify_checks", Head), key=lambda head: head.name)


def repairs() -> list[Repair]:
    """All repairs, in the order in which they are to be done."""
    return _declared("verify_checks", Repair)


# maintain


@dataclass(frozen=True)
class Task:
    """One kind of tidying. Both functions take the time that they judge by.

    `waiting(at)` counts what a run would tidy, and writes nothing. `tidy(at, limit)` tidies at most
    `limit` items and says how many; fewer than `limit` means that nothing is left. A task without
    `tidy` is a report: what waits is for people to see to, and a run keeps the count.

    No rule waits for a task: expiry is decided when read. It works in bounded batches, each one a
    transaction of its own, so that no lock is held for long and a run may be stopped at any time.
    """

    name: str
    title: str
    waiting: Callable[[datetime.datetime], int]
    tidy: Callable[[datetime.datetime, int], int] | None = None


def maintenance_tasks() -> list[Task]:
    """All tasks, by name."""
    return sorted(_declared("maintenance_tasks", Task), key=lambda task: task.name)


# Health

OK, DEGRADED, DOWN = "ok", "degraded", "down"


@dataclass(frozen=True)
class Health:
    """How a part is. `status`: ok, degraded (serves, but somebody should look) or down."""

    status: str
    facts: dict[str, Any]
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the API: status, facts, and the reason where there is one."""
        reason = {"reason": self.reason} if self.reason else {}
        return {"status": self.status, **self.facts, **reason}


@dataclass(frozen=True)
class HealthCheck:
    """A part of a running Steward that can be well or not, shown in `/health/detailed`.

    `check` is only called while the database answers.
    """

    name: str
    check: Callable[[], Health]


def health_checks() -> list[HealthCheck]:
    """Those of the apps, beside what every request needs (operations/health.py)."""
    return _declared("health_checks", HealthCheck)


# Metrics


@dataclass(frozen=True)
class StoredGauge:
    """A number of what is stored that an operator wants to see grow, such as open holds.

    `/metrics` shows it as `steward_<name>`. `read` is one statement that an index answers; it is
    asked now and then, and not for long.
    """

    name: str
    title: str
    read: Callable[[], int]


def stored_gauges() -> list[StoredGauge]:
    """All of them, by name."""
    return sorted(_declared("stored_gauges", StoredGauge), key=lambda gauge: gauge.name)

"""What `manage.py verify` re-derives: each app registers checks of its own tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from common import constraint_checks, guards


@dataclass(frozen=True)
class Check:
    """One promise about the stored rows. `find` gives a sentence for each row that breaks it."""

    name: str
    title: str
    find: Callable[[], Iterable[str]]


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


_registered: dict[str, Check] = {}
_repairs: dict[str, Repair] = {}
_heads: dict[str, Head] = {}


def register(checks: Iterable[Check]) -> None:
    """Make these checks part of `verify`."""
    for check in checks:
        _registered[check.name] = check


def register_repairs(repairs: Iterable[Repair]) -> None:
    """Make these repairs part of `verify --repair`."""
    for repair in repairs:
        _repairs[repair.name] = repair


def register_head(head: Head) -> None:
    """Let `verify` tell this head."""
    _heads[head.name] = head


def heads() -> list[Head]:
    """All heads, by name."""
    return [_heads[name] for name in sorted(_heads)]


def repairs() -> list[Repair]:
    """All repairs, in the order in which they are to be done."""
    return list(_repairs.values())


def registered() -> list[Check]:
    """All checks, by name; first those of the tables, without which the others may not even run."""
    return [_registered[name] for name in sorted(_registered, key=lambda name: ("." in name, name))]


register(
    [
        Check("triggers", "Every guarded table has its triggers", guards.problems),
        Check("constraints", "Every guarded table has its constraints", constraint_checks.problems),
    ]
)

"""What `manage.py verify` re-derives: each app registers checks of its own tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from common import guards


@dataclass(frozen=True)
class Check:
    """One promise about the stored rows. `find` gives a sentence for each row that breaks it."""

    name: str
    title: str
    find: Callable[[], Iterable[str]]


_registered: dict[str, Check] = {}


def register(checks: Iterable[Check]) -> None:
    """Make these checks part of `verify`."""
    for check in checks:
        _registered[check.name] = check


def registered() -> list[Check]:
    """All checks, by name."""
    return [_registered[name] for name in sorted(_registered)]


register([Check("triggers", "Every guarded table has its triggers", guards.problems)])

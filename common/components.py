"""Parts of a running Steward that can be well or not; `/health/detailed` shows them.

operations looks at what every request needs; an app registers what it has besides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OK, DEGRADED, DOWN = "ok", "degraded", "down"


@dataclass(frozen=True)
class Component:
    """How a part is. `status`: ok, degraded (serves, but somebody should look) or down."""

    status: str
    facts: dict[str, Any]
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the API: status, facts, and the reason where there is one."""
        reason = {"reason": self.reason} if self.reason else {}
        return {"status": self.status, **self.facts, **reason}


_registered: dict[str, Callable[[], Component]] = {}


def register(name: str, look: Callable[[], Component]) -> None:
    """Make this part of `/health/detailed`. `look` is only called while the database answers."""
    _registered[name] = look


def registered() -> dict[str, Callable[[], Component]]:
    """The apps' own parts, by name."""
    return dict(_registered)

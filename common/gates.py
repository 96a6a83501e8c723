"""Acts that need a person's consent, for apps that do not know the app of consents.

consent registers who decides; until then, and for purposes that are not in CONSENT_GATES, every
gate is open and costs no statement.
"""

import datetime
from typing import Protocol


class Require(Protocol):
    """Raises unless the person agrees to the purposes at that time."""

    def __call__(
        self, *, user_id: str, purposes: tuple[str, ...], at: datetime.datetime
    ) -> None: ...


# What any gate in this process asks for; a system check compares CONSENT_GATES with it.
known_purposes: set[str] = set()
_require: Require | None = None


def register(require: Require) -> None:
    """Let this decide from now on."""
    global _require
    _require = require


class Gate:
    """A gate before acts that need consent to one purpose."""

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        known_purposes.add(purpose)

    def pass_or_refuse(self, *, user_id: str, at: datetime.datetime) -> None:
        """Raises ConsentRequired (403 `consent_required`) where the gate is on and not passed."""
        if _require is not None:
            _require(user_id=user_id, purposes=(self.purpose,), at=at)

"""Who acts, as records and logs name them. Every `actor` is one of these four.

Rows from before it was kept, and imported messages, have an empty one.
"""

from typing import Any

STAFF = "staff:"

# A person who calls with a token of their own: authentication writes it.
SELF = "self"

# Nobody who could be asked: commands, first allowances, refills, expiries of consents and
# imports write it.
SYSTEM = "system"


def key_actor(name: str) -> str:
    """An application, by its service key's name: authentication writes it."""
    return f"key:{name}"


def staff_actor(user: Any) -> str:
    """A member of staff, by their username: the admin and its API write it."""
    return f"{STAFF}{user.get_username()}"

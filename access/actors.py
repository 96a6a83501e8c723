"""Who acts, as records and logs name them. Every `actor` in the house is one of these four."""

from typing import Any

STAFF = "staff:"

# A person who calls with a token of their own: authentication writes it.
SELF = "self"

# Nobody who could be asked: commands, imports, refills and expiries write it.
SYSTEM = "system"


def key_actor(name: str) -> str:
    """An application, by its service key's name: authentication writes it."""
    return f"key:{name}"


def staff_actor(user: Any) -> str:
    """A member of staff, by their username: the admin and its API write it."""
    return f"{STAFF}{user.get_username()}"

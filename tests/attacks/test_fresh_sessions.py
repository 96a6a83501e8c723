"""Every attack in a session of its own, as the owner and as a plain role: refused, or found."""

from collections.abc import Iterator

import pytest

from tests.attacks.owners import BY_THEMSELVES, FORGERIES, WAYS
from tests.attacks.sessions import (
    FOUND,
    POSTGRESQL,
    REFUSED,
    attack,
    plain_role,
    write_everything,
)
from tests.attacks.temporary import ROADS, SHADOWS
from tests.billing import attacks as billing
from tests.consent import attacks as consent

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = {
    f"{trigger}: {name}": [sql]
    for attacks in (billing.ATTACKS, consent.ATTACKS, {"constraint": billing.AGAINST_CONSTRAINTS})
    for trigger, of_trigger in attacks.items()
    for name, sql in of_trigger.items()
}
BY_OWNERS = {
    f"{way}: {forgery}": [*before, *statements, *after]
    for way, (before, after) in WAYS.items()
    for forgery, statements in FORGERIES.items()
} | {name: list(statements) for name, statements in BY_THEMSELVES.items()}


@pytest.fixture
def role() -> Iterator[str | None]:
    """A plain role; SQLite has none, and whoever opens the file is its owner."""
    write_everything()
    if not POSTGRESQL:
        yield None
        return
    with plain_role() as name:
        yield name


def not_held_off(attacks: dict[str, list[str]], role: str | None, *endings: str) -> dict[str, str]:
    ended = {name: attack(statements, role) for name, statements in attacks.items()}
    return {name: end for name, end in ended.items() if not end.startswith(endings)}


class TestAPlainRole:
    def test_is_refused_every_row(self, role: str | None) -> None:
        assert not_held_off(ROWS, role, REFUSED) == {}

    def test_is_refused_every_act_of_an_owner(self, role: str | None) -> None:
        assert not_held_off(BY_OWNERS if POSTGRESQL else {}, role, REFUSED) == {}


class TestTheOwner:
    def test_is_refused_every_row(self, role: str | None) -> None:
        assert not_held_off(ROWS if POSTGRESQL else {}, None, REFUSED) == {}

    def test_is_refused_or_found(self, role: str | None) -> None:
        assert not_held_off(BY_OWNERS, None, REFUSED, FOUND) == {}


def test_there_are_many() -> None:
    temporary = len(SHADOWS) * len(ROADS) if POSTGRESQL else 0

    assert len(ROWS) + len(BY_OWNERS) + temporary >= 150

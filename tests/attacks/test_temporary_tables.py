"""PostgreSQL: whoever may write rows may make temporary tables, and no trigger looks at them."""

from collections.abc import Iterator

import pytest
from django.db import connection

from common.schema import database_triggers
from tests.attacks.sessions import (
    NOTHING_WRONG,
    POSTGRESQL,
    REFUSED,
    attack,
    plain_role,
    write_everything,
)
from tests.attacks.temporary import RIGHTS, ROADS, SHADOWS, statements

pytestmark = pytest.mark.django_db(transaction=True)
# SQLite's triggers see the tables of their own database alone, and it has no roles.
ENDS_ON = {True: SHADOWS, False: {}}[POSTGRESQL]


@pytest.fixture
def role() -> Iterator[str]:
    write_everything()
    if not POSTGRESQL:
        yield ""
        return
    with plain_role() as name:
        yield name


class TestATemporaryTable:
    @pytest.mark.parametrize("road", ROADS)
    def test_stands_for_no_table_of_a_trigger(self, role: str, road: str) -> None:
        ended = {
            name: attack(statements(shadow, ROADS[road]), role) for name, shadow in ENDS_ON.items()
        }

        assert {name: end for name, end in ended.items() if not end.startswith(REFUSED)} == {}

    @pytest.mark.parametrize("road", ROADS)
    def test_takes_nothing_from_what_is_right(self, role: str, road: str) -> None:
        ended = {
            name: attack(statements(right, ROADS[road]), role)
            for name, right in (RIGHTS if POSTGRESQL else {}).items()
        }

        assert {name: end for name, end in ended.items() if end != NOTHING_WRONG} == {}


class TestEveryFunction:
    @pytest.mark.django_db
    def test_pins_its_search_path(self) -> None:
        if not POSTGRESQL:
            assert database_triggers.missing() == []
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND"
                " NOT coalesce(proconfig @> ARRAY['search_path=public, pg_temp'], false)"
            )
            assert cursor.fetchall() == []
            cursor.execute(
                "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            )
            assert cursor.fetchone()[0] > 30

"""Statements that PostgreSQL prepares once in each connection of the pool."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import NotSupportedError, connection

from common import prepared, prepared_writes
from common.models import Kept
from operations.postgresql import base
from operations.postgresql import prepared as of_postgresql
from tests.asserts import assert_statements
from tests.common.test_prepared import ALL, calls
from tests.common.test_prepared_writes import ALL as UPDATES
from tests.common.test_prepared_writes import VALUES

pytestmark = pytest.mark.django_db(transaction=True)

SUM = Kept("SELECT %(first)s::int + %(second)s::int + %(first)s::int, '%%'")
PAIR = Kept("SELECT %s::text, %s::int")


@pytest.fixture
def wrapper() -> Iterator[Any]:
    """A connection of a pool of its own."""
    pool = {
        "pool_size": 1, "max_overflow": 1, "timeout": 1, "recycle": 3600,
        "ping_after_idle_seconds": 3600,
    }  # fmt: skip
    own: Any = connection.copy(alias="kept")
    own.settings_dict["POOL"] = pool
    yield own
    own.close()
    base.dispose("kept")


def ask(wrapper: Any, sql: str, parameters: Any = None) -> Any:
    with wrapper.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def kept_by(wrapper: Any) -> list[str]:
    return [text for (text,) in ask(wrapper, "SELECT statement FROM pg_prepared_statements")]


class TestAKeptStatement:
    def test_is_prepared_once_and_gives_the_same(self, wrapper: Any) -> None:
        for first in (1, 5):
            assert ask(wrapper, SUM, {"first": first, "second": 2}) == [(2 * first + 2, "%")]
        assert ask(wrapper, PAIR, ["a' %s", None]) == [("a' %s", None)]
        assert ask(wrapper, PAIR, ["b", 7]) == [("b", 7)]

        assert len(kept_by(wrapper)) == 2

    def test_stays_with_its_connection_in_the_pool(self, wrapper: Any) -> None:
        ask(wrapper, PAIR, ["a", 1])
        wrapper.close()

        ask(wrapper, PAIR, ["b", 2])

        [text] = kept_by(wrapper)
        assert text.endswith("SELECT $1::text, $2::int")

    def test_is_prepared_anew_in_another_connection(self, wrapper: Any) -> None:
        ask(wrapper, PAIR, ["a", 1])
        other = wrapper.copy(alias="kept")
        try:
            assert ask(other, PAIR, ["b", 2]) == [("b", 2)]
            assert len(kept_by(other)) == 1
        finally:
            other.close()

    def test_is_sent_as_it_stands_where_there_is_no_pool(self, wrapper: Any) -> None:
        wrapper.settings_dict["POOL"] = None

        assert ask(wrapper, PAIR, ["a", 1]) == [("a", 1)]
        assert kept_by(wrapper) == []

    def test_is_sent_as_it_stands_where_many_are_kept(
        self, wrapper: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(of_postgresql, "KEPT_MAX", 1)
        ask(wrapper, PAIR, ["a", 1])

        assert ask(wrapper, SUM, {"first": 1, "second": 2}) == [(4, "%")]
        assert len(kept_by(wrapper)) == 1

    def test_counts_as_the_statement_that_it_is(self) -> None:
        with assert_statements(2) as statements:
            ask(connection, PAIR, ["a", 1])
            ask(connection, PAIR, ["b", 2])

        assert statements == [PAIR, PAIR]

    def test_is_sent_as_it_stands_after_a_column_became_another(self, wrapper: Any) -> None:
        ask_names = self.asked_before_a_column_became_another(wrapper)

        assert ask(wrapper, ask_names) == [("ann",)]

    def test_is_refused_once_in_a_transaction_after_that(self, wrapper: Any) -> None:
        ask_names = self.asked_before_a_column_became_another(wrapper)
        wrapper.set_autocommit(False)
        with pytest.raises(NotSupportedError):
            ask(wrapper, ask_names)
        wrapper.rollback()

        assert ask(wrapper, ask_names) == [("ann",)]

    def asked_before_a_column_became_another(self, wrapper: Any) -> Kept:
        ask_names = Kept("SELECT name FROM names")
        with wrapper.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE names (name varchar(9))")
            cursor.execute("INSERT INTO names VALUES ('ann')")
            cursor.execute(ask_names)
            cursor.execute("ALTER TABLE names ALTER name TYPE text")
        return ask_names


class TestEveryPreparedStatement:
    @pytest.mark.parametrize("read", ALL, ids=lambda one: one.build.__qualname__)
    def test_that_reads_can_be_kept(self, read: prepared.Prepared[Any, Any]) -> None:
        for values in calls(read):
            assert read.all(**values) == list(read.build(**values))

    @pytest.mark.parametrize("update", UPDATES, ids=lambda one: one.build.__qualname__)
    def test_that_writes_can_be_kept(self, update: prepared_writes.PreparedUpdate[Any]) -> None:
        assert update.send(**{name: VALUES[kind][0] for name, kind in update.kinds.items()}) is None

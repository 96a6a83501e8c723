"""The pooled engine of PostgreSQL; test_sqlite.py has what SQLite promises in its place."""

import logging
import os
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connection
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from operations import start
from operations.postgresql import base
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.operations.pools import MakeConnection, ask, backend, kill, statistics

pytestmark = pytest.mark.django_db(transaction=True)


def is_alive(pid: int) -> bool:
    return bool(ask(connection, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid))


def assert_ends(pid: int) -> None:
    """The backend is gone, or goes within ten seconds."""
    for _ in range(1000):
        if not is_alive(pid):
            return
        ask(connection, "SELECT pg_sleep(0.01)")
    raise AssertionError(f"backend {pid} still lives")


class TestAConnection:
    def test_goes_back_to_the_pool_and_is_used_again(self, connect: MakeConnection) -> None:
        first, second = connect(), connect()
        pid = backend(first)

        first.close()

        assert is_alive(pid)
        assert backend(second) == pid

    def test_is_used_by_one_at_a_time(self, connect: MakeConnection) -> None:
        first, second = connect(), connect()

        assert backend(first) != backend(second)

    def test_is_ended_when_the_pool_has_enough(self, connect: MakeConnection) -> None:
        first, second = connect(), connect()
        kept, ended = backend(first), backend(second)

        first.close()
        second.close()

        assert is_alive(kept)
        assert_ends(ended)

    def test_comes_back_without_its_open_transaction(self, connect: MakeConnection) -> None:
        first, second = connect(), connect()
        first.set_autocommit(False)
        ask(first, "INSERT INTO auth_group (name) VALUES ('unfinished')")
        pid = backend(first)

        first.close()

        assert backend(second) == pid
        assert ask(second, "SELECT count(*) FROM auth_group") == 0
        assert second.connection.info.transaction_status == TRANSACTION_STATUS_IDLE
        assert second.get_autocommit() is True

    def test_comes_back_well_after_a_failed_transaction(self, connect: MakeConnection) -> None:
        first, second = connect(), connect()
        first.set_autocommit(False)
        with pytest.raises(Exception, match="division by zero"):
            ask(first, "SELECT 1 / 0")

        first.close()

        assert ask(second, "SELECT 1") == 1

    @pytest.mark.parametrize("kind", ["json", "jsonb"])
    def test_gives_json_as_text(self, connect: MakeConnection, kind: str) -> None:
        for wrapper in (connect(), connection):
            assert ask(wrapper, f"SELECT '{{\"a\": 1.0}}'::{kind}") == '{"a": 1.0}'

    def test_is_to_the_test_database(self, connect: MakeConnection) -> None:
        name = connection.settings_dict["NAME"]
        backend(connect())

        assert name.startswith("test_")
        assert ask(connection, "SELECT current_database()") == name
        assert base._pools
        assert {dict(parameters)["dbname"] for _, parameters in base._pools} == {name}


class TestAnExhaustedPool:
    def test_refuses_and_serves_again_when_one_comes_back(self, connect: MakeConnection) -> None:
        first, second, third = connect(), connect(), connect()
        backend(first)
        backend(second)

        with pytest.raises(base.PoolExhausted):
            backend(third)
        first.close()

        assert ask(third, "SELECT 1") == 1
        assert statistics().checked_out == 2

    def test_is_a_database_that_does_not_answer(self) -> None:
        assert issubclass(base.PoolExhausted, OperationalError)

    def test_gives_full_service_after_many_refusals(self, connect: MakeConnection) -> None:
        holders = [connect(), connect()]
        for holder in holders:
            backend(holder)
        for _ in range(5):
            with pytest.raises(base.PoolExhausted):
                backend(connect())
        for holder in holders:
            holder.close()

        again = [connect(), connect()]

        assert len({backend(wrapper) for wrapper in again}) == 2


class TestAKilledBackend:
    def test_is_replaced_after_idleness_by_the_ping(self, connect: MakeConnection) -> None:
        first = connect(ping_after_idle_seconds=0)
        pid = backend(first)
        first.close()
        kill(pid)

        second = connect(ping_after_idle_seconds=0)

        assert backend(second) != pid
        assert statistics().checked_out == 1

    def test_is_replaced_after_its_one_failure_without_a_ping(
        self, connect: MakeConnection
    ) -> None:
        first, second = connect(), connect()
        pid = backend(first)
        first.close()
        kill(pid)

        with pytest.raises(OperationalError):
            backend(first)
        first.close()

        assert backend(second) != pid

    def test_in_use_fails_one_request_and_no_more(self, person: ApiClient) -> None:
        pid = backend(connection)
        killer: Any = connection.copy(alias="killer")
        ask(killer, "SELECT pg_terminate_backend(%s, 10000)", pid)
        killer.close()
        base.dispose("killer")

        refused = person.post("/conversations", {"title": "Heat"})
        close_old_connections()  # as Django does after each request
        served = person.post("/conversations", {"title": "Heat"})

        assert_problem(refused, 503, "database_unavailable")
        assert served.status_code == 201
        assert len(person.get("/conversations").json()["results"]) == 1


class TestAForkedChild:
    def test_gets_a_backend_of_its_own(self, connect: MakeConnection) -> None:
        wrapper = connect()
        parents = backend(wrapper)
        wrapper.close()
        reading, writing = os.pipe()

        pid = os.fork()
        if pid == 0:
            try:
                os.write(writing, str(backend(connect())).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        childs = int(os.read(reading, 20))
        os.close(reading)
        os.close(writing)

        assert childs != parents
        assert backend(wrapper) == parents


class TestWithoutAPool:
    def test_a_connection_is_djangos_own(self, connect: MakeConnection) -> None:
        wrapper = connect(pooled=False)
        pid = backend(wrapper)

        wrapper.close()

        assert_ends(pid)
        assert "small" not in {one.alias for one in base.statistics()}


class TestTheStatistics:
    def test_add_up(self, connect: MakeConnection) -> None:
        first, second = connect(), connect()
        seen = []

        for act in (lambda: backend(first), lambda: backend(second), first.close, second.close):
            act()
            now = statistics()
            seen.append((now.size, now.checked_in, now.checked_out, now.overflow))

        # The last one to come back finds the pool full and is ended.
        assert seen == [(1, 0, 1, 0), (1, 0, 2, 1), (1, 1, 1, 1), (1, 1, 0, 0)]

    def test_are_of_the_pools_of_this_process(self) -> None:
        backend(connection)

        assert {one.alias for one in base.statistics()} == {"default"}


class Observer:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, int]] = []
        self.waits: list[bool] = []

    def changed(self, size: int, checked_out: int, overflow: int) -> None:
        self.seen.append((size, checked_out, overflow))

    def waited(self, seconds: float, in_vain: bool) -> None:
        self.waits.append(in_vain)


class TestAnObserver:
    @pytest.fixture
    def observer(self, monkeypatch: pytest.MonkeyPatch) -> Observer:
        one = Observer()
        connection.close()
        base.dispose("default")
        monkeypatch.setattr(base, "observer", one)
        return one

    def test_is_told_of_every_change(self, connect: MakeConnection, observer: Observer) -> None:
        first, second = connect(), connect()

        for act in (lambda: backend(first), lambda: backend(second), first.close, second.close):
            act()

        assert observer.seen == [(1, 1, 0), (1, 2, 1), (1, 1, 1), (1, 0, 0)]
        assert observer.waits == []

    def test_is_told_of_a_wait_in_vain(self, connect: MakeConnection, observer: Observer) -> None:
        backend(connect())
        backend(connect())

        with pytest.raises(base.PoolExhausted):
            backend(connect())

        assert observer.waits == [True]


class TestTheLog:
    def test_has_the_numbers_and_warns_when_the_pool_is_nearly_used_up(
        self, connect: MakeConnection, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        first, second = connect(), connect()
        for wrapper in (first, second):
            backend(wrapper)
            start.log_pool()

        of_small = [record for record in caplog.records if "small" in record.getMessage()]
        assert [record.levelname for record in of_small] == ["INFO", "WARNING"]
        assert of_small[1].fields == {  # type: ignore[attr-defined]
            "size": 1, "checked_in": 0, "checked_out": 2, "overflow": 1,
        }  # fmt: skip


class TestLimits:
    LIMITS = {"statement_timeout": 200, "lock_timeout": 100, "nothing": 0}

    @pytest.fixture
    def limited(self, connect: MakeConnection, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(base, "limits_hold", True)
        wrapper = connect()
        wrapper.settings_dict["LIMITS"] = self.LIMITS
        return wrapper

    def test_end_a_statement_that_takes_too_long(self, limited: Any) -> None:
        with pytest.raises(OperationalError, match="statement timeout"):
            ask(limited, "SELECT pg_sleep(60)")

    def test_hold_for_every_use_of_the_pool(self, limited: Any, connect: MakeConnection) -> None:
        assert ask(limited, "SELECT current_setting('statement_timeout')") == "200ms"
        limited.close()

        assert ask(limited, "SELECT current_setting('lock_timeout')") == "100ms"

    def test_are_none_of_a_commands(self, connect: MakeConnection) -> None:
        wrapper = connect()
        wrapper.settings_dict["LIMITS"] = self.LIMITS

        assert ask(wrapper, "SELECT current_setting('statement_timeout')") == "0"


class TestDisposing:
    def test_ends_idle_connections(self, connect: MakeConnection) -> None:
        wrapper = connect()
        pid = backend(wrapper)
        wrapper.close()

        base.dispose("small")

        assert_ends(pid)

    def test_ends_those_in_use_when_they_come_back(self, connect: MakeConnection) -> None:
        wrapper = connect()
        pid = backend(wrapper)

        base.dispose("small")
        assert is_alive(pid)
        wrapper.close()

        assert_ends(pid)

    def test_leaves_other_pools_alone(self, connect: MakeConnection) -> None:
        wrapper = connect()
        pid = backend(wrapper)
        wrapper.close()

        base.dispose("another")

        assert backend(wrapper) == pid


class TestThePlanner:
    def test_is_told_what_a_page_costs_by_commands_too(self, connect: MakeConnection) -> None:
        wrapper = connect()
        wrapper.settings_dict["PLANNER"] = {"random_page_cost": 1.25}

        assert ask(wrapper, "SELECT current_setting('random_page_cost')") == "1.25"

"""A real server that is stopped, read-only, slow or full, and is well again: nobody restarts."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.asserts import assert_problem
from tests.operations.server import PostgreSQL, environment_of, postgresql, prepared
from tests.web import PATIENCE_SECONDS, Web, served

# Short, so that the tests need not wait; what is tested is that they hold at all.
LIMITS = {
    "DB_POOL_SIZE": "1",
    "DB_MAX_OVERFLOW": "1",
    "DB_POOL_TIMEOUT": "0.3",
    "DB_STATEMENT_TIMEOUT": "1",
    "DB_LOCK_TIMEOUT": "0.5",
    "DB_IDLE_TRANSACTION_TIMEOUT": "5",
    "DB_CONNECT_TIMEOUT": "2",
}
# However long the limits: an answer that takes longer than this would not be bounded by them.
BOUND_SECONDS = 15


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as one:
        yield one


@pytest.fixture(scope="module")
def key(server: PostgreSQL) -> str:
    return prepared(environment_of(server.url))


@pytest.fixture(scope="module")
def web(server: PostgreSQL, key: str, tmp_path_factory: Any) -> Iterator[Web]:
    folder: Path = tmp_path_factory.mktemp("web")
    with served(environment_of(server.url) | LIMITS, folder) as one:
        yield one


class Application:
    """Calls for one person."""

    def __init__(self, web: Web, key: str) -> None:
        self.web = web
        self.headers = {"Authorization": f"Bearer {key}", "X_User_Id": "ann"}

    def charge(self, idempotency_key: str | None = None) -> Any:
        headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
        body = {"type": "deduct", "amount": 1}
        return self.send("POST", "/api/v1/credits/transactions", body, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        begun = time.monotonic()
        answer = self.web.request(method, path, body, **(self.headers | headers))
        assert time.monotonic() - begun < BOUND_SECONDS
        return answer


@pytest.fixture
def application(web: Web, key: str, server: PostgreSQL) -> Application:
    one = Application(web, key)
    assert one.charge().status_code == 201
    assert web.get("/health/ready").status_code == 200
    return one


def entries(server: PostgreSQL) -> int:
    return int(server.execute("SELECT count(*) FROM billing_credittransaction")[0][0])


def assert_refused(application: Application, answer: Any) -> None:
    problem = assert_problem(answer, 503, "database_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert answer["X-Request-ID"]
    text = str(problem).lower()
    for internal in ("psycopg", "traceback", "statement", "relation", "billing_"):
        assert internal not in text


def assert_not_ready(web: Web, *failing: str) -> None:
    assert web.get("/health/live").status_code == 200
    body = assert_problem(web.get("/health/ready"), 503, "not_ready")
    assert set(failing) <= set(body["failing"])


def eventually(act: Callable[[], Any], status: int) -> Any:
    until = time.monotonic() + PATIENCE_SECONDS
    answer = act()
    while answer.status_code != status and time.monotonic() < until:
        answer = act()
    assert answer.status_code == status, answer.content
    return answer


@contextmanager
def locked(server: PostgreSQL, table: str, mode: str = "ACCESS EXCLUSIVE") -> Iterator[None]:
    """Somebody holds the table, as a long migration or a person with a console does."""
    connection = psycopg2.connect(server.url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
            yield
    finally:
        connection.close()


class TestAServerThatIsGone:
    def test_is_told_and_served_again_without_a_restart(
        self, server: PostgreSQL, application: Application
    ) -> None:
        web, before = application.web, entries(server)

        server.stop()
        try:
            assert_refused(application, application.charge("k"))
            assert_refused(application, application.send("GET", "/api/v1/conversations"))
            assert_not_ready(web, "database")
            page = web.get("/admin/login/", Cookie="sessionid=" + "x" * 32)
        finally:
            server.start()

        assert application.charge("k").status_code == 201
        assert web.get("/health/ready").status_code == 200
        assert entries(server) == before + 1
        assert page.status_code in (200, 503)  # the page itself asks no database

    def test_can_still_be_watched(self, server: PostgreSQL, application: Application) -> None:
        assert application.send("GET", "/metrics").status_code == 200

        server.stop()
        try:
            details = application.send("GET", "/health/detailed")
            metrics = application.send("GET", "/metrics")
        finally:
            server.start()

        assert (details.status_code, details.json()["status"]) == (503, "down")
        assert details.json()["components"]["database"]["reason"] == "does not answer"
        assert metrics.status_code == 200
        assert b"steward_requests_total" in metrics.content

    def test_is_no_way_in_with_a_wrong_key(self, server: PostgreSQL, web: Web) -> None:
        server.stop()
        try:
            answer = web.get("/metrics", Authorization="Bearer stw_abc_wrong")
        finally:
            server.start()

        assert_problem(answer, 503, "database_unavailable")

    def test_is_a_page_of_its_own_in_the_admin(self, server: PostgreSQL, web: Web) -> None:
        server.stop()
        try:
            answer = web.get("/admin/", Cookie="sessionid=" + "x" * 32)
        finally:
            server.start()

        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert b"Traceback" not in answer.content

    def test_costs_a_killed_server_no_restart_either(
        self, server: PostgreSQL, application: Application
    ) -> None:
        before = entries(server)
        server.kill()
        try:
            assert_refused(application, application.charge("after-a-kill"))
        finally:
            server.start()

        assert application.charge("after-a-kill").status_code == 201
        assert entries(server) == before + 1


class TestAServerThatTakesNoWrites:
    def test_is_told_and_still_read(self, server: PostgreSQL, application: Application) -> None:
        before = entries(server)

        server.execute(
            "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
        )
        try:
            eventually(lambda: application.web.get("/health/ready"), 503)
            assert_not_ready(application.web, "database")
            assert_refused(application, application.charge("read-only"))
            read = application.send("GET", "/api/v1/credits/transactions")
        finally:
            server.execute(
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            )

        assert read.status_code == 200
        eventually(lambda: application.web.get("/health/ready"), 200)
        assert application.charge("read-only").status_code == 201
        assert entries(server) == before + 1


class TestAStatementThatWaits:
    def test_for_a_lock_ends_with_the_lock_timeout(
        self, server: PostgreSQL, application: Application
    ) -> None:
        before = entries(server)

        with locked(server, "billing_creditaccount"):
            assert_refused(application, application.charge("locked"))
            assert application.web.get("/health/ready").status_code == 200

        assert application.charge("locked").status_code == 201
        assert entries(server) == before + 1

    def test_is_logged_with_its_place_and_without_its_values(
        self, server: PostgreSQL, key: str, tmp_path: Path
    ) -> None:
        variables = environment_of(server.url) | LIMITS | {
            "SLOW_QUERY_SECONDS": "0.2", "DB_LOCK_TIMEOUT": "0", "DB_STATEMENT_TIMEOUT": "0.6",
        }  # fmt: skip
        with served(variables, tmp_path) as web:
            application = Application(web, key)
            with locked(server, "billing_creditaccount"):
                assert_refused(application, application.charge("a-secret-key"))
            [slow] = [line for line in web.lines() if line["logger"] == "operations.statements"]
            metrics = application.send("GET", "/metrics").content

        assert slow["duration_ms"] >= 600
        assert slow["place"].startswith("billing/ledger.py:")
        assert slow["statement"].startswith("INSERT INTO billing_credittransaction")
        assert slow["user_id"] == "ann" and slow["request_id"]
        assert "a-secret-key" not in web.log
        assert b"steward_slow_statements_total 1.0" in metrics


class TestAPoolThatIsExhausted:
    def test_refuses_in_time_and_loses_nothing_after(
        self, server: PostgreSQL, application: Application
    ) -> None:
        before = entries(server)
        answers: list[Any] = []

        def charge(number: int) -> None:
            answers.append((number, application.charge(f"pool-{number}")))

        with locked(server, "access_apikey"):
            threads = [threading.Thread(target=charge, args=(n,)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert [answer.status_code for _, answer in answers] == [503] * 8
        for _, answer in answers:
            assert_refused(application, answer)
        assert entries(server) == before
        metrics = application.send("GET", "/metrics").content.decode()
        assert float(metrics.split("\nsteward_pool_timeouts_total ")[1].split()[0]) >= 6

        after = [application.charge(f"pool-{number}") for number in range(8)]

        assert [answer.status_code for answer in after] == [201] * 8
        assert entries(server) == before + 8

    def test_is_not_ready_while_no_connection_is_free(
        self, server: PostgreSQL, application: Application
    ) -> None:
        def ask() -> None:
            application.charge()

        with locked(server, "access_apikey"):
            threads = [threading.Thread(target=ask) for _ in range(2)]
            for thread in threads:
                thread.start()
            eventually(lambda: application.web.get("/health/ready"), 503)
            for thread in threads:
                thread.join()

        eventually(lambda: application.web.get("/health/ready"), 200)

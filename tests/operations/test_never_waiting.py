"""A database that is frozen, locked or cut off: probes are answered in time, and it is told."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.asserts import assert_problem
from tests.operations.proxy import Proxy, proxy
from tests.operations.server import ROOT, PostgreSQL, environment_of, postgresql, prepared
from tests.web import PATIENCE_SECONDS, Answer, Web, served

# The promise is 2 seconds; the rest is a busy machine's. Without it they wait for 5 and more.
BOUND_SECONDS = 2 + 2
POOL = {"DB_POOL_SIZE": "2", "DB_MAX_OVERFLOW": "1", "WEB_THREADS": "8"}
CHARGE = ("POST", "/api/v1/credits/transactions", {"type": "deduct", "amount": 1})


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as one:
        yield one


@pytest.fixture(scope="module")
def key(server: PostgreSQL) -> str:
    return prepared(environment_of(server.url))


@pytest.fixture(scope="module")
def network(server: PostgreSQL) -> Iterator[Proxy]:
    with proxy(server) as one:
        yield one


@pytest.fixture(scope="module")
def web(network: Proxy, key: str, tmp_path_factory: Any) -> Iterator[Web]:
    folder: Path = tmp_path_factory.mktemp("web")
    with served(environment_of(network.url) | POOL, folder) as one:
        yield one


def send(web: Web, key: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    named = {"Authorization": f"Bearer {key}", "X_User_Id": "ann"}
    return web.request(method, path, body, **(named | headers))


def eventually(act: Callable[[], Answer], status: int) -> Answer:
    until = time.monotonic() + PATIENCE_SECONDS
    answer = act()
    while answer.status_code in {200, 503} - {status} and time.monotonic() < until:
        answer = act()
    assert answer.status_code == status, answer.content
    return answer


def in_time(web: Web, key: str, path: str) -> Answer:
    begun = time.monotonic()
    answer = send(web, key, "GET", path)
    assert time.monotonic() - begun < BOUND_SECONDS, (path, answer.content)
    return answer


@contextmanager
def frozen(server: PostgreSQL, network: Proxy) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextmanager
def cut(server: PostgreSQL, network: Proxy) -> Iterator[None]:
    network.cut()
    try:
        yield
    finally:
        network.mend()


@contextmanager
def keys_locked(server: PostgreSQL, network: Proxy) -> Iterator[None]:
    connection = psycopg2.connect(server.url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE access_apikey IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        connection.close()


@pytest.mark.parametrize("trouble", [frozen, cut, keys_locked])
class TestProbes:
    def test_are_answered_in_time_and_all_is_well_afterwards(
        self, server: PostgreSQL, network: Proxy, web: Web, key: str, trouble: Any
    ) -> None:
        eventually(lambda: send(web, key, "GET", "/health/detailed"), 200)
        charged: list[Answer] = []
        waiting = threading.Thread(
            target=lambda: charged.append(send(web, key, *CHARGE, Idempotency_Key=trouble.__name__))
        )

        with trouble(server, network):
            waiting.start()
            answers = [
                {path: in_time(web, key, path) for path in ("/health/ready", "/health/detailed",
                                                            "/metrics")}
                for _ in range(2)
            ]  # fmt: skip
            stranger = web.get("/metrics", Authorization="Bearer stw_abc_wrong")
        waiting.join()

        for answer in answers:
            assert answer["/metrics"].status_code == 200
            if trouble is not keys_locked:
                assert_problem(answer["/health/ready"], 503, "not_ready")
            details = answer["/health/detailed"]
            assert details.status_code in (200, 503) and "pool" in details.json()["components"]
        assert_problem(stranger, 503, "database_unavailable")
        eventually(lambda: web.get("/health/ready"), 200)
        again = eventually(lambda: send(web, key, *CHARGE, Idempotency_Key=trouble.__name__), 201)
        if charged[0].status_code == 201:
            assert charged[0].json()["id"] == again.json()["id"]


class TestAProbeOfAnExhaustedPool:
    def test_is_answered_in_time(self, server: PostgreSQL, web: Web, key: str) -> None:
        eventually(lambda: send(web, key, "GET", "/health/detailed"), 200)
        with psycopg2.connect(server.url) as holder, holder.cursor() as cursor:
            cursor.execute("LOCK TABLE billing_creditaccount IN ACCESS EXCLUSIVE MODE")
            threads = [threading.Thread(target=send, args=(web, key, *CHARGE)) for _ in range(3)]
            for thread in threads:
                thread.start()
            eventually(lambda: web.get("/health/ready"), 503)
            answers = [
                in_time(web, key, path)
                for path in ("/health/ready", "/health/detailed", "/metrics")
            ]
            holder.rollback()
            for thread in threads:
                thread.join()
        holder.close()

        assert [answer.status_code for answer in answers] == [503, 503, 200]
        assert answers[1].json()["components"]["pool"]["reason"] == "no connection is free"
        eventually(lambda: web.get("/health/ready"), 200)


class TestANetworkThatTakesNothingMore:
    CODE = """
import sys
import django; django.setup()
from django.db import OperationalError, connection
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
    print("connected", flush=True)
    sys.stdin.readline()
    try:
        cursor.execute("SELECT length(%s)", ["x" * 3_000_000])
    except OperationalError:
        print("given up")
"""

    def test_ends_a_statement_that_cannot_be_sent(self, server: PostgreSQL) -> None:
        with proxy(server) as network:
            variables = environment_of(network.url) | {
                "DB_TCP_USER_TIMEOUT": "1", "DJANGO_SETTINGS_MODULE": "config.settings",
            }  # fmt: skip
            process = subprocess.Popen(
                [sys.executable, "-c", self.CODE], env=variables, cwd=ROOT, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            assert process.stdout and process.stdout.readline() == "connected\n"
            network.cut()
            said, _ = process.communicate("\n", timeout=PATIENCE_SECONDS)

        assert said == "given up\n"

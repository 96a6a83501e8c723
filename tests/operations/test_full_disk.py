"""A write for which there is no room: it is refused, told by every process, and nothing is lost."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from operations import failed_writes, health, room
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.operations.full_disk import FILL, full_disk
from tests.operations.server import PostgreSQL, environment_of, postgresql, prepared
from tests.operations.survival import Site
from tests.operations.test_metrics import Difference, value
from tests.web import Answer, Web, served

CHARGE = {"type": "deduct", "amount": 1}
MONITORING = (settings.BASE_DIR / "docs" / "monitoring.md").read_text()


@pytest.fixture(autouse=True)
def none_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_writes, "_failed_at", None)


@contextmanager
def no_room() -> Iterator[None]:
    """This test's connection has none."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            before = transaction.savepoint()
            for statement in FILL:
                cursor.execute(statement)
            yield
            transaction.savepoint_rollback(before)
            return
        cursor.execute("PRAGMA page_count")
        [pages] = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")


def failing() -> Any:
    response: Any = Client().get("/health/ready")
    return assert_problem(response, 503, "not_ready")["failing"]


@pytest.mark.django_db
class TestAProcess:
    @pytest.fixture
    def refused(self, person: ApiClient) -> Any:
        person.post("/credits/transactions", {"type": "grant", "amount": 5})
        with no_room():
            large = {"title": "a", "metadata": {"text": "x" * 500_000}}
            if connection.vendor == "sqlite":
                return person.post("/conversations", large)
            return person.post("/credits/transactions", CHARGE)

    def test_is_not_ready_for_a_minute(self, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        assert_problem(refused, 503, "database_unavailable")
        assert failing() == ["writes"]

        later = time.monotonic() + health.RECENT_SECONDS
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert Client().get("/health/ready").status_code == 200

    def test_that_cannot_leave_a_mark_knows_it_itself(
        self, request: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
        assert_problem(request.getfixturevalue("refused"), 503, "database_unavailable")

        assert failing() == ["writes"]

    def test_counts_it(self, person: ApiClient, request: Any) -> None:
        grown = Difference()
        request.getfixturevalue("refused")

        assert grown.of("failed_writes_total", reason="disk_full") == 1


@pytest.mark.django_db
class TestTheRoom:
    @pytest.fixture
    def free(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        def left(free_bytes: int) -> None:
            usage = shutil.disk_usage("/")._replace(free=free_bytes)
            monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: usage)

        return left

    def test_below_a_few_pages_is_none(self, person: ApiClient, free: Any) -> None:
        free(health.FULL_DISK_BYTES - 1)
        if connection.vendor == "sqlite":  # of a server's disk its clients know nothing
            assert failing() == ["disk"]
        else:
            assert Client().get("/health/ready").status_code == 200
        free(health.FULL_DISK_BYTES)
        assert Client().get("/health/ready").status_code == 200

    def test_is_at_metrics(self, person: ApiClient, free: Any) -> None:
        free(12_345)
        content = person.client.get("/metrics", headers=person.headers).content

        known = connection.vendor == "sqlite"
        assert value(content, "database_free_bytes") == (12_345 if known else 0)
        assert (value(content, "database_bytes") > 0) == known


class TestTheDocument:
    def test_names_every_reason(self) -> None:
        for reason in failed_writes.REASONS_OF_SQLITE.values():
            assert f"`{reason}`" in MONITORING


class TestAServer:
    @pytest.fixture
    def server(self) -> Iterator[PostgreSQL | None]:
        if connection.vendor == "sqlite":
            yield None
            return
        with postgresql() as one:
            yield one

    @pytest.fixture
    def site(self, server: PostgreSQL | None, tmp_path: Path) -> Iterator[Site]:
        url = server.url if server else f"sqlite:///{tmp_path / 'records.sqlite3'}"
        marks = tmp_path / "metrics"
        variables = environment_of(url) | {"PROMETHEUS_MULTIPROC_DIR": str(marks)}
        self.key = prepared(environment_of(url))
        with served(variables, tmp_path, workers=2) as web:
            yield Site(web, url, server)

    def charge(self, web: Web, idempotency_key: str) -> Answer:
        return web.request(
            "POST", "/api/v1/credits/transactions", CHARGE,
            Authorization=f"Bearer {self.key}", X_User_Id="ann", Idempotency_Key=idempotency_key,
        )  # fmt: skip

    def test_tells_it_by_all_its_processes_and_is_well_by_itself(
        self, site: Site, tmp_path: Path
    ) -> None:
        web, numbers = site.web, iter(range(10_000))
        mark = tmp_path / "metrics" / failed_writes.MARK
        file = tmp_path / "records.sqlite3"
        assert self.charge(web, "before").status_code == 201
        assert web.get("/health/ready").status_code == 200

        with full_disk(
            web, file, site.postgresql, lambda: self.charge(web, f"fill-{next(numbers)}")
        ):
            before = len(site.ids("billing_credittransaction", "uid"))
            assert_problem(self.charge(web, "full"), 503, "database_unavailable")
            answers = [web.get("/health/ready") for _ in range(10)]
            details = web.get("/health/detailed", Authorization=f"Bearer {self.key}")
            metrics = web.get("/metrics", Authorization=f"Bearer {self.key}").content.decode()
            standing = len(site.ids("billing_credittransaction", "uid"))

        for answer in answers:
            assert assert_problem(answer, 503, "not_ready")["failing"] == ["writes"]
        assert details.status_code == 503
        assert "no room" in details.json()["components"]["writes"]["reason"]
        assert re.search(r"^steward_failed_writes_total\{reason=\"\w+\"\} [1-9]", metrics, re.M)
        assert standing == before
        assert self.charge(web, "full").status_code == 201
        assert len(site.ids("billing_credittransaction", "uid")) == before + 1
        assert web.get("/health/ready").status_code == 503
        a_minute_ago = time.time() - health.RECENT_SECONDS
        os.utime(mark, (a_minute_ago, a_minute_ago))
        assert web.get("/health/ready").status_code == 200

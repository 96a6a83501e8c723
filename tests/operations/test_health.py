"""The health routes and who may see them; test_degraded.py has a database in trouble."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from access.services import keys
from common import declarations
from common.declarations import DEGRADED, DOWN, Health, HealthCheck
from operations import failed_writes, health
from operations.api import authentication
from tests.asserts import assert_problem, assert_statements

pytestmark = pytest.mark.django_db

OPEN = ["/health/live", "/health/ready"]
GUARDED = ["/health/detailed", "/metrics"]
[LAST_MIGRATION] = MigrationLoader(None).graph.leaf_nodes("access")


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """As in a process that has just started."""

    def forget() -> None:
        health._migrated = False
        health._last_failing = []
        failed_writes._failed_at = None
        authentication._remembered.clear()

    forget()
    yield
    forget()


@pytest.fixture
def monitor() -> Client:
    """A key whose one scope has nothing to do with Steward's own health."""
    key = keys.create_key(
        name="monitor", scopes=["consent:read"], actor="system", at=timezone.now()
    ).key
    return Client(headers={"Authorization": f"Bearer {key}"})


def staff(**rights: bool) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("sam", password="x", **rights))
    return client


class TestLiveness:
    def test_is_told_without_a_statement(self) -> None:
        with assert_statements(0):
            response = Client().get("/health/live")

        assert (response.status_code, response.json()) == (200, {"status": "alive"})
        assert response["Cache-Control"] == "no-store"

    def test_depends_on_no_session(self) -> None:
        client = Client()
        client.cookies["sessionid"] = "x" * 32

        with assert_statements(0):
            assert client.get("/health/live").status_code == 200


class TestReadiness:
    def test_is_told_of_a_migrated_database(self) -> None:
        response = Client().get("/health/ready")

        assert (response.status_code, response.json()) == (200, {"status": "ready"})

    def test_costs_one_statement_once_the_migrations_are_known(self) -> None:
        Client().get("/health/ready")

        with assert_statements(1):
            Client().get("/health/ready")

    def test_ends_when_a_migration_is_missing(self, caplog: pytest.LogCaptureFixture) -> None:
        MigrationRecorder(connection).record_unapplied(*LAST_MIGRATION)

        body = assert_problem(Client().get("/health/ready"), 503, "not_ready")
        Client().get("/health/ready")
        MigrationRecorder(connection).record_applied(*LAST_MIGRATION)
        served = Client().get("/health/ready")

        assert body["failing"] == ["migrations"]
        assert LAST_MIGRATION[1] not in str(body)
        assert served.status_code == 200
        said = [record.message for record in caplog.records if record.name == health.__name__]
        assert said == [
            f"Not ready. migrations: {'.'.join(LAST_MIGRATION)} is missing;"
            " run `python manage.py migrate`",
            "Ready again.",
        ]

    def test_stays_when_the_database_is_ahead_of_the_code(self) -> None:
        MigrationRecorder(connection).record_applied("access", "9999_of_the_next_release")

        assert Client().get("/health/ready").status_code == 200

    def test_of_an_unready_server_says_when_to_ask_again(self) -> None:
        MigrationRecorder(connection).record_unapplied(*LAST_MIGRATION)

        assert int(Client().get("/health/ready")["Retry-After"]) > 0


class TestTheDetails:
    def test_name_every_component(self, monitor: Client) -> None:
        body = monitor.get("/health/detailed").json()

        needed = {"database", "migrations", "pool", "writes"}
        more = {"disk"} if connection.vendor == "sqlite" else set()
        assert set(body["components"]) >= needed | more
        assert {part["status"] for part in body["components"].values()} == {"ok"}
        assert body["status"] == "ok"
        assert body["time"].endswith("Z") and body["response_time_ms"] > 0
        assert body["components"]["database"]["engine"] == connection.vendor
        assert body["components"]["migrations"]["pending"] == []

    def test_tell_the_room_for_the_file_or_the_connections(self, monitor: Client) -> None:
        parts = monitor.get("/health/detailed").json()["components"]

        if connection.vendor == "sqlite":
            assert parts["disk"]["free_bytes"] > 0 and parts["disk"]["database_bytes"] > 0
            assert parts["pool"]["kind"] == "none"
        else:
            assert "disk" not in parts
            assert (parts["pool"]["size"], parts["pool"]["max_overflow"]) == (5, 10)
            assert parts["pool"]["checked_out"] >= 1

    @pytest.mark.parametrize(
        ("status", "answered"), [(DEGRADED, 200), (DOWN, 503)], ids=["degraded", "down"]
    )
    def test_hold_what_apps_declare(
        self, monitor: Client, monkeypatch: pytest.MonkeyPatch, status: str, answered: int
    ) -> None:
        part = Health(status, {"entries": 3}, "is nearly full")
        monkeypatch.setattr(
            declarations, "health_checks", lambda: [HealthCheck("shelf", lambda: part)]
        )

        response = monitor.get("/health/detailed")

        assert response.status_code == answered
        assert response.json()["status"] == status
        assert response.json()["components"]["shelf"] == {
            "status": status, "entries": 3, "reason": "is nearly full",
        }  # fmt: skip

    def test_of_a_missing_migration_name_it(self, monitor: Client) -> None:
        MigrationRecorder(connection).record_unapplied(*LAST_MIGRATION)

        response = monitor.get("/health/detailed")

        assert (response.status_code, response.json()["status"]) == (503, DOWN)
        pending = response.json()["components"]["migrations"]["pending"]
        assert pending == [".".join(LAST_MIGRATION)]


class TestWhoMaySee:
    @pytest.mark.parametrize("path", OPEN)
    def test_is_everybody(self, path: str) -> None:
        assert Client().get(path).status_code == 200

    @pytest.mark.parametrize("path", GUARDED)
    def test_is_any_key(self, monitor: Client, path: str) -> None:
        assert monitor.get(path).status_code == 200

    @pytest.mark.parametrize("path", GUARDED)
    def test_is_staff_who_are_logged_in(self, path: str) -> None:
        assert staff(is_staff=True).get(path).status_code == 200

    @pytest.mark.parametrize("path", GUARDED)
    @pytest.mark.parametrize("name", ["nobody", "no staff", "gone staff", "a wrong key"])
    def test_is_nobody_else(self, path: str, name: str) -> None:
        client = {
            "nobody": lambda: Client(),
            "no staff": lambda: staff(is_staff=False),
            "gone staff": lambda: staff(is_staff=True, is_active=False),
            "a wrong key": lambda: Client(headers={"Authorization": "Bearer stw_abc_x"}),
        }[name]()

        response: Any = client.get(path)

        assert_problem(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("path", GUARDED)
    def test_is_no_key_that_was_revoked(self, monitor: Client, path: str) -> None:
        monitor.get(path)
        keys.revoke_key(name="monitor", at=timezone.now())

        assert monitor.get(path).status_code == 401

    @pytest.mark.parametrize("path", [*OPEN, *GUARDED])
    def test_may_only_look(self, monitor: Client, path: str) -> None:
        assert_problem(monitor.post(path), 405, "method_not_allowed")


class TestAProbe:
    @pytest.mark.parametrize("path", OPEN)
    def test_may_ask_by_address(self, settings: Any, path: str) -> None:
        settings.ALLOWED_HOSTS = ["steward.example"]

        assert Client().get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200

    def test_of_anything_else_may_not(self, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["steward.example"]

        response = Client().get("/api/v1/schema", headers={"Host": "10.0.0.7:8000"})

        assert_problem(response, 400, "bad_request")

    @pytest.mark.parametrize("path", OPEN)
    def test_may_ask_over_plain_http(self, settings: Any, path: str) -> None:
        settings.SECURE_SSL_REDIRECT = True

        assert Client().get(path).status_code == 200

    @pytest.mark.parametrize("debug", [True, False])
    def test_of_an_unknown_address_gets_a_problem(self, settings: Any, debug: bool) -> None:
        settings.DEBUG = debug

        assert_problem(Client().get("/health/nowhere"), 404, "not_found")

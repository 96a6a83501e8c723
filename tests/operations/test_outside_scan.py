"""A real gunicorn with production's settings, as seen from outside; and Django's own check."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.operations.processes import PRODUCTION, python
from tests.outside_scan import Scan
from tests.web import served

SECRET = "x9$Kq2bT7.wZ4-" * 4


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The address of gunicorn on this test's database."""
    given = processes.environment() | {
        "STEWARD_PRODUCTION": "1", "SECRET_KEY": SECRET, "ALLOWED_HOSTS": "steward.example",
        "DEBUG": "", "EXTRA_APPS": "",
    }  # fmt: skip
    with served(given, tmp_path) as web:
        yield f"http://127.0.0.1:{web.port}"


class TestAServerInProduction:
    def test_lacks_nothing_when_seen_from_outside(self, server: str) -> None:
        scan = Scan(server, host="steward.example", behind_proxy=True)

        assert scan.run() == []

    def test_sends_whoever_comes_without_tls_away(self, server: str) -> None:
        scan = Scan(server, host="steward.example")

        status, headers, _ = scan._get("/api/v1/conversations")

        assert status == 301
        assert headers["Location"] == "https://steward.example/api/v1/conversations"

    def test_is_found_lacking_by_the_same_scan_when_it_is_no_production(
        self, live_server: object
    ) -> None:
        problems = Scan(str(live_server)).run()

        assert any("Strict-Transport-Security" in problem for problem in problems)
        assert any("lacks ['Secure']" in problem for problem in problems)


def test_djangos_check_for_deployment_finds_nothing() -> None:
    variables = PRODUCTION | {
        "SECRET_KEY": SECRET, "DATABASE_URL": f"sqlite:////tmp/steward-check-{os.getpid()}.sqlite3",
    }  # fmt: skip
    code = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings';"
        "django.setup(); from django.core.management import call_command;"
        "call_command('check', deploy=True, fail_level='WARNING')"
    )

    done = python(code, **variables)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout + done.stderr

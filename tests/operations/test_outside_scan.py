"""A real gunicorn with production's settings, as seen from outside; and Django's own check."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests import processes
from tests.operations.processes import PRODUCTION, python
from tests.outside_scan import Scan

SECRET = "x9$Kq2" * 10


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    """The address of gunicorn on this test's database."""
    address = f"127.0.0.1:{free_port()}"
    given = processes.environment() | {
        "STEWARD_PRODUCTION": "1", "SECRET_KEY": SECRET, "ALLOWED_HOSTS": "steward.example",
        "BIND": address, "WEB_CONCURRENCY": "1", "DEBUG": "", "EXTRA_APPS": "",
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    started = subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=given, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(address, started)
        yield f"http://{address}"
    finally:
        started.terminate()
        started.communicate(timeout=60)


def wait_for(address: str, started: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and started.poll() is None:
        try:
            urllib.request.urlopen(f"http://{address}/favicon.ico", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(started.communicate(timeout=60)[1])


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

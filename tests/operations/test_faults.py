"""The script that makes faults leaves nothing of them, however it ends."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from django.db import connection

from tests.web import PATIENCE_SECONDS, ROOT


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the script makes all that it makes; a server's socket needs a short name."""
    with tempfile.TemporaryDirectory(prefix="steward-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def begun(folder: Path) -> list[psutil.Process]:
    """The script and everything that it has begun, whoever is its parent now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(folder):
                found.append(process)
        except psutil.Error:  # another user's, or gone
            continue
    return found


@contextmanager
def script(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.faults", "--engine", connection.vendor,
         "--clients", "2", "--writes", "1"],
        cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        # A test that failed may have left it at work: it cleans up, or is no more.
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        for one in begun(folder):
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.communicate()


def name_of(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return ""


def wait_until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def one_is_stopped(folder: Path) -> bool:
    for one in begun(folder):
        with suppress(psutil.NoSuchProcess):
            if one.status() == psutil.STATUS_STOPPED:
                return True
    return False


def assert_it_ends_and_nothing_is_left(
    process: "subprocess.Popen[str]", number: int, folder: Path
) -> None:
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == 128 + number
    assert begun(folder) == []
    assert list(folder.glob("steward-*")) == []
    assert str(folder) not in Path("/proc/mounts").read_text()


class TestTheScript:
    def test_ended_before_anything_is_served_leaves_nothing(self, folder: Path) -> None:
        with script(folder) as process:
            made = ".s.PGSQL.5432" if connection.vendor == "postgresql" else "records.sqlite3"
            wait_until(lambda: list(folder.glob(f"**/{made}")))

            assert_it_ends_and_nothing_is_left(process, signal.SIGINT, folder)

    def test_ended_with_a_worker_stopped_and_a_server_gone_leaves_nothing(
        self, folder: Path
    ) -> None:
        served_by = "postgres" if connection.vendor == "postgresql" else "gunicorn"
        with script(folder) as process:
            wait_until(lambda: one_is_stopped(folder))
            servers = [one for one in begun(folder) if name_of(one) == served_by]
            min(servers, key=lambda one: one.create_time()).kill()

            assert_it_ends_and_nothing_is_left(process, signal.SIGTERM, folder)

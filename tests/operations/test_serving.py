"""gunicorn as config/gunicorn.py runs it: reloads, worker recycling, and ends of every kind."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import psutil
import pytest
from django.db import connection

from tests.processes import at_once, environment
from tests.web import PATIENCE_SECONDS, ROOT, Web, free_port, served

pytestmark = pytest.mark.django_db(transaction=True)

LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:\d+ \((\d+)\)")
ENDED_BY_SIGTERM = 128 + signal.SIGTERM


def until(holds: Callable[[], object], web: Web | None = None) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, web.log if web else "never"
        time.sleep(0.05)


def call(web: Web, key: str) -> int:
    """A call that reads in the database."""
    headers = {"Authorization": f"Bearer {key}", "X_User_Id": "ann"}
    return web.get("/api/v1/conversations", **headers).status_code


@contextlib.contextmanager
def requests_without_end(web: Web, key: str) -> Iterator[list[int | str]]:
    """Callers who ask again as soon as they have an answer; what came, statuses or errors."""
    answers: list[int | str] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            try:
                answers.append(call(web, key))
            except OSError as error:
                answers.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        enough.set()
        for thread in threads:
            thread.join()


def answered_once_more(answers: list[int | str]) -> None:
    count = len(answers) + 10
    until(lambda: len(answers) >= count)


def masters(web: Web) -> list[int]:
    return [int(pid) for pid in LISTENING.findall(web.log)]


class TestAReload:
    def test_replaces_every_worker_and_refuses_nobody(self, key: str, tmp_path: Path) -> None:
        with served(environment(), tmp_path, workers=2) as web:
            until(lambda: len(web.workers()) == 2, web)
            old = web.workers()
            with requests_without_end(web, key) as answers:
                answered_once_more(answers)
                web.process.send_signal(signal.SIGHUP)
                until(lambda: not any(psutil.pid_exists(pid) for pid in old), web)
                answered_once_more(answers)
            new = web.workers()[2:]

        assert set(answers) == {200}
        assert len(new) == 2 and not set(new) & set(old)
        # From the master, which has loaded the application once and for all.
        assert web.log.count("Database: ") == 1


class TestAnUpgrade:
    @pytest.fixture
    def key_file(self, tmp_path: Path) -> Path:
        file = tmp_path / "secret_key"
        file.write_text("for-tests-only")
        return file

    @pytest.fixture
    def web(self, key_file: Path, tmp_path: Path) -> Iterator[Web]:
        given = environment() | {"SECRET_KEY": "", "SECRET_KEY_FILE": str(key_file)}
        given |= {"WEB_MAX_REQUESTS": "0"}
        with served(given, tmp_path, workers=2) as web:
            yield web
            for pid in masters(web)[1:]:
                if psutil.pid_exists(pid):
                    process = psutil.Process(pid)
                    process.terminate()
                    process.wait(PATIENCE_SECONDS)

    def test_changes_servers_and_refuses_nobody(self, key: str, web: Web) -> None:
        with requests_without_end(web, key) as answers:
            answered_once_more(answers)
            web.process.send_signal(signal.SIGUSR2)
            assert web.process.wait(PATIENCE_SECONDS) == 0
            answered_once_more(answers)

        assert set(answers) == {200}
        old, new = masters(web)
        assert old == web.process.pid != new
        assert web.log.count("Database: ") == 2

    def test_that_cannot_start_leaves_the_server_as_it_is(
        self, key: str, web: Web, key_file: Path
    ) -> None:
        master = psutil.Process(web.process.pid)
        until(lambda: len(master.children()) == 2, web)
        workers = {child.pid for child in master.children()}
        with requests_without_end(web, key) as answers:
            key_file.unlink()
            web.process.send_signal(signal.SIGUSR2)
            until(lambda: "FileNotFoundError" in web.log, web)
            until(lambda: {child.pid for child in master.children()} == workers, web)
            answered_once_more(answers)
            key_file.write_text("for-tests-only")
            web.process.send_signal(signal.SIGUSR2)
            assert web.process.wait(PATIENCE_SECONDS) == 0

        assert set(answers) == {200}
        assert len(masters(web)) == 2

    def test_tells_systemd_who_serves_now(self, web: Web, tmp_path: Path) -> None:
        web.stop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            systemd.settimeout(PATIENCE_SECONDS)
            web.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
            web.start()
            assert b"READY=1" in systemd.recv(1000)
            web.process.send_signal(signal.SIGUSR2)
            web.process.wait(PATIENCE_SECONDS)

            told = systemd.recv(1000)
            while b"MAINPID" not in told:
                told = systemd.recv(1000)

        assert told == b"MAINPID=%d" % masters(web)[-1]


@contextlib.contextmanager
def half_a_request(web: Web, key: str) -> Iterator[socket.socket]:
    """A worker reads its body, of which `:1}` is still to come."""
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE_SECONDS) as caller:
        caller.sendall(
            b"POST /api/v1/usage/increment HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 12\r\n"
            b"X-User-Id: ann\r\nExpect: 100-continue\r\n"
            b"Authorization: Bearer %s\r\n\r\n" % key.encode()
        )
        assert b"100 Continue" in caller.recv(1000)
        caller.sendall(b'{"amount"')
        yield caller


class TestAWorkerThatHasServedEnough:
    def test_has_another_in_its_place_before_it_ends(self, key: str, tmp_path: Path) -> None:
        given = environment() | {"WEB_MAX_REQUESTS": "20"}
        with served(given, tmp_path, workers=1) as web:
            with half_a_request(web, key) as caller, requests_without_end(web, key) as answers:
                until(lambda: len(web.workers()) == 2, web)
                answered_once_more(answers)
                caller.sendall(b":1}")
                assert caller.recv(1000).startswith(b"HTTP/1.1 200")
            first = web.workers()[0]
            until(lambda: not psutil.pid_exists(first), web)

        assert set(answers) == {200}


def command_of_child(process: psutil.Popen) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in process.children():
            return list(child.cmdline())
    return []


class TestSigterm:
    def test_ends_the_start_while_it_waits_for_the_database(self) -> None:
        variables = environment() | {
            "DATABASE_URL": f"postgresql://steward@127.0.0.1:{free_port()}/steward",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SECRET_KEY": "for-tests-only",
        }
        process = psutil.Popen(
            ["sh", "deploy/start.sh"],
            cwd=ROOT,
            env=variables,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(lambda: "wait_for_database" in " ".join(command_of_child(process)))

        process.terminate()

        assert process.wait(PATIENCE_SECONDS) == ENDED_BY_SIGTERM
        until(lambda: not alive_in_group(process.pid))

    def test_ends_gunicorn_while_it_loads_the_application(self, tmp_path: Path) -> None:
        web = Web(environment(), tmp_path / "web.log", 1)
        folder = tmp_path / "metrics"  # made at the very beginning
        with web.log_file.open("ab") as log:
            process = subprocess.Popen(
                web.command,
                cwd=ROOT,
                env=web.environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
                stderr=log,
            )
        until(folder.exists, web)
        process.terminate()

        # 0 where the machine was so slow that it served already.
        assert process.wait(PATIENCE_SECONDS) in (ENDED_BY_SIGTERM, 0), web.log


def alive_in_group(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class TestAMasterThatIsKilled:
    def test_leaves_its_port_to_the_next_and_ends_what_was_begun(
        self, key: str, tmp_path: Path
    ) -> None:
        with served(environment(), tmp_path, workers=2) as web:
            until(lambda: len(web.workers()) == 2, web)
            orphans = web.workers()
            with half_a_request(web, key) as caller:
                web.process.kill()
                web.process.wait(PATIENCE_SECONDS)
                until(lambda: web.log.count("Parent changed") == 2, web)
                web.start()
                assert web.process.poll() is None and len(masters(web)) == 2, web.log
                caller.sendall(b":1}")
                answer = caller.recv(1000)
            until(lambda: not any(psutil.pid_exists(pid) for pid in orphans), web)

        assert answer.startswith(b"HTTP/1.1 200")


class TestTheLog:
    def test_is_json_from_its_first_line_to_its_last(self, tmp_path: Path) -> None:
        with served(environment() | {"LOG_FORMAT": "json"}, tmp_path, workers=1) as web:
            web.process.send_signal(signal.SIGHUP)
            until(lambda: len(web.workers()) == 2, web)

        lines = [orjson.loads(line) for line in web.log.splitlines()]
        messages = [line["message"] for line in lines]
        assert messages[0].startswith("Database: ")
        for words in ("Starting gunicorn", "Handling signal: hup", "Shutting down: Master"):
            assert any(message.startswith(words) for message in messages), words


class TestAfterAFork:
    def test_each_process_logs_its_own_pool(self, key: str, tmp_path: Path) -> None:
        given = environment() | {"POOL_LOG_SECONDS": "0.05"}
        with served(given, tmp_path, workers=1) as web:
            assert call(web, key) == 200
            if connection.vendor == "postgresql":
                until(lambda: web.log.count("Pool of default") >= 2, web)
            else:  # which has none
                assert "Pool of" not in web.log

    def test_the_first_callers_meet_nothing_half_made(self, tmp_path: Path) -> None:
        with served(environment(), tmp_path, workers=1) as web:
            found = at_once(lambda number: web.get("/api/v1/schema").status_code, 4)

        assert found == [200] * 4

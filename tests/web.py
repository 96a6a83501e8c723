"""Steward as it is served: gunicorn (or another server) on a free port, and a client for it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import psutil

from tests import forks

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 300
GUNICORN = ["gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Answer:
    """A status, headers and a body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status_code = response.status
        self.headers = response.headers
        self.content = response.read()

    def __getitem__(self, name: str) -> str:
        return self.headers[name]

    def json(self) -> Any:
        return orjson.loads(self.content)


class Web:
    """A running server. `log` is what it has written so far.

    `through` is a command that becomes the server, and what the server may do.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        workers: int,
        server: Sequence[str] = GUNICORN,
        through: Sequence[str] = (),
    ) -> None:
        self.through = through
        self.command = [str(Path(sys.executable).with_name(Path(server[0]).name)), *server[1:]]
        self.port = free_port()
        self.log_file = log
        self.environment = (
            {
                "PROMETHEUS_MULTIPROC_DIR": "",
                "SECRET_KEY": "for-tests-only",
                # As long as the tests' own: they look at what lies there.
                "DEFERRED_WRITE_SECONDS": "0",
            }
            | dict(environment)
            | {"PORT": str(self.port), "WEB_CONCURRENCY": str(workers)}
        )
        if self.command[1:] != GUNICORN[1:]:
            # Its configuration makes a folder for an empty one; others would take it for a folder.
            del self.environment["PROMETHEUS_MULTIPROC_DIR"]
        self.process: Any = None

    def start(self) -> "Web":
        # gunicorn takes it from its configuration.
        port = [] if self.command[1:] == GUNICORN[1:] else ["--port", str(self.port)]
        command = [*self.command, *port]
        with self.log_file.open("ab") as log:
            given: Any = {"env": self.environment, "stderr": log, "start_new_session": True}
            if self.through:
                self.process = subprocess.Popen(
                    [*self.through, *command], cwd=ROOT, stdout=subprocess.DEVNULL, **given
                )
            else:
                self.process = forks.popen(command, **given)
        self.wait_until_it_answers()
        return self

    def wait_until_it_answers(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                if self.get("/health/live").status_code == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)

    def workers(self) -> list[int]:
        """The process ids of the workers that were ever begun."""
        return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.log)]

    def kill_workers(self) -> None:
        """kill -9 of the workers alone; the server makes new ones."""
        for worker in self.living_workers():
            with suppress(psutil.NoSuchProcess):  # it is gone already
                worker.kill()

    def living_workers(self) -> list[psutil.Process]:
        """The workers that there are now; none when the server is gone."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def kill(self) -> None:
        """kill -9 of the server and all its workers at once."""
        with suppress(ProcessLookupError):  # it is gone already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """The log's JSON lines."""
        return [orjson.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, None, **headers)

    def request(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            content = None if body is None else orjson.dumps(body)
            if content is not None:
                named["Content-Type"] = "application/json"
            connection.request(method, path, content, named)
            return Answer(connection.getresponse())
        finally:
            connection.close()


@contextmanager
def served(
    environment: Mapping[str, str],
    folder: Path,
    workers: int = 1,
    server: Sequence[str] = GUNICORN,
    through: Sequence[str] = (),
) -> Iterator[Web]:
    """A server for the time of the block."""
    web = Web(environment, folder / "web.log", workers, server, through)
    try:
        yield web.start()
    finally:
        if web.process is not None:
            if web.process.poll() is None:
                web.stop()
            web.kill()  # workers that a killed one has left

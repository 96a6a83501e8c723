"""Steward as it is served: a real gunicorn of two processes on the test's database."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from tests import processes


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Server:
    """Where it listens, and the key to call it with."""

    port: int
    key: str

    def call(self, method: str, path: str, body: Any = None, *, user_id: str = "ann") -> Reply:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.key}", "X-User-Id": user_id}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(
                method, f"/api/v1{path}", None if body is None else json.dumps(body), headers
            )
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        return Reply(
            response.status, dict(response.getheaders()), json.loads(content) if content else None
        )

    def is_up(self) -> bool:
        try:
            return self.call("GET", "/cache/stats").status == 200
        except OSError:
            return False


@contextmanager
def serve(key: str, **variables: str) -> Iterator[Server]:
    """Serve while the block runs, then stop it as an operator does and wait for its end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = processes.environment() | {
        "BIND": f"127.0.0.1:{port}",
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": "8",
        # Longer than a test: what is written is written when the server stops.
        "DEFERRED_WRITE_SECONDS": "600",
        **variables,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    server = Server(port, key)
    try:
        for _ in range(600):
            if server.is_up():
                break
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=30)

"""A checkout of Steward, or a bare function, under gunicorn; for benchmarks."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from benchmarks.application import SECRET_KEY

STEWARD = ["--config", "config/gunicorn.py", "config.wsgi"]
TEXTS = ("terms", "marketing")


def floor(processes: int, threads: int) -> list[str]:
    """The arguments for the bare function: what config/gunicorn.py sets for Steward."""
    sizes = ["--workers", str(processes), "--threads", str(threads), "--worker-class", "gthread"]
    return [*sizes, "--keep-alive", "75", "--no-control-socket", "benchmarks.floor_wsgi"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment(database_url: str) -> dict[str, str]:
    given = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "LOG_FORMAT": "json"}
    return os.environ | given | {"DJANGO_SETTINGS_MODULE": "config.settings"}


def begin(
    arguments: list[str],
    folder: Path,
    database_url: str,
    port: int,
    sizes: tuple[int, int],
    log: IO[Any],
) -> "subprocess.Popen[bytes]":
    """gunicorn in that folder, once it answers."""
    names = dict(zip(("WEB_CONCURRENCY", "WEB_THREADS"), map(str, sizes), strict=True))
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *arguments],
        cwd=folder, env=environment(database_url) | names | {"WEB_MAX_REQUESTS": "0"},
        stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    for _ in range(300):
        try:
            http.client.HTTPConnection("127.0.0.1", port).request("GET", "/favicon.ico")
            return server
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise SystemExit("gunicorn does not answer")


def prepared(folder: Path, database_url: str) -> str:
    """Migrate the database by the checkout's own commands, publish texts, and make a key."""

    def manage(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=folder, env=environment(database_url),
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return done.stdout

    manage("migrate", "--verbosity=0")
    with tempfile.TemporaryDirectory() as texts:
        for purpose in TEXTS:
            file = Path(texts, f"{purpose}.txt")
            file.write_text(f"What we do with what you say, about {purpose}.\n" * 40)
            manage("publish_policy", str(file), "--purpose", purpose, "--policy-version", "1")
    return manage("create_api_key", "benchmark", "--scopes", "all").splitlines()[-1]

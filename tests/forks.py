"""Processes that are forks of one that has loaded what they begin with.

Loading it takes longer than most of what such a process is started for. `start` is for modules of
the tests, which begin with Steward loaded. `popen` and `run` are for Steward's own programs: these
read their variables and load Steward as any process does, and find loaded only the packages that
Steward stands on, none of which has seen a variable or a setting.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# What takes longest. Not prometheus_client, which asks for a variable while it is loaded.
PACKAGES = [
    "asyncio", "cryptography.x509", "dj_database_url", "environ", "inflection", "jwt",
    "markdown_it", "orjson", "psycopg2.extras", "regex", "requests", "rich.progress", "sqlparse",
    "uritemplate", "uuid_utils.compat", "yaml", "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation", "django.contrib.messages.storage.fallback",
    "django.core.cache.backends.locmem", "django.core.management.commands.runserver",
    "django.core.serializers.json", "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base", "django.db.migrations.executor", "django.db.models",
    "django.forms.models", "django.shortcuts", "django.template.loader", "django.test",
    "django.views.debug", "django.views.generic", "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread", "rest_framework.serializers",
    "sqlalchemy.dialects.postgresql.psycopg2", "whitenoise.middleware",
]  # fmt: skip

# What they are loaded with.
NEUTRAL = ("HOME", "LANG", "PATH", "PYTHONPYCACHEPREFIX", "TMPDIR")


class Fork:
    """A process: what of Popen the tests use."""

    stdin: Any = None
    stdout: Any = None
    stderr: Any = None

    def __init__(
        self, link: socket.socket, request: Mapping[str, Any], stdin: Any, stdout: Any, stderr: Any
    ) -> None:
        self.args = request["command"]
        handed = [self._end("stdin", stdin), self._end("stdout", stdout)]
        handed.append(self._end("stderr", stderr))
        ours, theirs = os.pipe()
        socket.send_fds(link, [json.dumps(request).encode()], [*handed, theirs])
        for one in (*handed, theirs):
            os.close(one)
        self._told = os.fdopen(ours, "rb", buffering=0)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def _end(self, name: str, wanted: Any) -> int:
        """The process's end of it; a pipe's other end is for whoever began it."""
        if wanted is subprocess.PIPE:
            reads, writes = os.pipe()
            ours, theirs = (writes, reads) if name == "stdin" else (reads, writes)
            setattr(self, name, os.fdopen(ours, "w" if name == "stdin" else "r"))
            return theirs
        if wanted is subprocess.DEVNULL:
            return os.open(os.devnull, os.O_RDWR)
        return os.dup(wanted.fileno())

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 1800) -> tuple[str, str]:
        """The rest of what it says. One that takes longer is killed."""
        late = threading.Timer(timeout, self.kill)
        late.start()
        try:
            with self, ThreadPoolExecutor(1) as beside:
                self._close_stdin()
                complaints = beside.submit(_rest, self.stderr)
                return _rest(self.stdout), complaints.result()
        finally:
            late.cancel()

    def __enter__(self) -> "Fork":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._close_stdin()
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        self.wait()

    def _close_stdin(self) -> None:
        if self.stdin is not None:
            with suppress(BrokenPipeError):
                self.stdin.close()


def _rest(pipe: Any) -> str:
    return "" if pipe is None or pipe.closed else str(pipe.read())


class Loaded:
    """A process that has loaded Steward with these variables, or no more than PACKAGES."""

    def __init__(self, environment: Mapping[str, str], *what: str) -> None:
        self.environment = dict(environment)
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.forks", str(theirs.fileno()), *what],
            pass_fds=[theirs.fileno()], env=self.environment, cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        atexit.register(self.end)

    def end(self) -> None:
        self.link.close()
        self.process.wait()


_loaded: dict[str, Loaded] = {}


def _that_loaded(what: str, environment: Mapping[str, str]) -> socket.socket:
    given = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    found = _loaded.get(what)
    if found is None or found.environment != given:
        if found is not None:
            found.end()
        found = _loaded[what] = Loaded(given, what)
    return found.link


def start(environment: Mapping[str, str], module: str, *arguments: str) -> Fork:
    """`python -m module` of the tests with these variables, and pipes to talk to it."""
    link = _that_loaded("steward", environment)
    request = {"command": ["-m", module, *arguments]}
    return Fork(link, request, subprocess.PIPE, subprocess.PIPE, sys.__stderr__)


def popen(
    command: Sequence[str], *, env: Mapping[str, str], stdin: Any = subprocess.DEVNULL,
    stdout: Any = subprocess.DEVNULL, stderr: Any = sys.__stderr__, start_new_session: bool = False,
) -> Fork:  # fmt: skip
    """`python *command` beside manage.py, with these variables and no others."""
    plain = {name: os.environ[name] for name in NEUTRAL if name in os.environ}
    request = {"command": [*command], "env": dict(env), "new_session": start_new_session}
    return Fork(_that_loaded("packages", plain), request, stdin, stdout, stderr)


def run(
    command: Sequence[str], env: Mapping[str, str], *, timeout: float = 1800
) -> "subprocess.CompletedProcess[str]":
    """`python *command` to its end. One that takes longer is killed."""
    process = popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, complained = process.communicate(timeout)
    return subprocess.CompletedProcess(process.args, process.wait(), said, complained)


def _serve(link: socket.socket, what: str) -> None:
    gc.disable()
    if what == "steward":
        import django

        django.setup()
        import config.urls  # noqa: F401
        import tests.client  # noqa: F401
    else:
        for package in PACKAGES:
            importlib.import_module(package)
    gc.enable()
    gc.freeze()

    while True:
        request, handed, _, _ = socket.recv_fds(link, 1_000_000, 4)
        if not request:
            return
        if os.fork() == 0:
            link.close()
            _watch_over(json.loads(request), *handed)
            return
        for one in handed:
            os.close(one)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _watch_over(request: Any, stdin: int, stdout: int, stderr: int, told: int) -> None:
    """The fork itself in the new process; in this one, say its number and how it ended."""
    pid = os.fork()
    if pid == 0:
        os.close(told)
        _become(request, stdin, stdout, stderr)
        return
    for one in (stdin, stdout, stderr):
        os.close(one)
    with suppress(BrokenPipeError):  # whoever began it is gone
        os.write(told, b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request: Any, *files: int) -> None:
    for known, given in enumerate(files):
        os.dup2(given, known)
        os.close(given)
    if request.get("new_session"):
        os.setsid()
    if "env" in request:
        os.environ.clear()
        os.environ.update(request["env"])
        sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(":") if path]
    first, *rest = request["command"]
    if first == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])

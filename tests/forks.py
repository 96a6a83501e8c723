"""Processes that begin with Django loaded: one loads it, and each is a fork of that one.

Loading takes longer than most of what such a process is started for. A fork has its own
connections, since the one that loads opens none.
"""

import atexit
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class Fork:
    """`python -m module` as a fork, with pipes to talk to it: what of Popen the tests use."""

    def __init__(self, link: socket.socket, module: str, *arguments: str) -> None:
        (their_in, our_in), (our_out, their_out), (ours, theirs) = os.pipe(), os.pipe(), os.pipe()
        handed = [their_in, their_out, theirs]
        socket.send_fds(link, [json.dumps([module, *arguments]).encode()], handed)
        for one in handed:
            os.close(one)
        self.stdin: Any = os.fdopen(our_in, "w")
        self.stdout: Any = os.fdopen(our_out)
        self._told = os.fdopen(ours, "rb", buffering=0)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self, timeout: float = 600) -> tuple[str, None]:
        """The rest of what it says. One that takes longer is killed."""
        late = threading.Timer(timeout, self.kill)
        late.start()
        try:
            with self:
                self._close_stdin()
                return "" if self.stdout.closed else self.stdout.read(), None
        finally:
            late.cancel()

    def __enter__(self) -> "Fork":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._close_stdin()
        self.stdout.close()
        self.wait()

    def _close_stdin(self) -> None:
        with suppress(BrokenPipeError):
            self.stdin.close()


class Loaded:
    """The process that has loaded Django with these variables."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.forks", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], env=self.environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        atexit.register(self.end)

    def end(self) -> None:
        self.link.close()
        self.process.wait()


_loaded: Loaded | None = None


def start(environment: Mapping[str, str], module: str, *arguments: str) -> Fork:
    """`python -m module` with these variables."""
    global _loaded
    given = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    if _loaded is None or _loaded.environment != given:
        if _loaded is not None:
            _loaded.end()
        _loaded = Loaded(given)
    return Fork(_loaded.link, module, *arguments)


def _serve(link: socket.socket) -> None:
    import django

    django.setup()
    import config.urls  # noqa: F401
    import tests.client  # noqa: F401

    while True:
        request, handed, _, _ = socket.recv_fds(link, 100_000, 3)
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


def _watch_over(command: list[str], stdin: int, stdout: int, told: int) -> None:
    """The fork itself in the new process; in this one, say its number and how it ended."""
    pid = os.fork()
    if pid == 0:
        os.close(told)
        _become(command, stdin, stdout)
        return
    os.close(stdin)
    os.close(stdout)
    os.write(told, b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(command: list[str], stdin: int, stdout: int) -> None:
    for given, known in ((stdin, 0), (stdout, 1)):
        os.dup2(given, known)
        os.close(given)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))

"""What goes wrong beneath a site while clients write: eight kinds of it, and each one's end.

A fault is made, lasts, and is taken back, whatever happens meanwhile. That all is well afterwards
is left to Steward, and to what would start a process again that ended.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.operations.clock import COMPILER, Clock
from tests.operations.proxy import Proxy, proxy
from tests.operations.server import environment_of, postgresql, prepared
from tests.operations.survival import Load, Site
from tests.web import served

Fault = Callable[[Load], None]

HOUR = 3600
WORKERS = 2
DISK_BYTES = 320 * 1024 * 1024
# What outlives the longest of these has outlived every limit of time: `LASTING_SECONDS` does.
LIMITS = {
    "GUNICORN_CMD_ARGS": "--timeout 8",
    "SQLITE_TIMEOUT": "2",
    "DB_CONNECT_TIMEOUT": "2",
    "DB_POOL_TIMEOUT": "2",
    "DB_LOCK_TIMEOUT": "1",
    "DB_STATEMENT_TIMEOUT": "2",
    "DB_IDLE_TRANSACTION_TIMEOUT": "3",
}
LASTING_SECONDS = 6
READ_ONLY = (
    "ALTER SYSTEM SET default_transaction_read_only = on",
    "SELECT pg_reload_conf()",
)
WRITABLE = (
    "SET default_transaction_read_only = off",
    "ALTER SYSTEM RESET default_transaction_read_only",
    "SELECT pg_reload_conf()",
)

# Root's capability CAP_DAC_OVERRIDE (1) is taken from what follows: PR_CAPBSET_DROP (24).
WITHOUT_OVERRIDE = """
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0):
    raise OSError(ctypes.get_errno(), "CAP_SETPCAP is needed")
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Place(Site):
    """A site, with all that can go wrong beneath it; None where this machine cannot make it so."""

    key: str
    network: Proxy | None
    clock: Clock | None
    disk: Path | None

    def faults(self) -> dict[str, Fault | None]:
        """By name; None is one that cannot be made on this machine."""
        everywhere: dict[str, Fault | None] = {
            "workers killed": lambda load: self.kill_workers(),
            "master killed": lambda load: self.kill_web(),
            "worker stopped, goes on": self.stop_worker,
            "worker stopped, is replaced": self.stop_worker_for_good,
            "disk full": self.fill_disk if self.disk else None,
            "database read-only": self.make_read_only,
            "clock wrong by an hour": self.set_clock if self.clock else None,
        }
        if self.postgresql is None:
            return everywhere
        return everywhere | {
            "database killed": lambda load: self.kill_database(),
            "database and master killed": lambda load: self.kill_both(),
            "database stopped": self.stop_database,
            "connections cut": self.cut_connections,
        }

    def stop_worker(self, load: Load) -> None:
        """SIGSTOP, and SIGCONT after every time limit but the master's for its workers."""
        with self._one_worker_stopped():
            time.sleep(LASTING_SECONDS)

    def stop_worker_for_good(self, load: Load) -> None:
        """SIGSTOP, until the master has another one in its place."""
        begun = len(self.web.workers())
        with self._one_worker_stopped():
            load.wait_until(lambda: len(self.web.workers()) > begun)

    @contextmanager
    def _one_worker_stopped(self) -> Iterator[None]:
        worker = self.web.living_workers()[0]
        worker.suspend()
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):  # the master's patience was at its end
                worker.resume()

    def stop_database(self, load: Load) -> None:
        assert self.postgresql
        self.postgresql.freeze()
        try:
            time.sleep(LASTING_SECONDS)
        finally:
            self.postgresql.thaw()

    def cut_connections(self, load: Load) -> None:
        """Nothing arrives on either way, and no connection ends."""
        assert self.network
        self.network.cut()
        try:
            time.sleep(LASTING_SECONDS)
        finally:
            self.network.mend()

    def fill_disk(self, load: Load) -> None:
        """To the last byte. A database server that gives up is started again, as kills are."""
        assert self.disk
        filling = self.disk / "filling"
        try:
            fill(filling)
            load.wait_for_refusals()
            time.sleep(LASTING_SECONDS)
        finally:
            filling.unlink(missing_ok=True)
        if self.postgresql:
            self.postgresql.start()

    def make_read_only(self, load: Load) -> None:
        """PostgreSQL says so itself. SQLite's files and folder have modes that say so.

        Open files are not asked for their modes again: new workers come, as after a restart.
        """
        with self._read_only():
            if not self.postgresql:
                self.kill_workers()
            load.wait_for_refusals()
            time.sleep(LASTING_SECONDS)

    @contextmanager
    def _read_only(self) -> Iterator[None]:
        if not self.postgresql:
            with read_only(Path(self.database_url.removeprefix("sqlite:///"))):
                yield
            return
        self.postgresql.execute(*READ_ONLY)
        try:
            yield
        finally:
            self.postgresql.execute(*WRITABLE)

    def set_clock(self, load: Load) -> None:
        """Fast by an hour, then slow by an hour, then right: jumps of one, two and one."""
        assert self.clock
        try:
            for shift in (HOUR, -HOUR):
                self.clock.set(shift)
                load.wait_for_everybody()
        finally:
            self.clock.set(0)


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    """A file of SQLite's, and those beside it, in a folder: nobody may write, for the block."""
    before = {
        path: path.stat().st_mode for path in (file.parent, *file.parent.glob(f"{file.name}*"))
    }
    for path, mode in before.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in before.items():
            with suppress(FileNotFoundError):
                path.chmod(mode)


def fill(file: Path) -> None:
    """Write the file until there is no room, not for a single byte."""
    with file.open("wb", buffering=0) as filling:
        for size in (1024 * 1024, 4096, 1):
            with suppress(OSError):
                while True:
                    filling.write(bytes(size))


@contextmanager
def place(engine: str, **limits: str) -> Iterator[Place]:
    """A site of that engine for the time of the block; nothing is left of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steward-faults-")))
        folder.chmod(0o755)  # as root the database server runs as a user of its own
        disk = stack.enter_context(small_disk(folder / "disk"))
        clock = Clock(folder) if COMPILER else None
        time_told = clock.environment if clock else {}
        server = network = None
        if engine == "postgresql":
            server = stack.enter_context(postgresql(folder / "disk", time_told))
            network = stack.enter_context(proxy(server))
        url = server.url if server else f"sqlite:///{folder / 'disk' / 'records.sqlite3'}"
        key = prepared(environment_of(url))
        environment = environment_of(network.url if network else url) | LIMITS | limits | time_told
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "metrics")
        web = stack.enter_context(
            served(environment, folder, workers=WORKERS, through=bound_by_modes())
        )
        yield Place(web, url, server, key, network, clock, disk)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A folder that is a disk of its own and can be full; None where none can be mounted."""
    folder.mkdir(mode=0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "tmpfs", folder],
        capture_output=True,
    )
    try:
        yield folder if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=False)


def bound_by_modes() -> list[str]:
    """What a server is started through so that files' modes bind it, even as root."""
    return [sys.executable, "-c", WITHOUT_OVERRIDE] if os.geteuid() == 0 else []

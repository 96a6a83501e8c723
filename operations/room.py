"""How large the database is, and how much room is left for it: what SQLite's folder can tell.

Of a server's disk its clients know nothing.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from django.db import OperationalError, connection
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from operations import in_time

# How long the folder has to answer, which may lie beyond a network.
FOLDER_SECONDS = 0.5


def of_file() -> dict[str, int]:
    """The bytes of SQLite's file, and those that are free for it.

    Raises OSError where its folder cannot be read.
    """
    file = Path(str(connection.settings_dict["NAME"]))
    return {
        "free_bytes": shutil.disk_usage(file.parent).free,
        "database_bytes": _byte_size(file) + _byte_size(file.with_name(f"{file.name}-wal")),
    }


def _byte_size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # the -wal goes with its last reader
        return 0


class Room(Collector):
    """The same for Prometheus; nothing where it is not known."""

    def collect(self) -> Iterable[Metric]:
        found = self._found()
        for name, fact, title in (
            ("database_free_bytes", "free_bytes", "Free for the database's file."),
            ("database_bytes", "database_bytes", "The database's file and its -wal."),
        ):
            yield GaugeMetricFamily(f"steward_{name}", title, found.get(fact))

    def _found(self) -> dict[str, int]:
        if connection.vendor != "sqlite":
            return {}
        try:
            return in_time.ask(of_file, seconds=FOLDER_SECONDS)
        except (OSError, OperationalError):
            return {}

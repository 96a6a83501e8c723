"""What /metrics tells of this server as a whole, read when it is asked: its processes and build."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

import django
from django.db import connection
from prometheus_client import Metric, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from operations.release import release

# gunicorn's master, once a worker has said so (config/gunicorn.py).
master: int | None = None


def family() -> list[int]:
    """This server's processes: the master and its workers, or the one that there is."""
    if master is None:
        return [os.getpid()]
    try:
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    except OSError:  # no Linux, or the master has just gone
        return [os.getpid()]
    return [master, *(int(child) for child in children)]


class Processes(Collector):
    """Memory and files of them all. Which process it is has no label: workers come and go."""

    def collect(self) -> Iterable[Metric]:
        memory_bytes, open_files, fullest, number = 0.0, 0.0, 0.0, 0
        for pid in family():
            values = _values(pid)
            if "process_open_fds" not in values:  # it has just gone
                continue
            number += 1
            memory_bytes += values["process_resident_memory_bytes"]
            open_files += values["process_open_fds"]
            fullest = max(fullest, values["process_open_fds"] / values["process_max_fds"])
        for name, title, value in (
            ("processes", "Processes of this server, the master included.", number),
            ("process_memory_bytes", "Their memory; what two share counts twice.", memory_bytes),
            ("process_open_files", "Files and connections that they have open.", open_files),
            ("process_open_files_ratio", "The same to the limit, where it is highest.", fullest),
        ):
            yield GaugeMetricFamily(f"steward_{name}", title, value)


def _values(pid: int) -> dict[str, float]:
    found = ProcessCollector(pid=lambda: pid, registry=None).collect()
    return {sample.name: sample.value for metric in found for sample in metric.samples}


class Build(Collector):
    """Which Steward this is."""

    def collect(self) -> Iterable[Metric]:
        metric = GaugeMetricFamily(
            "steward_build_info",
            "Always 1; the labels say what runs.",
            labels=("version", "python", "django", "engine"),
        )
        metric.add_metric(
            (release(), platform.python_version(), django.__version__, connection.vendor), 1
        )
        yield metric

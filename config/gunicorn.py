"""How gunicorn serves Steward; `gunicorn -c config/gunicorn.py config.wsgi`.

Threads (gthread): nearly the speed of the sync worker, and no collapse when a statement waits. Keep
threads at or below the pool (5 + 10), so that no request waits for a connection.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
# Longer than clients and proxies keep a connection for its next request: whoever closes first
# while the other one sends loses a POST that nobody may repeat.
keepalive = int(os.environ.get("WEB_KEEPALIVE_SECONDS", "75"))
graceful_timeout = 30
# Recycled now and then against slow leaks, not all at once.
max_requests = 100_000
max_requests_jitter = 10_000
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  (heartbeats)
control_socket_disable = True
# The longest that gunicorn allows, for searches. SCRIPT_NAME and PATH_INFO are no header's matter.
limit_request_line = 8190
forwarder_headers = ""

# The workers' numbers for /metrics lie in files that all of them read. The package decides when it
# is imported, by this variable, so that it stands here and not in the settings.
METRICS_DIR, MADE_BY = "PROMETHEUS_MULTIPROC_DIR", "STEWARD_METRICS_DIR_MADE_BY"
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""):
    os.environ[METRICS_DIR] = tempfile.mkdtemp(prefix="steward-metrics-", dir=worker_tmp_dir)
    os.environ[MADE_BY] = str(os.getpid())


def on_starting(server: Any) -> None:
    """Numbers of an earlier run are none of this one. An upgrade (USR2) shares them with it."""
    folder = Path(os.environ[METRICS_DIR])
    folder.mkdir(parents=True, exist_ok=True)
    if "GUNICORN_PID" not in os.environ:
        for file in folder.glob("*.db"):
            file.unlink()


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest number that no living one has: it goes on with that one's file.

    Files by process id would grow by some with every worker that is recycled.
    """
    taken = {other.metrics_number for other in server.WORKERS.values()}
    worker.metrics_number = next(n for n in range(1, len(taken) + 2) if n not in taken)


def post_fork(server: Any, worker: Any) -> None:
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call]
        lambda: worker.metrics_number
    )


def pre_request(worker: Any, request: Any) -> None:
    from common import headers

    headers.mark_repeated(request.headers)


def post_worker_init(worker: Any) -> None:
    """What gunicorn refuses by itself is answered as what Steward refuses; /metrics knows us."""
    from gunicorn import util

    from operations import metrics, processes, refusals

    util.write_error = refusals.write
    processes.master = worker.ppid
    metrics.THREADS.set(threads)


def child_exit(server: Any, worker: Any) -> None:
    """Its counts stay; what it had of the pool is gone with it."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.metrics_number)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    # After an upgrade (USR2) the new server goes on with the folder.
    if not server.reexec_pid and MADE_BY in os.environ and os.environ[MADE_BY] == str(os.getpid()):
        shutil.rmtree(os.environ[METRICS_DIR], ignore_errors=True)

"""How gunicorn serves Steward; `gunicorn -c config/gunicorn.py config.wsgi`.

The application is loaded once, by the master, and its workers are forks of it: a new one serves at
once. HUP replaces them all; USR2 begins a new server, with new code, which ends this one when it is
ready.

Threads (gthread): nearly the speed of the sync worker, and no collapse when a statement waits. Keep
threads at or below the pool (5 + 10), so that no request waits for a connection.
"""

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
preload_app = True
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
# Longer than clients and proxies keep a connection for its next request: whoever closes first
# while the other one sends loses a POST that nobody may repeat.
keepalive = int(os.environ.get("WEB_KEEPALIVE_SECONDS", "75"))
graceful_timeout = 30
# Recycled now and then against slow leaks, not all at once.
max_requests = int(os.environ.get("WEB_MAX_REQUESTS", "100000"))
max_requests_jitter = max_requests // 10
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  (heartbeats)
control_socket_disable = True
# The longest that gunicorn allows, for searches. SCRIPT_NAME and PATH_INFO are no header's matter.
limit_request_line = 8190
forwarder_headers = ""

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
    # Until gunicorn has its own: as a container's first process this would be deaf to it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def remove_metrics(folder: str, made_by: int) -> None:
    if os.getpid() == made_by:  # not at a worker's end
        shutil.rmtree(folder, ignore_errors=True)


# The workers' numbers for /metrics lie in files that all of them read. The package decides when it
# is imported, by this variable, so that it stands here and not in the settings.
METRICS_DIR, MADE_BY = "PROMETHEUS_MULTIPROC_DIR", "STEWARD_METRICS_DIR_MADE_BY"
# One that another server made for itself came with its upgrade, and goes with it.
anothers = MADE_BY in os.environ and os.environ[MADE_BY] != str(os.getpid())
if anothers or not os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""):
    os.environ[METRICS_DIR] = tempfile.mkdtemp(prefix="steward-metrics-", dir=worker_tmp_dir)
    os.environ[MADE_BY] = str(os.getpid())
    atexit.register(remove_metrics, os.environ[METRICS_DIR], os.getpid())
Path(os.environ[METRICS_DIR]).mkdir(parents=True, exist_ok=True)

from config import worker as workers_own  # noqa: E402  (writes into the folder)

worker_class = workers_own.Worker


def on_starting(server: Any) -> None:
    """Numbers of an earlier run are none of this one. An upgrade (USR2) adds to them."""
    folder = Path(os.environ[METRICS_DIR])
    if not server.master_pid:
        for file in folder.glob("*.db"):
            file.unlink()
    numbers = [int(file.stem.rpartition("_")[2]) for file in folder.glob("*.db")]
    workers_own.first_metrics_number = max(numbers, default=0) + 1


def when_ready(server: Any) -> None:
    """Listens, and has loaded everything: workers come next."""
    server.handle_rtmin = server.spawn_worker  # managing the workers then ends the oldest
    signal.signal(workers_own.REPLACE_OLDEST, server.signal)
    # Objects that a collection never looks at stay in memory that all workers share.
    gc.collect()
    gc.freeze()
    if server.master_pid:
        from gunicorn import systemd

        systemd.sd_notify(f"MAINPID={server.pid}", server.log)
        os.kill(server.master_pid, signal.SIGTERM)


def on_reload(server: Any) -> None:
    """The log was set up anew, as gunicorn's own."""
    from operations import start

    start.take_over_gunicorns_log()


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest number that no living one has: it goes on with that one's file."""
    worker.metrics_number = workers_own.lowest_free_number(
        {other.metrics_number for other in server.WORKERS.values()}
    )


def post_fork(server: Any, worker: Any) -> None:
    workers_own.metrics_number = worker.metrics_number


def pre_request(worker: Any, request: Any) -> None:
    from common.api import headers

    headers.mark_repeated(request.headers)


def post_worker_init(worker: Any) -> None:
    """What gunicorn refuses by itself is answered as what Steward refuses; /metrics knows us."""
    from gunicorn import util

    from operations import processes, refusals, start

    util.write_error = refusals.write
    processes.master = worker.ppid
    start.serve_with(threads)


def child_exit(server: Any, worker: Any) -> None:
    """Its counts stay; what it had of the pool is gone with it."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.metrics_number)  # type: ignore[no-untyped-call]

"""How gunicorn serves Steward; `gunicorn -c config/gunicorn.py config.wsgi`.

Threads (gthread): nearly the speed of the sync worker, and no collapse when a statement waits. Keep
threads at or below the pool (5 + 10), so that no request waits for a connection.
"""

import os

bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 30
# Recycled now and then against slow leaks, not all at once.
max_requests = 100_000
max_requests_jitter = 10_000
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  (heartbeats)
control_socket_disable = True
# The longest that gunicorn allows, for searches. SCRIPT_NAME and PATH_INFO are no header's matter.
limit_request_line = 8190
forwarder_headers = ""

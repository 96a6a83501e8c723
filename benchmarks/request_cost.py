"""What the log, the id and the metrics add to a request: `python -m benchmarks.request_cost`.

Calls the WSGI application in this process, `/health/live` with and without our middleware and the
statement observer with and without, in turns; microseconds of CPU a request, best of the rounds.
Metrics are in files, as under gunicorn; the log goes to a file.
"""

import io
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="steward-metrics-")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SECRET_KEY", "for-a-benchmark")
os.environ.setdefault("LOG_FORMAT", "json")

ROUNDS, CALLS = 15, 2000


def application(with_middleware: bool) -> Any:
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import override_settings

    from config import settings

    chosen = [
        name
        for name in settings.MIDDLEWARE
        if with_middleware or name != "operations.middleware.RequestMiddleware"
    ]
    with override_settings(MIDDLEWARE=chosen):
        return WSGIHandler()


def microseconds(handler: Any) -> float:
    """CPU of one request, on the average of many."""
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/health/live", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }  # fmt: skip
    begun = time.process_time()
    for _ in range(CALLS):
        response = handler({**environ, "wsgi.input": io.BytesIO()}, lambda *arguments: None)
        b"".join(response)
        response.close()
    return (time.process_time() - begun) / CALLS * 1e6


def observer_microseconds() -> float:
    from operations import statements

    def execute(*arguments: Any) -> None: ...

    best = 1e9
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(CALLS):
            statements.observe(execute, "SELECT 1", None, False, {})
        best = min(best, (time.process_time() - begun) / CALLS * 1e6)
    return best


def main() -> None:
    import logging

    import django

    django.setup()
    [handler] = logging.getLogger().handlers
    handler.setStream(Path(os.devnull).open("w"))  # type: ignore[attr-defined]  # noqa: SIM115
    plain, ours = application(False), application(True)
    without, with_ours = 1e9, 1e9
    for _ in range(ROUNDS):
        without = min(without, microseconds(plain))
        with_ours = min(with_ours, microseconds(ours))
    print(f"a request without: {without:.0f} us, with: {with_ours:.0f} us,", end=" ")
    print(f"added: {with_ours - without:.0f} us")
    print(f"the observer, for each statement: {observer_microseconds():.1f} us")


if __name__ == "__main__":
    main()

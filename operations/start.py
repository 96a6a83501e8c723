"""What happens when the web application starts: it refuses what is wrong, and says what it uses."""

import logging
import sys
import threading
from typing import Any

from django.conf import settings
from django.core import checks, signals
from django.core.cache import close_caches
from django.db import close_old_connections, connection, reset_queries

from common.metrics import make_all
from operations import logs, metrics, traces

logger = logging.getLogger(__name__)

# gunicorn's own code for "do not try again with another worker" (APP_LOAD_ERROR).
EXIT_CODE = 4


def refuse_errors() -> None:
    """Run the system checks; print each error as a sentence with its cure, and end the process."""
    messages = checks.run_checks()
    for message in messages:
        if message.level >= checks.WARNING:
            print(f"{message.id}: {message.msg} {message.hint or ''}", file=sys.stderr, flush=True)
    if any(message.is_serious() for message in messages):
        sys.exit(EXIT_CODE)


def log_choices() -> None:
    """Log which database is in use, without its password, and what suits a first look only."""
    if not settings.SECRET_KEY_GIVEN:
        logger.warning(
            "SECRET_KEY is not set: each process makes its own, and log-ins end with it."
            " Set it, or put it into .env (`make run` does)."
        )
    logger.info("Database: %s", database_in_use())


def database_in_use() -> str:
    """The database in words, without its password."""
    database: dict[str, Any] = dict(settings.DATABASES["default"])
    if connection.vendor == "sqlite":
        return f"SQLite, {database['NAME']}"
    pool = database["POOL"]
    host, port = database["HOST"] or "the local socket", database["PORT"] or 5432
    pooled = f"pool of {pool['pool_size']} + {pool['max_overflow']}" if pool else "no pool"
    return f"PostgreSQL, {database['NAME']} on {host}:{port}, {pooled}"


def serve() -> None:
    """From here on this process answers requests: its statements have limits, its pool is seen.

    Or its forks do. A thread would not be in them, so that none is begun before there is a pool.
    """
    make_all()
    _end_requests_once()
    take_over_gunicorns_log()
    traces.connect()
    if connection.vendor == "postgresql":
        _limit_and_watch_connections()


def serve_with(threads: int) -> None:
    """This process answers with so many threads, the same ones as long as it lives."""
    metrics.THREADS.set(threads)
    if connection.vendor == "postgresql":
        from operations.postgresql import base

        base.serving_threads = threads


def _limit_and_watch_connections() -> None:
    from operations.postgresql import base  # which SQLite would load for nothing

    base.limits_hold = True
    base.observer = metrics.PoolGauges()
    if settings.POOL_LOG_SECONDS:
        base.first_pool_made = _begin_pool_log


def _end_requests_once() -> None:
    """What Django does at the beginning of a request it has done at the end of the one before.

    There is no cache to close either, and statements are kept for DEBUG alone.
    """
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_caches)
    if not settings.DEBUG:
        signals.request_started.disconnect(reset_queries)


def _begin_pool_log() -> None:
    threading.Thread(target=_log_pool_for_ever, name="pool-log", daemon=True).start()


def take_over_gunicorns_log() -> None:
    """What gunicorn says in this process takes our format."""
    gunicorn = logging.getLogger("gunicorn.error")
    if gunicorn.handlers:
        gunicorn.handlers.clear()
        gunicorn.propagate = True
        gunicorn.addFilter(logs.WithoutQueries())


def _log_pool_for_ever() -> None:
    never = threading.Event()
    while not never.wait(settings.POOL_LOG_SECONDS):
        log_pool()


def log_pool() -> None:
    """Log the numbers of this process's pools."""
    from operations.postgresql import base

    for numbers in base.statistics():
        fields = {
            "size": numbers.size,
            "checked_in": numbers.checked_in,
            "checked_out": numbers.checked_out,
            "overflow": numbers.overflow,
        }
        level = logging.WARNING if numbers.is_busy else logging.INFO
        logger.log(level, "Pool of %s", numbers.alias, extra={"fields": fields})

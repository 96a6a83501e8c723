"""Django's PostgreSQL engine (psycopg2) over a pool of connections (SQLAlchemy's QueuePool).

A new connection costs about 3.5 ms of CPU, ten times a small request; the pool gives each request
one that is open already. Without DATABASES' `POOL` it is Django's own engine, for use behind
PgBouncer. A pool belongs to one process, one alias and one set of connection parameters: a forked
child never uses its parent's sockets, and a test database never the real one.

DATABASES' `LIMITS` are PostgreSQL's own settings, in milliseconds. They hold for the connections of
the web application alone: a command may take its time.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg2.extras
from django.db.backends.postgresql import base
from django.db.utils import OperationalError
from django.utils.functional import cached_property
from sqlalchemy import event, exc, pool
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from operations import failed_writes, statements
from operations.postgresql import prepared

# The alias Django uses to make and drop test databases; it must not hold connections.
UNPOOLED_ALIAS = "__no_db__"

# Above this part of all its connections a pool is near its end.
BUSY = 0.8

# A thread that serves keeps its connection where the threads take this part of the pool at most:
# the rest is for whoever asks beside them, such as a probe.
KEPT_BY_THREADS = 2 / 3

PoolKey = tuple[str, tuple[tuple[str, str], ...]]

_pools: dict[PoolKey, pool.QueuePool] = {}
_lock = threading.Lock()
_telling = threading.Lock()


class Observer(Protocol):
    """Who wants to know what the pools of this process do."""

    def changed(self, size: int, checked_out: int, overflow: int) -> None: ...

    def waited(self, seconds: float, in_vain: bool) -> None: ...


observer: Observer | None = None
# Called once in each process, with its first pool.
first_pool_made: Callable[[], None] | None = None
_made_one = False
limits_hold = False
# How many threads this process serves with, the same ones as long as it lives; 0: not known.
serving_threads = 0


class PoolExhausted(OperationalError):
    """No connection came back within the pool's timeout; the API answers 503 with Retry-After."""


@dataclass(frozen=True)
class PoolStatistics:
    """Numbers of one pool in this process. `overflow`: open connections beyond `size`."""

    alias: str
    size: int
    checked_in: int
    checked_out: int
    overflow: int
    max_overflow: int

    @property
    def is_exhausted(self) -> bool:
        """Whether the next one must wait."""
        return self.checked_out >= self.size + self.max_overflow

    @property
    def is_busy(self) -> bool:
        """Whether it is near its end."""
        return self.checked_out > BUSY * (self.size + self.max_overflow)


def statistics() -> list[PoolStatistics]:
    """The pools of this process."""
    return [
        PoolStatistics(
            alias,
            size=connections.size(),
            checked_in=connections.checkedin(),
            checked_out=connections.checkedout(),
            # QueuePool counts up from -size until the pool is full.
            overflow=max(connections.overflow(), 0),
            max_overflow=connections._max_overflow,
        )
        for (alias, _), connections in list(_pools.items())
    ]


def _tell_of_change() -> None:
    if observer is None:
        return
    # One after the other, so that the last one told is the last one that was true.
    with _telling:
        all_pools = statistics()
        observer.changed(
            size=sum(one.size for one in all_pools),
            checked_out=sum(one.checked_out for one in all_pools),
            overflow=sum(one.overflow for one in all_pools),
        )


def _tell_of_first_pool() -> None:
    global _made_one
    if not _made_one and first_pool_made is not None:
        first_pool_made()
    _made_one = True


def dispose(alias: str) -> None:
    """Close the idle connections of this alias; those in use close when they come back."""
    for key in [key for key in _pools if key[0] == alias]:
        _pools.pop(key).dispose()


def _forget_parents_pools() -> None:
    global _lock, _telling, _made_one
    _lock, _telling, _made_one = threading.Lock(), threading.Lock(), False
    _pools.clear()


os.register_at_fork(after_in_child=_forget_parents_pools)


class DatabaseWrapper(base.DatabaseWrapper):
    _pooled: Any = None
    _seen_at = 0.0
    health_check_done: bool  # Django's

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(statements.observe)

    @cached_property
    def wrap_database_errors(self) -> failed_writes.ErrorWrapper:
        return failed_writes.ErrorWrapper(self)

    def connect(self) -> None:
        super().connect()
        if self._pooled is not None and self._stays_with_thread():
            # Instead of coming from the pool for each request and going back after it.
            recycle = self.settings_dict["POOL"]["recycle"]
            self.close_at = time.monotonic() + recycle if recycle >= 0 else None
            self.health_check_enabled = True
            self._seen_at = time.monotonic()

    def _stays_with_thread(self) -> bool:
        options = self.settings_dict["POOL"]
        connections = options["pool_size"] + options["max_overflow"]
        return 0 < serving_threads <= KEPT_BY_THREADS * connections

    def close_if_health_check_failed(self) -> None:
        """Django asks before the first statement of each request; we do after idleness alone."""
        if self.health_check_enabled and not self.health_check_done and self._pooled is not None:
            idle_seconds, self._seen_at = time.monotonic() - self._seen_at, time.monotonic()
            ping_after = self.settings_dict["POOL"]["ping_after_idle_seconds"]
            self.health_check_done = idle_seconds < ping_after
        super().close_if_health_check_failed()

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        wanted = dict(self.settings_dict.get("PLANNER") or {})
        if limits_hold:
            wanted |= self.settings_dict.get("LIMITS") or {}
        # At the start of the session: a later SET would outlast it in the pool.
        asked = " ".join(f"-c {name}={value}" for name, value in wanted.items() if value)
        if asked:
            params["options"] = f"{asked} {params.get('options', '')}".strip()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if not self.settings_dict.get("POOL") or self.alias == UNPOOLED_ALIAS:
            return self._connect(conn_params)
        connections = self._pool(conn_params)
        waits = connections.overflow() >= connections._max_overflow and not connections.checkedin()
        begun = time.monotonic()
        in_vain = False
        try:
            self._pooled = connections.connect()
        except exc.TimeoutError as error:
            in_vain = True
            raise PoolExhausted("All connections of the pool are in use.") from error
        finally:
            if waits and observer is not None:
                observer.waited(time.monotonic() - begun, in_vain)
        _tell_of_change()
        return self._pooled.driver_connection

    def _connect(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        # JSON columns come as text, as they do on SQLite: common.models decides whether to parse.
        psycopg2.extras.register_default_json(conn_or_curs=connection, loads=lambda text: text)
        return connection

    def _pool(self, conn_params: dict[str, Any]) -> pool.QueuePool:
        key = (
            self.alias,
            tuple(sorted((name, str(value)) for name, value in conn_params.items())),
        )
        if key not in _pools:
            with _lock:
                if key not in _pools:
                    _pools[key] = _make_pool(
                        lambda: self._connect(conn_params | prepared.FACTORIES),
                        self.Database,
                        **self.settings_dict["POOL"],
                    )
                    _tell_of_first_pool()
        return _pools[key]

    def _close(self) -> None:
        if self._pooled is None:
            return super()._close()  # type: ignore[misc]
        pooled, self._pooled = self._pooled, None
        with self.wrap_database_errors:
            if self._pool_left_by(pooled):
                pooled.invalidate()
            pooled.close()
        _tell_of_change()

    @staticmethod
    def _pool_left_by(pooled: Any) -> bool:
        """Whether the connection's pool was disposed of: then nobody would ever close it."""
        return pooled._pool not in _pools.values()

    def close_pool(self) -> None:
        # Django calls this before it copies or drops a test database.
        dispose(self.alias)


def _make_pool(
    connect: Callable[[], Any], database: Any, *, ping_after_idle_seconds: float, **options: Any
) -> pool.QueuePool:
    dialect: Any = PGDialect_psycopg2(dbapi=database)  # type: ignore[no-untyped-call]
    connections = pool.QueuePool(connect, dialect=dialect, **options)

    @event.listens_for(connections, "checkin")
    def note_time(connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(connections, "checkout")
    def ping_if_idle(connection: Any, record: Any, proxy: Any) -> None:
        # A ping costs a round trip, so that connections in steady use are spared it.
        idle_since = record.info.get("idle_since")
        if idle_since is None or time.monotonic() - idle_since < ping_after_idle_seconds:
            return
        try:
            dialect.do_ping(connection)
        except database.Error as error:
            raise exc.DisconnectionError from error  # the pool opens a new one and tries again

    return connections

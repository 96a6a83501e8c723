"""Facts that requests note in memory and a thread writes a little later, off the request's way.

For what may be late and may lose one interval in a crash: last uses, counters. An UPDATE on every
read would make the read nine times dearer (measured on PostgreSQL).
"""

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from common import metrics

logger = logging.getLogger(__name__)

Key = TypeVar("Key")
Value = TypeVar("Value")

MAX_WAITING = 200
_all: "weakref.WeakSet[WriteBehind[Any, Any]]" = weakref.WeakSet()
_telling = threading.Lock()


def _waiting_changed() -> None:
    # Counted and told in one go: of two threads the later one's number stays.
    with _telling:
        metrics.WRITES_WAITING.set(sum(len(write_behind._pending) for write_behind in list(_all)))


class WriteBehind(Generic[Key, Value]):
    """Notes by key, merged in memory, written DEFERRED_WRITE_SECONDS after the first of them.

    `merge(old, new)` joins two notes of one key; `write(pending)` stores them in a transaction
    of its own. Notes that cannot be written are kept for the next try. So many notes as
    `most_waiting` are written at once; with None, where the latest says all, the interval decides.
    """

    def __init__(
        self,
        *,
        merge: Callable[[Value, Value], Value],
        write: Callable[[Mapping[Key, Value]], Any],
        most_waiting: int | None = MAX_WAITING,
    ) -> None:
        self._merge = merge
        self._write = write
        self._most_waiting = most_waiting
        self._reset()
        _all.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._pending: dict[Key, Value] = {}
        self._count = 0
        self._timer: threading.Timer | None = None

    def note(self, key: Key, value: Value) -> None:
        """Remember `value` for `key`; costs no statement."""
        with self._lock:
            is_new = key not in self._pending
            self._add(key, value)
            if is_new:
                _waiting_changed()
            self._count += 1
            if not settings.DEFERRED_WRITE_SECONDS:
                return
            if self._timer is None:
                self._start(settings.DEFERRED_WRITE_SECONDS)
            elif self._count == self._most_waiting:
                self._timer.cancel()
                self._start(0)

    def _add(self, key: Key, value: Value) -> None:
        old = self._pending.get(key)
        self._pending[key] = value if old is None else self._merge(old, value)

    def _start(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._run)
        self._timer.daemon = True
        self._timer.start()

    def _run(self) -> None:
        try:
            self.flush()
        finally:
            connections.close_all()

    def flush(self) -> None:
        """Write what is waiting, now."""
        with self._writing:
            with self._lock:
                pending, self._pending, self._count, self._timer = self._pending, {}, 0, None
            if not pending:
                return
            try:
                self._write(pending)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("%s notes wait for the database: %s", len(pending), error)
                with self._lock:
                    for key, value in pending.items():
                        self._add(key, value)
                    if settings.DEFERRED_WRITE_SECONDS and self._timer is None:
                        self._start(settings.DEFERRED_WRITE_SECONDS)
            _waiting_changed()


def flush_all() -> None:
    """Write everything that waits in this process."""
    for write_behind in list(_all):
        write_behind.flush()


def _flush_at_exit() -> None:
    if settings.DEFERRED_WRITE_SECONDS:
        flush_all()


def _forget_parents_pending() -> None:
    global _telling
    _telling = threading.Lock()
    # A forked child has neither its parent's timer threads nor a right to its notes.
    for write_behind in list(_all):
        write_behind._reset()


os.register_at_fork(after_in_child=_forget_parents_pending)
atexit.register(_flush_at_exit)

"""Asking the database within a time that a probe can bear, whatever the database does.

A statement may wait for a lock, a server that is frozen or a host that has vanished, and nothing in
this process ends the driver's wait. So a thread of its own asks, and whoever wants to know waits so
long and no longer. One asks at a time: no threads pile up at a database that never answers.
"""

import os
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from django.db import OperationalError, connections

Found = TypeVar("Found")


class NotInTime(OperationalError):
    """The database has not answered yet; the API answers 503 with Retry-After."""


_turn = threading.Condition()
# When the one who asks should have been answered; None while nobody asks.
_due: float | None = None


def ask(look: Callable[[], Found], *, seconds: float) -> Found:
    """What `look` returns or raises; NotInTime when that takes longer.

    At once when one who asked before is overdue.
    """
    due = time.monotonic() + seconds
    _take_turn(due, seconds)
    answered = threading.Event()
    found: list[Found] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            found.append(look())
        except BaseException as error:
            raised.append(error)  # it is raised where the answer is waited for
        finally:
            _pass_turn()
            answered.set()

    context = copy_context()
    try:
        _begin(lambda: context.run(work))
    except RuntimeError as error:  # there can be no more threads
        _pass_turn()
        raise NotInTime(f"Nobody could ask the database: {error}") from error
    if not answered.wait(max(due - time.monotonic(), 0)):
        raise NotInTime(f"The database did not answer within {seconds} s.")
    if raised:
        raise raised[0]
    return found[0]


def _take_turn(due: float, seconds: float) -> None:
    global _due
    with _turn:
        is_overdue = _due is not None and time.monotonic() >= _due
        wait_seconds = 0 if is_overdue else seconds
        if seconds <= 0 or not _turn.wait_for(lambda: _due is None, wait_seconds):
            raise NotInTime("The database has not answered an earlier look yet.")
        _due = due


def _pass_turn() -> None:
    global _due
    with _turn:
        _due = None
        _turn.notify()


def _begin(work: Callable[[], None]) -> None:
    threading.Thread(target=_and_close, args=(work,), name="in-time", daemon=True).start()


def _and_close(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connections.close_all()


def _forget_parents_turn() -> None:
    global _turn, _due
    _turn, _due = threading.Condition(), None


os.register_at_fork(after_in_child=_forget_parents_turn)

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError

from common.write_behind import MAX_WAITING, WriteBehind, flush_all


class Written(list[dict[str, int]]):
    """What was written, write by write; fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Exception] = []
        self.happened = threading.Event()

    def __call__(self, notes: Mapping[str, int]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.append(dict(notes))
        self.happened.set()


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def counts(written: Written) -> Iterator[WriteBehind[str, int]]:
    write_behind: WriteBehind[str, int] = WriteBehind(merge=add, write=written)
    yield write_behind
    if write_behind._timer is not None:
        write_behind._timer.cancel()
    write_behind._reset()


def add(old: int, new: int) -> int:
    return old + new


def exit_code_of_child(act: Callable[[], bool]) -> int:
    """0 when `act` is true in a forked child, which ends without a trace in this process."""
    pid = os.fork()
    if pid == 0:
        code = 2
        try:
            code = 0 if act() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class TestNotes:
    def test_of_one_key_are_merged_and_written_once(
        self, counts: WriteBehind[str, int], written: Written
    ) -> None:
        for key, value in (("a", 1), ("b", 5), ("a", 2)):
            counts.note(key, value)
        assert written == []

        counts.flush()
        counts.flush()

        assert written == [{"a": 3, "b": 5}]

    def test_are_written_with_those_of_all_others(
        self, counts: WriteBehind[str, int], written: Written
    ) -> None:
        counts.note("a", 1)

        flush_all()

        assert written == [{"a": 1}]

    @pytest.mark.parametrize("error", [DatabaseError, OperationalError, InterfaceError])
    def test_are_kept_when_the_database_fails(
        self, counts: WriteBehind[str, int], written: Written, error: type[Exception]
    ) -> None:
        written.failures = [error("gone")]
        counts.note("a", 1)
        counts.flush()
        assert written == []

        counts.note("a", 2)
        counts.flush()

        assert written == [{"a": 3}]

    def test_that_come_during_a_failing_write_are_merged(self) -> None:
        attempts: list[dict[str, int]] = []

        def write(notes: Mapping[str, int]) -> None:
            attempts.append(dict(notes))
            if len(attempts) == 1:
                counts.note("a", 10)
                raise OperationalError("gone")

        counts: WriteBehind[str, int] = WriteBehind(merge=add, write=write)
        counts.note("a", 1)

        counts.flush()
        counts.flush()

        assert attempts == [{"a": 1}, {"a": 11}]

    def test_from_many_threads_are_all_counted(self, written: Written) -> None:
        def add_and_let_others_go_on(old: int, new: int) -> int:
            time.sleep(0.0001)
            return old + new

        def note_often() -> None:
            for _ in range(50):
                counts.note("a", 1)

        counts: WriteBehind[str, int] = WriteBehind(merge=add_and_let_others_go_on, write=written)
        threads = [threading.Thread(target=note_often) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts.flush()

        assert written == [{"a": 400}]


class TestTheWriter:
    def test_writes_by_itself_after_the_interval(
        self, settings: Any, counts: WriteBehind[str, int], written: Written
    ) -> None:
        settings.DEFERRED_WRITE_SECONDS = 0.01

        counts.note("a", 1)

        assert written.happened.wait(timeout=30)
        assert written == [{"a": 1}]

    def test_does_not_wait_for_the_interval_when_many_wait(
        self, settings: Any, counts: WriteBehind[str, int], written: Written
    ) -> None:
        settings.DEFERRED_WRITE_SECONDS = 3600

        for _ in range(MAX_WAITING):
            counts.note("a", 1)

        assert written.happened.wait(timeout=30)
        assert written == [{"a": MAX_WAITING}]

    def test_waits_for_the_interval_where_the_latest_note_says_all(self, settings: Any) -> None:
        settings.DEFERRED_WRITE_SECONDS = 3600
        latest: WriteBehind[str, int] = WriteBehind(merge=max, write=Written(), most_waiting=None)
        latest.note("a", 0)
        timer = latest._timer
        assert timer is not None

        for number in range(MAX_WAITING + 1):
            latest.note("a", number)

        assert latest._timer is timer
        timer.cancel()
        latest._reset()

    def test_tries_again_by_itself_after_a_failure(
        self, settings: Any, counts: WriteBehind[str, int], written: Written
    ) -> None:
        settings.DEFERRED_WRITE_SECONDS = 0.01
        written.failures = [OperationalError("gone")]

        counts.note("a", 1)

        assert written.happened.wait(timeout=30)
        assert written == [{"a": 1}]

    def test_is_off_when_the_interval_is_zero(
        self, settings: Any, counts: WriteBehind[str, int], written: Written
    ) -> None:
        settings.DEFERRED_WRITE_SECONDS = 0

        for _ in range(MAX_WAITING + 1):
            counts.note("a", 1)

        assert counts._timer is None
        assert written == []


class TestAForkedChild:
    def test_has_none_of_its_parents_pending(
        self, counts: WriteBehind[str, int], written: Written
    ) -> None:
        counts.note("a", 1)

        def child_writes_only_its_own() -> bool:
            counts.note("b", 2)
            counts.flush()
            return written == [{"b": 2}]

        assert exit_code_of_child(child_writes_only_its_own) == 0
        counts.flush()
        assert written == [{"a": 1}]

    def test_does_not_wait_for_a_lock_that_its_parent_held(
        self, counts: WriteBehind[str, int], written: Written
    ) -> None:
        def child_can_write() -> bool:
            free = counts._lock.acquire(blocking=False) and counts._writing.acquire(blocking=False)
            return free

        with counts._lock, counts._writing:
            code = exit_code_of_child(child_can_write)

        assert code == 0

    def test_starts_a_timer_of_its_own(
        self, settings: Any, counts: WriteBehind[str, int], written: Written
    ) -> None:
        settings.DEFERRED_WRITE_SECONDS = 3600
        counts.note("a", 1)
        settings.DEFERRED_WRITE_SECONDS = 0.01

        def child_writes_by_itself() -> bool:
            counts.note("b", 2)
            return written.happened.wait(timeout=30) and written == [{"b": 2}]

        assert exit_code_of_child(child_writes_by_itself) == 0

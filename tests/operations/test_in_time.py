"""Asking within a time: one thread at most waits for a database that does not answer."""

import threading
from collections.abc import Iterator

import pytest

from operations import in_time

begin_in_a_thread = in_time._begin


@pytest.fixture(autouse=True)
def asked_in_a_thread(
    asked_within_the_tests_transaction: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_time, "_begin", begin_in_a_thread)


@pytest.fixture
def answer() -> Iterator[threading.Event]:
    """Set, the database answers at last."""
    one = threading.Event()
    yield one
    one.set()
    for thread in asking():
        thread.join()


def asking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "in-time"]


def ask_soon(answer: threading.Event) -> None:
    in_time.ask(answer.wait, seconds=0.05)


class TestADatabaseThatDoesNotAnswer:
    def test_is_asked_by_one_thread_however_often(self, answer: threading.Event) -> None:
        for _ in range(20):
            with pytest.raises(in_time.NotInTime):
                ask_soon(answer)

        assert len(asking()) == 1

    def test_is_asked_again_when_it_has_answered(self, answer: threading.Event) -> None:
        with pytest.raises(in_time.NotInTime):
            ask_soon(answer)
        [thread] = asking()
        answer.set()
        thread.join()

        assert in_time.ask(lambda: "well", seconds=10) == "well"


class TestWhoeverAsksAtOnce:
    def test_is_answered_one_after_the_other(self, answer: threading.Event) -> None:
        found: list[int] = []

        def ask(number: int) -> None:
            found.append(in_time.ask(lambda: number, seconds=30))

        first = threading.Thread(target=in_time.ask, args=(answer.wait,), kwargs={"seconds": 30})
        first.start()
        others = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
        for thread in others:
            thread.start()
        answer.set()
        for thread in [first, *others]:
            thread.join()

        assert sorted(found) == list(range(5))

    def test_gets_the_error_that_the_look_had(self) -> None:
        def look() -> None:
            raise LookupError("nowhere")

        with pytest.raises(LookupError, match="nowhere"):
            in_time.ask(look, seconds=10)

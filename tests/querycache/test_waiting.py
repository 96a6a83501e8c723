"""Waiting for another's answer: served when it is there, and only as many as there are places."""

import datetime
import threading
import time
from typing import Any

import pytest
from django.db import connection

from querycache import waiting
from querycache.models import CacheLease
from querycache.services import counting, lookups
from tests.client import ApiClient
from tests.querycache import cache


@pytest.mark.django_db(transaction=True)
class TestAWaiter:
    def test_is_served_when_the_answer_is_there(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        missed = cache.look_up(person)
        pauses = iter([lambda: None, lambda: None, lambda: cache.store(
            person, missed["key"], "made", lease=missed["lease"]["token"])])  # fmt: skip
        monkeypatch.setattr(time, "sleep", lambda seconds: next(pauses)())

        response = person.post("/cache/lookup", cache.QUESTION | {"wait_ms": 30_000})

        assert response.json()["result"] == "made"
        assert response["Cache-Status"].startswith("Steward; fwd=miss; collapsed; ttl=")
        assert "Retry-After" not in response
        [(_, counts)] = counting.counted._pending.items()
        assert (counts.lookups, counts.hits, counts.misses, counts.coalesced) == (2, 1, 1, 1)

    def test_gives_its_connection_back_between_looks(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.look_up(person)
        held: list[Any] = []
        monkeypatch.setattr(time, "sleep", lambda seconds: held.append(connection.connection))
        monkeypatch.setattr(lookups, "FIRST_PAUSE_SECONDS", 0.001)

        response = person.post("/cache/lookup", cache.QUESTION | {"wait_ms": 50})

        assert held and set(held) == {None}
        assert (response.json()["lease"], response["Retry-After"]) == (None, "1")

    def test_becomes_the_maker_when_the_lease_ends_without_an_answer(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        missed = cache.look_up(person)
        monkeypatch.setattr(
            time, "sleep", lambda seconds: person.delete(cache.entry_path(missed["key"]))
        )

        answer = cache.look_up(person, wait_ms=30_000)

        assert answer["lease"] is not None
        assert answer["lease"]["token"] != missed["lease"]["token"]

    def test_without_a_place_is_told_at_once_when_to_come_back(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.look_up(person)
        monkeypatch.setattr(waiting, "_places", threading.Semaphore(0))
        monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waited"))

        response = person.post("/cache/lookup", cache.QUESTION | {"wait_ms": 30_000})

        assert (response.json()["lease"], response["Retry-After"]) == (None, "1")


def test_at_most_half_of_the_threads_wait() -> None:
    places = [waiting.place() for _ in range(5)]

    found = [place.__enter__() for place in places]
    for place in places:
        place.__exit__(None, None, None)

    assert found == [True] * 4 + [False]
    with waiting.place() as free:
        assert free


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_forty_threads_that_miss_at_once_get_one_lease(round_: int) -> None:
    from querycache.keys import CacheRequest

    question = CacheRequest(f"round {round_}")
    together, answers = threading.Barrier(40), []

    def ask() -> None:
        together.wait()
        answers.append(
            lookups.look_up(
                namespace="default", user_id="ann", cache_request=question, at=cache.later(0)
            )
        )
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 40
    assert len([one for one in answers if one.lease is not None]) == 1
    assert {one.status for one in answers} == {"miss"}
    assert CacheLease.objects.get().expires_at > cache.later(0) + datetime.timedelta(seconds=30)

"""Somebody does something for a person between two statements of their erasure.

Every act is tried in some of the gaps, or in all of them with ERASURE_GAPS=all: there it is done to
its end, or it waits for the erasure.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access import services as access_services
from access.models import StaffReading
from conversations.models import Conversation
from operations import services
from querycache.models import CacheTag
from tests.client import ApiClient
from tests.operations import lives
from tests.operations.persons import rows_by_table

pytestmark = pytest.mark.django_db(transaction=True)

ALL = os.environ.get("ERASURE_GAPS") == "all"
STRIDE = 1 if ALL else 31
SMALL_STRIDE = 1 if ALL else 3


class Gap:
    """Does `act` in a thread of its own before the erasure's statement with this number."""

    def __init__(
        self,
        number: int,
        act: Callable[[], int],
        threads: ThreadPoolExecutor,
        is_waiting: Callable[[], bool],
    ) -> None:
        self.number = number
        self.act = act
        self.threads = threads
        self.is_waiting = is_waiting
        self.seen = 0
        self.doing: Future[int] | None = None

    def _do(self) -> int:
        try:
            return self.act()
        finally:
            connection.close()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.seen == self.number:
            self.doing = self.threads.submit(self._do)
            while not (self.is_waiting() or wait([self.doing], timeout=0.002).done):
                pass
        self.seen += 1
        return execute(sql, params, many, context)


@contextmanager
def onlooker() -> Iterator[Callable[[], bool]]:
    """Tells whether somebody waits for a lock; on SQLite who writes waits from the beginning."""
    if connection.vendor == "sqlite":
        yield lambda: True
        return
    other: Any = connection.copy(alias="onlooker")
    other.settings_dict["POOL"] = None  # closed in the end, not given back
    try:
        with other.cursor() as cursor:

            def is_waiting() -> bool:
                cursor.execute(
                    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock')"
                )
                return bool(cursor.fetchone()[0])

            yield is_waiting
    finally:
        other.close()


def erase_meanwhile(user_id: str, gap: Gap) -> int | None:
    """What came of the act, or None where the erasure had no such gap."""
    with connection.execute_wrapper(gap):
        services.erase_person(user_id=user_id, actor="system", at=timezone.now())
    return gap.doing.result(timeout=60) if gap.doing else None


def statuses_in_gaps(
    act: Callable[[str], int], prepare: Callable[[str], Any], stride: int, first: int = 0
) -> Iterator[tuple[str, int]]:
    """A new person for each of the gaps, and what came of the act there."""
    with onlooker() as is_waiting, ThreadPoolExecutor(1) as threads:
        for number in count(first, stride):
            user_id = f"person {first} {number}"
            prepare(user_id)
            gap = Gap(number, partial(act, user_id), threads, is_waiting)
            status = erase_meanwhile(user_id, gap)
            if status is None:
                break
            yield user_id, status


class TestAnActInAGapOfAnErasure:
    @pytest.mark.parametrize("has_lived", [False, True], ids=["new", "known"])
    def test_is_wholly_before_or_wholly_after_it(self, key: str, has_lived: bool) -> None:
        lives.staff()
        tried = 0

        def prepare(user_id: str) -> None:
            if has_lived:
                lives.life_of(ApiClient(key, user_id), user_id)

        for place, (name, act) in enumerate(lives.ACTS.items()):

            def act_for(user_id: str, act: lives.Act = act) -> int:
                return act(ApiClient(key, user_id), user_id)

            for user_id, status in statuses_in_gaps(act_for, prepare, STRIDE, first=place % STRIDE):
                tried += 1
                assert status in lives.ANSWERS, (name, user_id, status)

        assert lives.torn() == []
        assert tried >= len(lives.ACTS)
        print(f"{tried} gaps")

    def test_of_a_reading_is_erased_with_the_text_that_it_saw(self, key: str) -> None:
        def prepare(user_id: str) -> None:
            assert ApiClient(key, user_id).post("/conversations", {"title": "a"}).status_code == 201

        def read(user_id: str) -> int:
            access_services.record_reading(staff="staff:dana", user_id=user_id, what="a")
            return 200 if Conversation.objects.filter(user_id=user_id).exists() else 404

        for user_id, status in statuses_in_gaps(read, prepare, SMALL_STRIDE):
            is_left = StaffReading.objects.filter(user_id=user_id).exists()
            assert is_left == (status == 404), user_id

    def test_stores_nothing_under_the_consent_of_the_life_before(
        self, key: str, settings: Any
    ) -> None:
        settings.CONSENT_GATES = ("history_storage",)

        def prepare(user_id: str) -> None:
            assert ApiClient(key, user_id).put("/consent/history_storage", {}).status_code == 200

        def store(user_id: str) -> int:
            person = ApiClient(key, user_id)
            return int(person.post("/conversations", lives.MESSAGES).status_code)

        for user_id, status in statuses_in_gaps(store, prepare, SMALL_STRIDE):
            assert status in {201, 403}
            assert not Conversation.objects.filter(user_id=user_id).exists(), (user_id, status)

    @pytest.mark.parametrize(
        "name", ["import of usage", "import of a conversation", "import of consents"]
    )
    def test_imports_nothing_of_a_person_who_is_remembered(
        self, name: str, key: str, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = "a key for those who were erased, kept apart"

        def read_in(user_id: str) -> int:
            return lives.ACTS[name](ApiClient(key, user_id), user_id)

        for user_id, status in statuses_in_gaps(read_in, lambda user_id: None, SMALL_STRIDE):
            assert status == 200
            assert not any(rows_by_table(user_id).values()), user_id

    def test_erases_another_who_is_named_in_the_same_places(self, key: str) -> None:
        def prepare(user_id: str) -> None:
            for one in (user_id, f"friend of {user_id}"):
                person = ApiClient(key, one)
                question = {"query": one, "namespace": "home"}
                assert person.post("/cache/lookup", question).status_code == 200
                body = {"namespace": "home", "tags": [f"of {one}"]}
                assert person.post("/cache/invalidate", body).status_code == 200

        def erase_the_friend(user_id: str) -> int:
            friend = f"friend of {user_id}"
            erasure = ApiClient(key, friend).post("/privacy/erase", {"confirm": friend})
            return int(erasure.status_code)

        for user_id, status in statuses_in_gaps(erase_the_friend, prepare, SMALL_STRIDE):
            assert status == 200
            assert not CacheTag.objects.filter(name__contains=user_id).exists()

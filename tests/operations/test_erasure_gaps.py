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

from operations import services
from tests.client import ApiClient
from tests.operations import lives

pytestmark = pytest.mark.django_db(transaction=True)

ALL = os.environ.get("ERASURE_GAPS") == "all"
STRIDE = 1 if ALL else 23


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


class TestAnActInAGapOfAnErasure:
    @pytest.mark.parametrize("has_lived", [False, True], ids=["new", "known"])
    def test_is_wholly_before_or_wholly_after_it(self, key: str, has_lived: bool) -> None:
        lives.staff()
        tried = 0
        with onlooker() as is_waiting, ThreadPoolExecutor(1) as threads:
            for place, (name, act) in enumerate(lives.ACTS.items()):
                for number in count(place % STRIDE, STRIDE):
                    user_id = f"{name} {number}"
                    person = ApiClient(key, user_id)
                    if has_lived:
                        lives.life_of(person, user_id)
                    gap = Gap(number, partial(act, person, user_id), threads, is_waiting)
                    status = erase_meanwhile(user_id, gap)
                    if status is None:
                        break
                    tried += 1
                    assert status in lives.ANSWERS, (name, number, status)

        assert lives.torn() == []
        assert tried > len(lives.ACTS)
        print(f"{tried} gaps")

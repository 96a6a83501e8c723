"""Many processes do everything there is for the same persons, while these are erased.

ERASURE_PROCESSES, ERASURE_PERSONS and ERASURE_ACTS make it larger; with `-s` it says its counts.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import Count

from billing.models import CreditAccount
from consent.models import Purpose
from operations.models import Erasure
from tests.client import ApiClient
from tests.forks import Fork
from tests.operations import lives
from tests.operations.torn import torn
from tests.processes import child

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = int(os.environ.get("ERASURE_PROCESSES", "4"))
PERSONS = int(os.environ.get("ERASURE_PERSONS", "12"))
SEAL_KEY = "a key of the tests that is not anywhere near a database"
ACTS = int(os.environ.get("ERASURE_ACTS", "4"))


def race(key: str, user_ids: list[str]) -> Iterator[tuple[str, int]]:
    """Every act and its status; the processes come to each person together."""
    racers = [
        child("tests.operations.racer", key, str(number), str(ACTS)) for number in range(PROCESSES)
    ]
    try:
        yield from _raced(racers, user_ids)
    finally:
        for one in racers:
            one.kill()
            one.communicate()


def _raced(racers: list[Fork], user_ids: list[str]) -> Iterator[tuple[str, int]]:
    inputs = [one.stdin for one in racers if one.stdin]
    outputs = [one.stdout for one in racers if one.stdout]
    assert [output.readline() for output in outputs] == ["ready\n"] * PROCESSES
    for user_id in user_ids:
        for line in inputs:
            line.write(f"{user_id}\n")
            line.flush()
        for output in outputs:
            yield from ((name, status) for name, status in json.loads(output.readline()))
    for one in racers:
        one.communicate(timeout=60)
    assert [one.returncode for one in racers] == [0] * PROCESSES


class TestErasuresAmongEverything:
    def test_tear_nothing_and_fail_for_nobody(
        self, key: str, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.LEDGER_SEAL_KEYS = [SEAL_KEY]
        monkeypatch.setenv("LEDGER_SEAL_KEY", SEAL_KEY)
        lives.staff()
        Purpose.objects.filter(key="shared_cache").update(default_validity_days=30)
        user_ids = [f"person {number}" for number in range(PERSONS)]
        for user_id in user_ids[::2]:
            lives.life_of(ApiClient(key, user_id), user_id)

        counts = Counter(race(key, user_ids))

        report(counts)
        erasures = PERSONS + PERSONS // 2
        assert {status for _, status in counts} <= lives.ANSWERS | {503}
        assert counts["erasure", 200] == Erasure.objects.count()
        # Refused while the person is frozen, or a conversation is on legal hold.
        assert counts["erasure", 200] + counts["erasure", 409] == erasures
        assert torn() == []
        again = sum(times for (_, status), times in counts.items() if status == 503)
        assert sum(counts.values()) == PROCESSES * PERSONS * ACTS + erasures + again
        doubled = CreditAccount.objects.values("person").annotate(rows=Count("id"))
        doubled = doubled.filter(rows__gt=1)
        assert not doubled


def report(counts: Counter[tuple[str, int]]) -> None:
    print()
    for name in sorted({name for name, _ in counts}):
        by_status = {status: times for (one, status), times in counts.items() if one == name}
        print(f"{name:28} {dict(sorted(by_status.items()))}")
    print(f"in all {sum(counts.values())} acts: {dict(Counter(by_status_of(counts)))}")


def by_status_of(counts: Counter[tuple[str, int]]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for (_, status), times in counts.items():
        found[status] += times
    return dict(sorted(found.items()))

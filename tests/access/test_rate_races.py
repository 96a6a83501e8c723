"""Request rates with many callers at once: exactly as many pass as the rate says."""

import datetime
import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from access import rates
from access.models import RequestRate
from tests.billing.races import PROCESSES, processes_at_once
from tests.client import ApiClient
from tests.processes import CLIENTS, at_once

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def wait_for_a_lock() -> None:
    """Until somebody waits for a row. On SQLite whoever begins to write waits, unseen."""
    if connection.vendor == "sqlite":
        return
    waiting = False
    while not waiting:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
            [waiting] = cursor.fetchone()


pytestmark = pytest.mark.django_db(transaction=True)


class TestARate:
    @override_settings(RATE_LIMIT_KEY="40/day", RATE_LIMIT_PERSON="30/day")
    def test_is_exact_among_threads(self, key: str) -> None:
        def call(number: int) -> list[int]:
            return [ApiClient(key, "ann").get("/conversations").status_code for _ in range(4)]

        assert Counter(sum(at_once(call), [])) == {200: 30, 429: CLIENTS * 4 - 30}

    @override_settings(RATE_LIMIT_KEY="25/day", RATE_LIMIT_PERSON="30/day")
    def test_of_a_key_is_exact_among_persons(self, key: str) -> None:
        def call(number: int) -> list[int]:
            client = ApiClient(key, f"person-{number}")
            return [client.get("/conversations").status_code for _ in range(4)]

        assert Counter(sum(at_once(call), [])) == {200: 25, 429: CLIENTS * 4 - 25}

    def test_is_decided_again_by_who_had_to_wait(self) -> None:
        buckets = [rates.Bucket("person", "ann", 0, rates.Rate(2, 86_400))]
        rates.count(buckets, at=NOON)
        found: list[Any] = []

        def count() -> None:
            found.append(rates.count(buckets, at=NOON))
            connection.close()

        second = threading.Thread(target=count)
        with transaction.atomic():
            assert rates.count(buckets, at=NOON) is not None  # the last that fits
            second.start()
            wait_for_a_lock()
        second.join()

        assert found == [None]

    def test_is_exact_among_processes(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_PERSON", "20/day")

        # Each process begins with one GET.
        said = processes_at_once(
            "spender", key, "/credits/transactions", '{"type":"deduct","amount":1}', "5", ""
        )

        answers = Counter(line[:3] for line in sum(said, []))
        passed = 20 - PROCESSES
        assert answers == {"201": passed, "429": PROCESSES * 5 - passed}
        assert RequestRate.objects.count() == 1

"""The numbers: they add up, over restarts and processes, and are never in a look-up's way."""

import datetime
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from querycache.models import CacheStatistics, Namespace
from querycache.services import counting
from querycache.services.counting import Counts
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.querycache import cache
from tests.querycache.server import Server, serve
from tests.querycache.test_lookup import age


def totals() -> Counter[str]:
    found: Counter[str] = Counter()
    for row in CacheStatistics.objects.values():
        found.update({name: row[name] for name in Counts._fields})
    return found


@pytest.mark.django_db
class TestTheNumbers:
    def test_have_the_shape_that_clients_know(self, person: ApiClient) -> None:
        cache.change(stale_seconds=50)
        for number, ttl_seconds in enumerate((10, 100, 1000)):
            cache.store(person, cache.key_for(number), ttl_seconds=ttl_seconds, cost_credits=5)
        cache.store(person, cache.key_of(person), ttl_seconds=490, cost_credits=7)
        for _ in range(2):
            cache.look_up(person)
            cache.look_up(person, {"query": "never stored"})
        age(70)
        cache.look_up(person)
        counting.counted.flush()

        stats = person.get("/cache/stats").json()

        oldest, newest = (stats.pop(name) for name in ("oldest_entry", "newest_entry"))
        assert stats == {
            "cache_hits": 3, "cache_misses": 2, "hit_rate_percent": 60.0, "total_requests": 5,
            "cache_size": 4, "active_entries": 3, "expired_entries": 1,
            "average_ttl_seconds": 400.0, "credits_saved": 21,
        }  # fmt: skip
        assert oldest < newest

    def test_of_an_empty_namespace_are_zero(self, person: ApiClient) -> None:
        assert person.get("/cache/stats").json() == {
            "cache_hits": 0, "cache_misses": 0, "hit_rate_percent": 0.0, "total_requests": 0,
            "cache_size": 0, "active_entries": 0, "expired_entries": 0, "oldest_entry": None,
            "newest_entry": None, "average_ttl_seconds": 0.0, "credits_saved": 0,
        }  # fmt: skip

    def test_are_of_one_namespace(self, person: ApiClient) -> None:
        cache.store(person, namespace="other")

        assert person.get("/cache/stats").json()["cache_size"] == 0
        assert person.get("/cache/stats?namespace=other").json()["cache_size"] == 1
        assert_problem(person.get("/cache/stats?namespace=none"), 404, "not_found")
        assert_problem(person.get("/cache/stats?space=other"), 400, "invalid_request")

    def test_count_what_an_invalidation_left_as_expired(self, person: ApiClient) -> None:
        cache.store(person)
        person.post("/cache/invalidate", {"all": True})

        stats = person.get("/cache/stats").json()

        assert (stats["cache_size"], stats["active_entries"], stats["expired_entries"]) == (1, 0, 1)

    def test_are_kept_by_the_hour(self) -> None:
        hour = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
        for minutes in (0, 59, 60):
            at = hour + datetime.timedelta(minutes=minutes)
            counting.note("default", at, Counts(lookups=1, hits=1))
        counting.counted.flush()

        rows = CacheStatistics.objects.order_by("hour").values_list("hour", "hits")

        assert list(rows) == [(hour, 2), (hour + datetime.timedelta(hours=1), 1)]

    def test_that_do_not_add_up_are_refused_by_the_database(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            CacheStatistics.objects.create(
                namespace=Namespace.objects.get(), hour=timezone.now(), lookups=3, hits=1, misses=1
            )


@pytest.mark.django_db(transaction=True)
def test_they_add_up_over_restarts_and_worker_processes(key: str, tmp_path: Path) -> None:
    def ask(number: int) -> str:
        body = {"query": f"question {number % 7}"}
        reply = server.call("POST", "/cache/lookup", body, user_id=f"user{number % 3}").json()
        if reply["lease"] is not None:
            answer: dict[str, Any] = {"result": "made", "cost_credits": 2, "ttl_seconds": 1}
            answer["lease"] = reply["lease"]["token"]
            path = f"/cache/entries/{reply['key']}"
            server.call("PUT", path, answer, user_id=f"user{number % 3}")
        return str(reply["status"])

    cache.change(stale_seconds=2)
    told: Counter[str] = Counter()
    server: Server
    for _ in range(2):
        with serve(key, tmp_path) as server, ThreadPoolExecutor(8) as pool:
            told.update(pool.map(ask, range(120)))

    found = totals()
    assert found["lookups"] == 240 == sum(told.values())
    assert found["hits"] == told["hit"]
    assert found["stale_hits"] == told["stale"]
    assert found["misses"] == told["miss"]
    assert found["bypasses"] == told["bypass"] == 0
    assert found["credits_saved"] == 2 * (told["hit"] + told["stale"])

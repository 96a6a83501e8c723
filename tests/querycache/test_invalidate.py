"""Invalidation: by tag, by model, or all; one write, obeyed by the very next look-up."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from querycache.models import CacheEntry, CacheTag
from querycache.services import namespaces
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient
from tests.processes import at_once
from tests.querycache import cache

pytestmark = pytest.mark.django_db

ENTRIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "news": {"tags": ["news"]},
    "news and sport": {"tags": ["news", "sport"]},
    "by one": {"model": "one"},
    "by two": {"model": "two", "tags": ["one"]},
}


@pytest.fixture(autouse=True)
def stored(person: ApiClient) -> None:
    for name, more in ENTRIES.items():
        cache.store(person, cache.key_of(person, {"query": name}), **more)


def left(client: ApiClient) -> set[str]:
    return {
        name
        for name in ENTRIES
        if client.get(cache.entry_path(cache.key_of(client, {"query": name}))).status_code == 200
    }


class TestInvalidating:
    @pytest.mark.parametrize(
        ("what", "gone"),
        [
            ({"tags": ["news"]}, {"news", "news and sport"}),
            ({"tags": ["sport", "one"]}, {"news and sport", "by two"}),
            ({"tags": ["model:one", "tag:news", "new"]}, set()),
            ({"model": "one"}, {"by one"}),
            ({"model": "three"}, set()),
            ({"all": True}, set(ENTRIES)),
        ],
    )
    def test_ends_what_is_named_and_nothing_else(
        self, person: ApiClient, what: dict[str, Any], gone: set[str]
    ) -> None:
        response = person.post("/cache/invalidate", what)

        assert response.json() == {"namespace": "default", "epoch": int("all" in what)}
        assert left(person) == set(ENTRIES) - gone
        for name in ENTRIES:
            assert (cache.look_up(person, {"query": name})["status"] == "miss") == (name in gone)

    def test_lets_new_answers_in_at_once(self, person: ApiClient) -> None:
        person.post("/cache/invalidate", {"tags": ["news"]})
        person.post("/cache/invalidate", {"all": True})

        cache.store(person, cache.key_of(person, {"query": "news"}), "new", tags=["news"])

        assert cache.look_up(person, {"query": "news"})["result"] == "new"

    def test_ends_answers_that_are_being_made(self, person: ApiClient) -> None:
        missed = cache.look_up(person)
        person.post("/cache/invalidate", {"tags": ["fresh"]})

        cache.store(person, missed["key"], tags=["fresh"], lease=missed["lease"]["token"])

        assert cache.look_up(person)["lease"] is not None

    def test_of_all_takes_the_leases_back(self, person: ApiClient) -> None:
        missed = cache.look_up(person)
        person.post("/cache/invalidate", {"all": True})

        late = cache.store(person, missed["key"], lease=missed["lease"]["token"])

        assert_problem(late, 409, "lease_lost")
        assert cache.look_up(person)["lease"] is not None

    def test_is_of_one_namespace(self, person: ApiClient) -> None:
        response = person.post("/cache/invalidate", {"namespace": "other", "all": True})

        assert response.json() == {"namespace": "other", "epoch": 1}
        assert left(person) == set(ENTRIES)

    @pytest.mark.parametrize(
        "what",
        [{"tags": [f"tag {number}" for number in range(200)]}, {"model": "a"}, {"all": True}],
    )
    def test_costs_one_write_whatever_there_is(
        self, person: ApiClient, what: dict[str, Any]
    ) -> None:
        for number in range(300):
            cache.put(number)

        with assert_statements(1 + (2 if "all" in what else 3)) as statements:
            person.post("/cache/invalidate", what)

        assert len([one for one in statements if not one.startswith("SELECT")]) == 1

    def test_takes_nothing_back_when_a_clock_is_behind(self) -> None:
        now = timezone.now()

        for seconds in (0, -5, 5, 3):
            namespaces.invalidate(
                namespace="default", tags=["news"], at=now + datetime.timedelta(seconds=seconds)
            )

        invalidated_at = CacheTag.objects.get(name="tag:news").invalidated_at
        assert invalidated_at == now + datetime.timedelta(seconds=5)

    @pytest.mark.parametrize(
        "body",
        [{}, {"all": False}, {"tags": []}, {"tags": ["a"], "all": True}, {"model": ""},
         {"tags": ["a"], "model": "b"}, {"tags": ["a"] * 201}],
    )  # fmt: skip
    def test_needs_to_be_told_exactly_what(self, person: ApiClient, body: dict[str, Any]) -> None:
        assert_problem(person.post("/cache/invalidate", body), 400, "invalid_request")

        assert left(person) == set(ENTRIES)


def test_the_read_uses_its_indexes() -> None:
    if connection.vendor == "sqlite":
        from querycache.statements import READ_ON_SQLITE

        with connection.cursor() as cursor:
            cursor.execute(
                f"EXPLAIN QUERY PLAN {READ_ON_SQLITE}",
                {
                    "user_id": "ann",
                    "key": cache.KEY,
                    "key_ignoring_case": cache.key_for(0),
                    "at": "2026",
                    "namespace": "default",
                },
            )
            plan = [row[3] for row in cursor.fetchall()]
        assert [step for step in plan if step.startswith("SCAN") and "json_each" not in step] == []
    assert CacheEntry.objects.count() == len(ENTRIES)


@pytest.mark.django_db(transaction=True)
class TestInvalidatingAtOnce:
    def test_the_same_tags_in_different_orders_is_refused_to_nobody(self, key: str) -> None:
        tags = [f"tag {number}" for number in range(100)]

        def invalidate(number: int) -> set[int]:
            body = {"tags": tags[::-1] if number else tags}
            person = ApiClient(key, "ann")
            return {person.post("/cache/invalidate", body).status_code for _ in range(15)}

        assert at_once(invalidate, 2) == [{200}, {200}]

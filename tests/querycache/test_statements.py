"""How many statements each call sends: fixed, and the same on both engines. One is for the key."""

from typing import Any

import pytest

from querycache.services import tidying
from tests.asserts import assert_statements
from tests.client import ApiClient
from tests.querycache import cache
from tests.querycache.test_lookup import age

pytestmark = pytest.mark.django_db

KEY = 1
TAGGED = {"tags": ["a", "b"], "model": "one"}


class TestALookup:
    @pytest.mark.parametrize("more", [{}, TAGGED])
    def test_costs_one_for_a_hit(self, person: ApiClient, more: dict[str, Any]) -> None:
        cache.store(person, cache.key_of(person), **more)

        with assert_statements(KEY + 1):
            assert cache.look_up(person)["status"] == "hit"

    def test_costs_two_for_a_miss(self, person: ApiClient) -> None:
        with assert_statements(KEY + 2):
            assert cache.look_up(person)["lease"] is not None

    def test_costs_one_while_another_makes_the_answer(self, person: ApiClient) -> None:
        cache.look_up(person)

        with assert_statements(KEY + 1):
            assert cache.look_up(person)["lease"] is None

    def test_costs_two_for_the_one_who_renews_a_stale_answer(self, person: ApiClient) -> None:
        cache.change(stale_seconds=50)
        cache.store(person, cache.key_of(person), ttl_seconds=5)
        age(10)

        with assert_statements(KEY + 2):
            assert cache.look_up(person)["lease"] is not None
        with assert_statements(KEY + 1):
            assert cache.look_up(person)["status"] == "stale"

    def test_costs_four_more_at_the_first_use_of_a_namespace(self, person: ApiClient) -> None:
        with assert_statements(KEY + 6):
            cache.look_up(person, namespace="new")


class TestAStore:
    def test_costs_two_without_a_lease(self, person: ApiClient) -> None:
        for status in (201, 200):
            with assert_statements(KEY + 2):
                assert cache.store(person, **TAGGED).status_code == status

    def test_costs_three_with_a_lease(self, person: ApiClient) -> None:
        missed = cache.look_up(person)

        with assert_statements(KEY + 3):
            cache.store(person, missed["key"], lease=missed["lease"]["token"], **TAGGED)

    def test_that_tidies_costs_seven_more(self, person: ApiClient) -> None:
        for number in range(tidying.STORES_FOR_A_BATCH - 1):
            cache.put(number)

        with assert_statements(KEY + 2 + 7):
            cache.store(person)
        with assert_statements(KEY + 2):
            cache.store(person)


class TestTheOthers:
    def test_cost_as_little_whatever_there_is(self, person: ApiClient) -> None:
        for number in range(30):
            cache.put(number)
        cache.store(person)

        with assert_statements(KEY + 2):
            assert person.get(cache.entry_path()).status_code == 200
        with assert_statements(KEY + 5):
            assert person.get("/cache/stats").status_code == 200
        with assert_statements(KEY + 1):
            assert person.post("/cache/key", cache.QUESTION).status_code == 200
        with assert_statements(KEY + 3):
            assert person.delete(cache.entry_path()).status_code == 204

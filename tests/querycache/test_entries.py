"""Reading and forgetting one entry by its key."""

import pytest
from django.utils import timezone

from querycache.models import CacheEntry, CacheLease
from querycache.services import entries
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient
from tests.querycache import cache
from tests.querycache.test_lookup import age

pytestmark = pytest.mark.django_db


class TestReading:
    def test_gives_the_entry_and_takes_no_lease(self, person: ApiClient) -> None:
        cache.store(person, result="an answer")

        assert person.get(cache.entry_path()).json()["result"] == "an answer"
        assert not CacheLease.objects.exists()

    def test_gives_what_may_be_served_alone(self, person: ApiClient) -> None:
        cache.change(stale_seconds=50)
        cache.store(person, ttl_seconds=100)
        found = []

        for _ in range(3):
            age(60)
            found.append(person.get(cache.entry_path()).status_code)

        assert found == [200, 200, 404]

    def test_finds_nothing_in_a_namespace_that_is_not_there(self, person: ApiClient) -> None:
        assert_problem(person.get(cache.entry_path(namespace="none")), 404, "not_found")
        assert_problem(person.delete(cache.entry_path(namespace="none")), 404, "not_found")


class TestForgetting:
    def test_locks_the_lease_before_the_entry_as_a_store_does(self) -> None:
        """In another order the two would wait for each other crosswise."""
        key = cache.put(1).key_hash

        with assert_statements(3) as statements:
            entries.remove_entry(namespace="default", user_id="ann", key=key, at=timezone.now())

        assert statements[1].startswith('UPDATE "querycache_cachelease"')
        assert statements[2].startswith('DELETE FROM "querycache_cacheentry"')

    def test_removes_the_entry(self, person: ApiClient) -> None:
        cache.store(person)

        response = person.delete(cache.entry_path())

        assert (response.status_code, response.content) == (204, b"")
        assert not CacheEntry.objects.exists()
        assert_problem(person.delete(cache.entry_path()), 404, "not_found")

    def test_passes_on_the_lease_of_a_maker_who_gives_up(self, person: ApiClient) -> None:
        missed = cache.look_up(person)

        assert person.delete(cache.entry_path(missed["key"])).status_code == 204

        assert cache.look_up(person)["lease"] is not None
        late = cache.store(person, missed["key"], lease=missed["lease"]["token"])
        assert_problem(late, 409, "lease_lost")

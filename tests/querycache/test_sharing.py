"""Whose answers are whose: private to a person, unless staff share a namespace."""

from typing import Any

import pytest

from querycache.models import CacheEntry, CacheLease
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db

SHARED = cache.QUESTION | {"namespace": "faq"}


class TestAPrivateAnswer:
    def test_is_for_its_person_alone(self, person: ApiClient, stranger: ApiClient) -> None:
        key = cache.key_of(person)
        cache.store(person, key, "for Ann")

        assert cache.look_up(stranger)["status"] == "miss"
        assert_problem(stranger.get(cache.entry_path(key)), 404, "not_found")
        assert cache.store(stranger, key, "for Bob").status_code == 201
        assert stranger.delete(cache.entry_path(key)).status_code == 204

        assert cache.look_up(person)["result"] == "for Ann"

    def test_has_a_maker_of_its_own_for_each_person(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        assert cache.look_up(person)["lease"] is not None
        assert cache.look_up(stranger)["lease"] is not None


class TestASharedAnswer:
    @pytest.fixture(autouse=True)
    def shared(self) -> None:
        cache.make_namespace("faq", sharing="shared")

    def test_is_for_everybody_and_carries_no_person(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        missed = cache.look_up(person, SHARED, context="my own words")
        lease = CacheLease.objects.get()
        assert (lease.person, lease.query, lease.context) == (None, "", None)
        cache.store(person, missed["key"], "for all", namespace="faq",
                    lease=missed["lease"]["token"])  # fmt: skip

        found = cache.look_up(stranger, SHARED, context="my own words")

        assert found["result"] == "for all"
        entry = CacheEntry.objects.get()
        assert (entry.person, entry.query, entry.context) == (None, "", None)
        assert entry.byte_size == len('"for all"')

    def test_has_one_maker_among_all_people(self, person: ApiClient, stranger: ApiClient) -> None:
        first = cache.look_up(person, SHARED)

        assert cache.look_up(stranger, SHARED)["lease"] is None
        token = first["lease"]["token"]
        stored = cache.store(stranger, first["key"], namespace="faq", lease=token)
        assert stored.status_code == 201  # who has the token may store


class TestChangingANamespace:
    def test_to_shared_shows_nobody_what_was_private(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        key = cache.key_of(person)
        missed = cache.look_up(person, {"query": "under way"})
        cache.store(person, key, "for Ann")

        cache.change(sharing="shared")

        assert [cache.look_up(client)["status"] for client in (person, stranger)] == ["miss"] * 2
        late = cache.store(person, missed["key"], lease=missed["lease"]["token"])
        assert_problem(late, 409, "lease_lost")

    def test_to_private_shows_nobody_what_was_shared(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        cache.change(sharing="shared")
        cache.store(person, cache.key_of(person), "for all")

        cache.change(sharing="private")

        assert [cache.look_up(client)["status"] for client in (person, stranger)] == ["miss"] * 2


class TestTheGateBeforeSharing:
    @pytest.fixture(autouse=True)
    def gated(self, settings: Any) -> None:
        settings.CONSENT_GATES = ["shared_cache"]
        cache.make_namespace("faq", sharing="shared")

    def test_lets_only_those_who_agree_make_answers_for_others(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        key = cache.key_of(person, {"query": "Which heat pump?"})

        refused = person.post("/cache/lookup", SHARED)
        problem = assert_problem(refused, 403, "consent_required")
        assert problem["purposes"] == [{"purpose": "shared_cache", "policy_version": None}]
        assert_problem(cache.store(person, key, "mine", namespace="faq"), 403, "consent_required")
        assert not CacheEntry.objects.exists()
        assert not CacheLease.objects.exists()

        stranger.put("/consent/shared_cache", {})
        missed = cache.look_up(stranger, SHARED)
        stored = cache.store(
            stranger, key, "for all", namespace="faq", lease=missed["lease"]["token"]
        )
        assert stored.status_code == 201
        assert cache.look_up(person, SHARED)["result"] == "for all"

    def test_serves_the_old_answer_to_those_who_may_not_renew_it(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        cache.change("faq", stale_seconds=100)
        stranger.put("/consent/shared_cache", {})
        key = cache.key_of(stranger, {"query": SHARED["query"]})
        cache.store(stranger, key, "the old one", namespace="faq", ttl_seconds=50)
        CacheEntry.objects.update(created_at=cache.later(-60), fresh_until=cache.later(-10))

        found = cache.look_up(person, SHARED)
        assert (found["status"], found["result"], found["lease"]) == ("stale", "the old one", None)

        assert cache.look_up(stranger, SHARED)["lease"] is not None

    def test_leaves_private_namespaces_alone(self, person: ApiClient) -> None:
        assert cache.look_up(person)["lease"] is not None

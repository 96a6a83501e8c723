"""Looking up: what is served to whom, for how long, and what the answer says of it."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from querycache.models import CacheEntry, CacheLease, Namespace
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db


def age(seconds: float) -> None:
    """Make everything that is stored older by this much."""
    by = datetime.timedelta(seconds=seconds)
    for entry in CacheEntry.objects.all():
        entry.created_at -= by
        entry.fresh_until -= by
        entry.stale_until -= by
        entry.save()
    for lease in CacheLease.objects.all():
        lease.created_at -= by
        lease.expires_at -= by
        lease.save()


class TestAMiss:
    def test_gives_the_first_caller_a_lease_of_a_minute(self, person: ApiClient) -> None:
        response = person.post("/cache/lookup", cache.QUESTION)

        answer = response.json()
        assert answer["status"] == "miss"
        assert answer["key"] == cache.key_of(person)
        assert (answer["result"], answer["age_seconds"], answer["expires_in_seconds"]) == (
            None, None, None,
        )  # fmt: skip
        expires_at = datetime.datetime.fromisoformat(answer["lease"]["expires_at"])
        assert 58 < (expires_at - timezone.now()).total_seconds() <= 60
        assert response["Cache-Status"] == "Steward; fwd=miss"
        assert "Retry-After" not in response

    def test_tells_the_others_when_to_come_back(self, person: ApiClient) -> None:
        cache.look_up(person)

        response = person.post("/cache/lookup", cache.QUESTION)

        assert (response.json()["status"], response.json()["lease"]) == ("miss", None)
        assert response["Retry-After"] == "1"
        assert response["Cache-Status"] == "Steward; fwd=miss"

    def test_asks_for_longer_patience_the_longer_the_maker_takes(self, person: ApiClient) -> None:
        cache.look_up(person)
        shown = []

        for _ in range(4):
            age(2)
            shown.append(person.post("/cache/lookup", cache.QUESTION)["Retry-After"])

        assert shown == ["3", "5", "5", "5"]

    def test_passes_the_lease_on_when_it_has_expired(self, person: ApiClient) -> None:
        first = cache.look_up(person)
        age(60)

        second = cache.look_up(person)

        assert second["lease"] is not None
        assert second["lease"]["token"] != first["lease"]["token"]

    def test_makes_the_namespace_at_first_use(self, person: ApiClient) -> None:
        answer = cache.look_up(person, namespace="advice:v2")

        assert answer["lease"] is not None
        namespace = Namespace.objects.get(name="advice:v2")
        assert (namespace.sharing, namespace.default_ttl_seconds) == ("private", 3600)

    def test_writes_no_entry(self, person: ApiClient) -> None:
        cache.look_up(person)

        assert not CacheEntry.objects.exists()


class TestLetters:
    TEXT = "Decode base64: QUJD"

    def test_that_differ_are_another_question(self, person: ApiClient) -> None:
        cache.store(person, cache.key_of(person, {"query": self.TEXT}), "ABC")

        assert cache.look_up(person, {"query": self.TEXT.lower()})["status"] == "miss"
        assert cache.look_up(person, {"query": f" {self.TEXT}\n"})["result"] == "ABC"

    def test_do_not_matter_where_the_namespace_ignores_them(self, person: ApiClient) -> None:
        cache.make_namespace("faq", ignore_case=True)
        missed = cache.look_up(person, {"query": "What IS it?"}, namespace="faq")
        token = missed["lease"]["token"]
        cache.store(person, missed["key"], "This.", namespace="faq", lease=token)

        found = cache.look_up(person, {"query": "what is IT?"}, namespace="faq")

        assert (found["status"], found["key"], found["result"]) == ("hit", missed["key"], "This.")

    def test_of_one_question_have_one_maker_there(self, person: ApiClient) -> None:
        cache.make_namespace("faq", ignore_case=True)
        cache.look_up(person, {"query": "What IS it?"}, namespace="faq")

        assert cache.look_up(person, {"query": "what is it?"}, namespace="faq")["lease"] is None

    @pytest.mark.parametrize("before", [False, True])
    def test_are_not_mixed_up_when_the_namespace_changes(
        self, person: ApiClient, before: bool
    ) -> None:
        cache.change(ignore_case=before)
        missed = cache.look_up(person, {"query": "a" if before else "A"})
        cache.store(person, missed["key"], "one", lease=missed["lease"]["token"])

        cache.change(ignore_case=not before)

        assert [cache.look_up(person, {"query": text})["status"] for text in "aA"] == ["miss"] * 2


class TestAHit:
    def test_serves_the_result_with_its_times(self, person: ApiClient) -> None:
        cache.store(person, cache.key_of(person), {"text": "This one."}, ttl_seconds=100)
        age(10)

        response = person.post("/cache/lookup", cache.QUESTION)

        answer = response.json()
        assert answer["status"] == "hit"
        assert answer["result"] == {"text": "This one."}
        assert answer["age_seconds"] == 10
        assert answer["expires_in_seconds"] in (89, 90)
        assert answer["lease"] is None
        assert response["Cache-Status"] == f"Steward; hit; ttl={answer['expires_in_seconds']}"

    def test_comes_from_the_lease_that_was_given(self, person: ApiClient) -> None:
        missed = cache.look_up(person)
        token = missed["lease"]["token"]

        stored = cache.store(person, missed["key"], "A new one.", lease=token)

        assert stored.status_code == 201
        assert cache.look_up(person)["result"] == "A new one."

    def test_needs_the_same_question_between_any_spaces(self, person: ApiClient) -> None:
        cache.store(person, cache.key_of(person), "This one.")

        assert cache.look_up(person, query=" Which heat pump?\n")["status"] == "hit"
        assert cache.look_up(person, query="Which heat  pump?")["status"] == "miss"
        assert cache.look_up(person, model="a/one")["status"] == "miss"
        assert cache.look_up(person, parameters={"seed": 1})["status"] == "miss"
        assert cache.look_up(person, context="winter")["status"] == "miss"

    def test_ends_when_its_time_is_over(self, person: ApiClient) -> None:
        cache.store(person, cache.key_of(person), "This one.", ttl_seconds=100)

        age(100)

        assert cache.look_up(person)["status"] == "miss"

    def test_lasts_as_long_as_the_namespace_says(self, person: ApiClient) -> None:
        cache.change(default_ttl_seconds=7)

        cache.store(person, cache.key_of(person), "This one.")

        assert cache.look_up(person)["expires_in_seconds"] in (6, 7)


class TestTheStaleWindow:
    @pytest.fixture(autouse=True)
    def window(self, person: ApiClient) -> None:
        cache.change(stale_seconds=50)
        cache.store(person, cache.key_of(person), "The old one.", ttl_seconds=100)

    def test_serves_the_old_answer_and_lets_one_caller_renew_it(self, person: ApiClient) -> None:
        age(110)

        response = person.post("/cache/lookup", cache.QUESTION)
        first, second = response.json(), cache.look_up(person)

        assert [first["status"], second["status"]] == ["stale", "stale"]
        assert [first["result"], second["result"]] == ["The old one.", "The old one."]
        assert first["lease"] is not None
        assert second["lease"] is None
        assert first["expires_in_seconds"] in (-11, -10)
        assert response["Cache-Status"] == f"Steward; hit; ttl={first['expires_in_seconds']}"
        assert "Retry-After" not in response

    def test_ends_with_the_new_answer(self, person: ApiClient) -> None:
        age(110)
        stale = cache.look_up(person)

        cache.store(person, stale["key"], "The new one.", lease=stale["lease"]["token"])

        answer = cache.look_up(person)
        assert (answer["status"], answer["result"]) == ("hit", "The new one.")

    def test_ends_by_itself(self, person: ApiClient) -> None:
        age(150)

        assert cache.look_up(person)["status"] == "miss"


class TestARequest:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"query": " \n"},
            {"query": 5},
            {"query": "a", "parameters": []},
            {"query": "a", "parameters": None},
            {"query": "a", "model": 5},
            {"query": "a", "namespace": "a/b"},
            {"query": "a", "namespace": ""},
            {"query": "a", "namespace": "a" * 65},
            {"query": "a", "wait_ms": 30_001},
            {"query": "a", "wait_ms": -1},
            {"query": "a", "version": 2},
        ],
    )
    def test_that_is_not_as_it_should_be_is_refused(
        self, person: ApiClient, body: dict[str, Any]
    ) -> None:
        assert_problem(person.post("/cache/lookup", body), 400, "invalid_request")

        assert not CacheLease.objects.exists()
        assert Namespace.objects.count() == 1

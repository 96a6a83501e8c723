"""Storing: what comes out is what went in, by whose lease, and what is never stored."""

import datetime
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from querycache import statements
from querycache.errors import LeaseLost
from querycache.models import CacheEntry, CacheLease
from querycache.services import entries
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.querycache import cache
from tests.querycache.test_lookup import age

pytestmark = pytest.mark.django_db


def rows() -> tuple[list[Any], list[Any]]:
    """All entries and leases as they stand."""
    return list(CacheEntry.objects.order_by("pk").values()), list(
        CacheLease.objects.order_by("pk").values()
    )


class TestAResult:
    @pytest.mark.parametrize(
        "text",
        [
            '{"b": 1, "a": 2}',
            '{ "b":1,\n\t"a" : [ 1.0, 1e5, 1E-7, 0.10, -0 ] }',
            '"a text with \\u00e9 and \\n and \\/"',
            '"寒い \U0001f600"',
            "9223372036854775807",
            "-9223372036854775808",
            "false",
            "0",
            '{"a": 1, "a": 2}',
            "[[[[1]]]]",
        ],
    )
    def test_comes_back_byte_for_byte(self, person: ApiClient, text: str) -> None:
        body = f' {{ "tags" : ["result"], "result" :\n {text} , "ttl_seconds": 60 }} '
        key = cache.key_of(person)

        stored = person.put(cache.entry_path(key), raw=body.encode())
        looked_up = person.post("/cache/lookup", cache.QUESTION)
        read = person.get(cache.entry_path(key))

        assert stored.status_code == 201, stored.content
        for response in (stored, looked_up, read):
            assert f'"result":{text}'.encode() in response.content

    def test_is_the_last_of_two_and_never_one_inside_another_member(
        self, person: ApiClient
    ) -> None:
        raw = b'{"result": 1, "r\\u0065sult": [ 2 ], "tags": ["\\"result\\": 3"]}'

        response = person.put(cache.entry_path(), raw=raw)

        assert b'"result":[ 2 ]' in response.content

    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.recursive(
            st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(min_size=1, max_size=9)
            | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(st.text(max_size=3), inner, min_size=1, max_size=3),
        ).filter(lambda value: "\\u0000" not in repr(value) and "\\x00" not in repr(value)
                 and (not isinstance(value, str) or value.strip()))
    )  # fmt: skip
    def test_of_any_shape_comes_back_equal(self, person: ApiClient, value: Any) -> None:
        assert cache.store(person, result=value).status_code in (200, 201)

        assert person.get(cache.entry_path()).json()["result"] == value

    def test_is_told_with_what_it_was_stored_with(self, person: ApiClient) -> None:
        response = cache.store(
            person, result={"a": 1}, model="a/one", tags=["news", "news", "model:a"],
            ttl_seconds=60, cost_credits=3, produced_ms=1200, finish_reason="stop",
        )  # fmt: skip

        entry = response.json()
        assert {name: entry[name] for name in entry if not name.endswith(("_at", "_until"))} == {
            "key": cache.KEY, "namespace": "default", "result": {"a": 1}, "model": "a/one",
            "tags": ["news", "model:a"], "cost_credits": 3, "produced_ms": 1200, "byte_size": 7,
        }  # fmt: skip


class TestAnEntry:
    def test_is_new_once_and_replaced_from_then_on(self, person: ApiClient) -> None:
        first = cache.store(person, result="one", tags=["a"])
        second = cache.store(person, result="two")

        assert [first.status_code, second.status_code] == [201, 200]
        assert second.json()["result"] == "two"
        assert second.json()["tags"] == []
        assert CacheEntry.objects.count() == 1

    def test_keeps_the_question_of_its_lease(self, person: ApiClient) -> None:
        question = cache.QUESTION | {"context": {"b": 1.0, "a": [None]}}
        missed = cache.look_up(person, question)

        cache.store(person, missed["key"], "é", lease=missed["lease"]["token"])

        entry = CacheEntry.objects.get()
        assert (entry.query, entry.context) == (question["query"], question["context"])
        texts = '"é"' + entry.query + '{"b":1.0,"a":[null]}'
        assert entry.byte_size == len(texts.encode())

    def test_keeps_no_question_that_is_very_long(self, person: ApiClient) -> None:
        question = {"query": "a" * 65_537, "context": "b" * 65_537}
        missed = cache.look_up(person, question)

        cache.store(person, missed["key"], lease=missed["lease"]["token"])

        assert CacheEntry.objects.values_list("query", "context").get() == ("", None)


class TestALease:
    def test_is_used_up_by_its_store(self, person: ApiClient) -> None:
        missed = cache.look_up(person)
        token = missed["lease"]["token"]
        cache.store(person, missed["key"], "one", lease=token)
        before = rows()

        again = cache.store(person, missed["key"], "two", lease=token)

        assert_problem(again, 409, "lease_lost")
        assert rows() == before

    def test_that_is_used_up_stays_so_on_a_host_whose_clock_is_behind(
        self, person: ApiClient
    ) -> None:
        missed = cache.look_up(person)
        token = missed["lease"]["token"]
        cache.store(person, missed["key"], "one", lease=token)
        before = rows()

        with pytest.raises(LeaseLost):
            entries.store_answer(
                namespace="default", user_id="ann", key=missed["key"], token=token,
                answer=entries.NewAnswer(text='"two"', value="two"), at=cache.later(-30),
            )  # fmt: skip

        assert rows() == before

    @pytest.mark.parametrize("token", ["", "0" * 32, "x"])
    def test_that_is_not_the_one_given_is_refused(self, person: ApiClient, token: str) -> None:
        missed = cache.look_up(person)
        before = rows()

        response = cache.store(person, missed["key"], lease=token or None, ttl_seconds=None)
        assert_problem(response, 400, "invalid_request")
        response = cache.store(person, missed["key"], lease=token or "y")

        assert_problem(response, 409, "lease_lost")
        assert rows() == before

    def test_that_has_passed_on_is_refused_and_the_new_one_stores(self, person: ApiClient) -> None:
        first = cache.look_up(person)
        age(60)
        second = cache.look_up(person)
        before = rows()

        late = cache.store(person, first["key"], "late", lease=first["lease"]["token"])
        assert_problem(late, 409, "lease_lost")
        assert rows() == before
        cache.store(person, second["key"], "in time", lease=second["lease"]["token"])

        assert cache.look_up(person)["result"] == "in time"

    def test_that_has_expired_is_refused_though_nobody_took_it(self, person: ApiClient) -> None:
        missed = cache.look_up(person)
        age(60)
        before = rows()

        response = cache.store(person, missed["key"], lease=missed["lease"]["token"])

        assert_problem(response, 409, "lease_lost")
        assert rows() == before

    def test_is_of_one_key_and_one_person(self, person: ApiClient, stranger: ApiClient) -> None:
        missed = cache.look_up(person)
        token = missed["lease"]["token"]

        for client, key in ((stranger, missed["key"]), (person, cache.KEY)):
            assert_problem(cache.store(client, key, lease=token), 409, "lease_lost")

        assert not CacheEntry.objects.exists()

    def test_is_not_taken_by_one_who_read_before_the_answer_was_stored(
        self, person: ApiClient
    ) -> None:
        """Between read and taking, another caller may have taken the lease, made and stored."""
        key, at = cache.key_of(person), timezone.now()
        seen = statements.read(namespace="default", user_id="ann", key=key, at=at)
        assert seen is not None and seen.lease_token is None
        made = cache.look_up(person)
        cache.store(person, key, "made", lease=made["lease"]["token"])
        late = CacheLease(
            namespace_id=seen.namespace_id, key_hash=key, token="late", epoch=0,
            created_at=at, expires_at=at + datetime.timedelta(seconds=60),
        )  # fmt: skip

        assert not statements.take_lease(late, owner="ann", seen_token=seen.lease_token)

    def test_does_not_keep_others_from_storing_without_one(self, person: ApiClient) -> None:
        missed = cache.look_up(person)

        assert cache.store(person, missed["key"], "warm").status_code == 201
        assert cache.look_up(person)["result"] == "warm"


class TestWhatIsNotCacheable:
    @pytest.mark.parametrize(
        ("more", "reason"),
        [
            ({"result": None}, "empty"),
            ({"result": ""}, "empty"),
            ({"result": " \n\t"}, "empty"),
            ({"result": {}}, "empty"),
            ({"result": []}, "empty"),
            ({"finish_reason": "length"}, "finish_reason"),
            ({"finish_reason": "max_tokens"}, "finish_reason"),
            ({"finish_reason": "content_filter"}, "finish_reason"),
            ({"finish_reason": "tool_calls"}, "finish_reason"),
            ({"finish_reason": "error"}, "finish_reason"),
            ({"finish_reason": "a reason of next year"}, "finish_reason"),
            ({"result": "a" * 99}, "too_large"),
        ],
    )
    def test_is_refused_and_changes_nothing(
        self, person: ApiClient, more: dict[str, Any], reason: str
    ) -> None:
        cache.change(max_entry_bytes=100)
        missed = cache.look_up(person)
        before = rows()

        for lease in ({}, {"lease": missed["lease"]["token"]}):
            response = cache.store(person, missed["key"], **{"result": "a", **more, **lease})
            assert assert_problem(response, 422, "not_cacheable")["reason"] == reason

        assert rows() == before

    @pytest.mark.parametrize("reason", ["stop", "STOP", "end_turn", "stop_sequence", None])
    def test_is_not_what_says_that_it_is_whole(self, person: ApiClient, reason: Any) -> None:
        assert cache.store(person, finish_reason=reason).status_code == 201

    def test_counts_bytes_not_characters(self, person: ApiClient) -> None:
        cache.change(max_entry_bytes=10)

        assert cache.store(person, result="é" * 4).status_code == 201
        assert_problem(cache.store(person, result="é" * 5), 422, "not_cacheable")


class TestARequest:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"result": 1, "ttl_seconds": 0},
            {"result": 1, "ttl_seconds": 315_360_001},
            {"result": 1, "tags": "a"},
            {"result": 1, "tags": [""]},
            {"result": 1, "tags": ["a"] * 21},
            {"result": 1, "cost_credits": -1},
            {"result": 1, "produced_ms": 1.5},
            {"result": 1, "owner": "bob"},
        ],
    )
    def test_that_is_not_as_it_should_be_is_refused(
        self, person: ApiClient, body: dict[str, Any]
    ) -> None:
        assert_problem(person.put(cache.entry_path(), body), 400, "invalid_request")

        assert not CacheEntry.objects.exists()

    @pytest.mark.parametrize("key", ["a" * 63, "a" * 65, "A" * 64, "g" * 64])
    def test_for_what_is_no_key_meets_no_address(self, person: ApiClient, key: str) -> None:
        for method in ("GET", "PUT", "DELETE"):
            assert_problem(
                person.request(method, f"/cache/entries/{key}", {"result": 1}), 404, "not_found"
            )

    def test_that_is_no_json_is_refused(self, person: ApiClient) -> None:
        for raw in (b'{"result": 1', b'{"result": NaN}', b'{"result": "\\u0000"}', b"", b"[1]"):
            response = person.put(cache.entry_path(), raw=raw)
            assert response.status_code == 400, raw

        assert not CacheEntry.objects.exists()

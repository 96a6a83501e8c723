"""Caps and expiry: deletion is paid for by stores, in batches, and keeps rows and bytes within."""

import datetime
import time
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone

from querycache.models import CacheEntry, CacheLease, CacheSize, CacheStatistics, Namespace
from querycache.services import counting, namespaces, tidying
from tests import processes
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.querycache import cache


def used(name: str) -> dict[str, int]:
    """What the entries say, counted."""
    entries = CacheEntry.objects.filter(namespace__name=name)
    return entries.aggregate(rows=Count("pk"), bytes=Sum("byte_size", default=0))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("caps", "largest"),
    [({"max_entries": 250}, 40), ({"max_bytes": 250_000, "max_entry_bytes": 4000}, 3000)],
    ids=["rows", "bytes"],
)
def test_a_storm_of_writes_stays_within_a_tenth_of_the_caps(
    caps: dict[str, int], largest: int
) -> None:
    cache.make_namespace("storm", **caps)
    storms = [
        processes.child("tests.querycache.storm", str(seed), "150", str(largest))
        for seed in range(3)
    ]
    most = {"rows": 0, "bytes": 0}
    while any(storm.poll() is None for storm in storms):
        now = used("storm")
        most = {name: max(most[name], now[name]) for name in most}
        time.sleep(0.01)

    for storm in storms:
        storm.communicate()
    assert [storm.returncode for storm in storms] == [0, 0, 0]
    namespace = Namespace.objects.get(name="storm")
    assert most["rows"] <= namespace.max_entries * 1.1
    assert most["bytes"] <= namespace.max_bytes * 1.1
    # And it is filled, not emptied.
    left = used("storm")
    filled = left["rows"] / namespace.max_entries, left["bytes"] / namespace.max_bytes
    assert max(filled) >= 0.85
    size = tidying.size_of(namespace)
    assert (size.entries, size.bytes) == (left["rows"], left["bytes"])


@pytest.mark.django_db
class TestTidying:
    def test_removes_what_has_ended_before_the_oldest(self, person: ApiClient) -> None:
        namespace = cache.make_namespace("small", max_entries=3)
        now = timezone.now()
        for number, seconds in enumerate((100, 100, 1, 100, 100)):
            at = now - datetime.timedelta(seconds=50 - number)
            with_time = {"at": at, "ttl_seconds": seconds}
            CacheEntry.objects.filter(pk=cache.put(number, namespace="big", **with_time).pk).update(  # type: ignore[arg-type]
                namespace=namespace
            )

        removed = tidying.tidy(namespace=namespace, at=now, limit=100)

        left = CacheEntry.objects.filter(namespace=namespace).values_list("key_hash", flat=True)
        assert removed == 2
        assert set(left) == {cache.key_for(number) for number in (1, 3, 4)}
        [(_, counts)] = [one for one in counting.counted._pending.items() if one[0][0] == "small"]
        assert counts.evictions == 1

    def test_removes_what_an_invalidation_left(self, person: ApiClient) -> None:
        for number in range(5):
            cache.put(number)
        namespaces.invalidate(namespace="default", at=timezone.now())
        cache.put(9)

        removed = tidying.tidy(namespace=Namespace.objects.get(), at=timezone.now(), limit=100)

        assert removed == 5
        assert CacheEntry.objects.get().key_hash == cache.key_for(9)

    def test_takes_no_more_than_a_batch_at_once(self) -> None:
        now = timezone.now()
        for number in range(250):
            cache.put(number, at=now - datetime.timedelta(seconds=10), ttl_seconds=100)
        later = now + datetime.timedelta(seconds=200)

        with assert_statements(9) as statements:
            first = tidying.tidy(namespace=Namespace.objects.get(), at=later, limit=100)

        assert first == 100
        assert CacheEntry.objects.count() == 150
        assert (
            len([one for one in statements if one.startswith('DELETE FROM "querycache_cacheentry')])
            == 1
        )

    def test_is_done_by_stores_twice_as_fast_as_they_add(self) -> None:
        now = timezone.now()
        old = now - datetime.timedelta(hours=2)
        for number in range(200):
            cache.put(number, at=old)
        assert CacheEntry.objects.count() >= 200

        for number in range(200, 400):
            cache.put(number, at=now)

        assert not CacheEntry.objects.expired(at=now).exists()
        assert CacheEntry.objects.count() == 200

    def test_goes_on_until_large_entries_have_their_place(self) -> None:
        # It takes the place of 230 others: two batches and a part of one.
        namespace = cache.make_namespace("small", max_bytes=3_000, max_entry_bytes=2500)
        for number in range(300):
            cache.put(number, namespace="small", text='"12345678"')

        cache.put(9999, namespace="small", text=f'"{"x" * 2298}"')

        assert tidying.size_of(namespace).bytes <= 3_000

    def test_folds_the_sizes_into_few_rows(self) -> None:
        for number in range(500):
            cache.put(number)
        namespace = Namespace.objects.get()

        assert CacheSize.objects.count() <= tidying.STORES_FOR_A_BATCH + 1
        size = tidying.size_of(namespace)
        assert (size.entries, size.bytes, size.ttl_seconds) == (500, 3000, 500 * 3600)

    def test_removes_leases_that_nobody_can_use(self) -> None:
        now = timezone.now()
        for number, seconds in enumerate((30, -30, -90, -900)):
            CacheLease.objects.create(
                namespace=Namespace.objects.get(), person=cache.known(),
                key_hash=cache.key_for(number), token=str(number), epoch=0, created_at=now,
                expires_at=now + datetime.timedelta(seconds=seconds),
            )  # fmt: skip

        assert tidying.remove_leases(at=now, limit=1) == 1
        assert tidying.remove_leases(at=now, limit=9) == 1

        left = CacheLease.objects.order_by("pk").values_list("token", flat=True)
        assert list(left) == ["0", "1"]

    def test_happens_for_misses_that_nobody_stores(self, person: ApiClient) -> None:
        CacheLease.objects.create(
            namespace=Namespace.objects.get(), person=cache.known(), key_hash=cache.KEY,
            token="old", epoch=0, created_at=timezone.now(), expires_at=cache.later(-90),
        )  # fmt: skip

        for number in range(tidying.STORES_FOR_A_BATCH):
            cache.look_up(person, {"query": str(number)})

        assert not CacheLease.objects.filter(token="old").exists()

    def test_that_fails_loses_no_answer(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.db import OperationalError

        def locked(**given: Any) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr(tidying, "keep_within_caps", locked)
        monkeypatch.setattr(tidying, "STORES_FOR_A_BATCH", 1)

        assert cache.store(person).status_code == 201
        assert person.get(cache.entry_path()).status_code == 200


@pytest.mark.django_db
class TestTheSize:
    def test_follows_raw_sql_of_any_kind(self, person: ApiClient) -> None:
        other = cache.make_namespace("other")
        for number in range(3):
            cache.put(number)
        first = CacheEntry.objects.order_by("pk").values_list("pk", flat=True)[0]

        with connection.cursor() as cursor:
            cursor.execute("UPDATE querycache_cacheentry SET byte_size = 20, ttl_seconds = 1")
            cursor.execute(
                "UPDATE querycache_cacheentry SET namespace_id = %s WHERE id = %s",
                [other.pk, first],
            )
            cursor.execute("DELETE FROM querycache_cacheentry WHERE id = %s", [first + 1])

        sizes = [tidying.size_of(space) for space in Namespace.objects.order_by("pk")]
        assert [(size.entries, size.bytes, size.ttl_seconds) for size in sizes] == [
            (1, 20, 1),
            (1, 20, 1),
        ]

    def test_goes_with_a_store_that_is_rolled_back(self, person: ApiClient) -> None:
        missed = cache.look_up(person)
        cache.change(max_entry_bytes=5)

        cache.store(person, missed["key"], lease=missed["lease"]["token"])

        assert tidying.size_of(Namespace.objects.get()).entries == 0
        assert not CacheStatistics.objects.exists()


NEW: dict[str, Any] = {
    "look-up": lambda person, name: person.post(
        "/cache/lookup", cache.QUESTION | {"namespace": name}
    ),
    "store": lambda person, name: cache.store(person, namespace=name),
    "invalidation": lambda person, name: person.post(
        "/cache/invalidate", {"namespace": name, "all": True}
    ),
}


class TestNamespaces:
    @pytest.fixture(autouse=True)
    def three_at_most(self, settings: Any) -> None:
        settings.CACHE_MAX_NAMESPACES = 3

    @pytest.mark.django_db
    @pytest.mark.parametrize("act", NEW.values(), ids=NEW)
    def test_beyond_the_most_are_refused_and_those_that_stand_go_on(
        self, person: ApiClient, act: Any
    ) -> None:
        for name in ("one", "two"):
            assert act(person, name).status_code < 300
        before = stored()

        problem = assert_problem(act(person, "three"), 409, "too_many_namespaces")

        assert problem["max_namespaces"] == 3
        assert stored() == before
        for name in ("one", "two", "default"):
            assert act(person, name).status_code < 300

    @pytest.mark.django_db(transaction=True)
    def test_made_by_16_callers_at_once_are_no_more(self, key: str) -> None:
        answers = processes.at_once(lambda n: NEW["look-up"](ApiClient(key, "ann"), f"n{n}"))

        assert sorted(answer.status_code for answer in answers) == [200] * 2 + [409] * 14
        assert Namespace.objects.count() == 3

    @pytest.mark.django_db
    def test_that_could_not_be_made_are_not_counted(self) -> None:
        for name in ("one", "two"):
            namespaces.ensure_namespace(name=name)
        counting.note("three", timezone.now(), counting.Counts(lookups=1, bypasses=1))
        counting.note("one", timezone.now(), counting.Counts(lookups=1, misses=1))

        counting.counted.flush()

        assert list(CacheStatistics.objects.values_list("namespace__name")) == [("one",)]

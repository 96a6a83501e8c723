"""What the database itself refuses, whoever asks."""

import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from querycache.models import CacheEntry, CacheLease, CacheTag, Namespace
from tests.querycache import cache

pytestmark = pytest.mark.django_db

HOUR = datetime.timedelta(hours=1)


def entry(**columns: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "namespace": Namespace.objects.get(), "person": cache.known(), "key_hash": "a" * 64,
        "result": "1", "byte_size": 1, "ttl_seconds": 3600, "epoch": 0, "created_at": now,
        "fresh_until": now + HOUR, "stale_until": now + HOUR,
    } | columns  # fmt: skip


def lease(**columns: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "namespace": Namespace.objects.get(), "person": cache.known(), "key_hash": "a" * 64,
        "token": "t", "epoch": 0, "created_at": now, "expires_at": now + HOUR,
    } | columns  # fmt: skip


def refused(model: Any, constraint: str, **columns: Any) -> None:
    before = model.objects.count()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        model.objects.create(**columns)
    # SQLite names the columns of a unique constraint, not the constraint.
    assert constraint in str(refusal.value) or "UNIQUE" in str(refusal.value)
    assert model.objects.count() == before


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("querycache_namespace_has_a_name", {"name": ""}),
        ("querycache_namespace_times_bounded", {"default_ttl_seconds": 0}),
        ("querycache_namespace_times_bounded", {"default_ttl_seconds": 315_360_001}),
        ("querycache_namespace_times_bounded", {"stale_seconds": 315_360_001}),
        ("querycache_namespace_caps_from_one", {"max_entries": 0}),
        ("querycache_namespace_caps_from_one", {"max_entry_bytes": 0}),
        ("querycache_namespace_takes_its_largest_entry", {"max_bytes": 5, "max_entry_bytes": 6}),
        ("querycache_namespace_sharing_known", {"sharing": "public"}),
        ("name", {"name": "default"}),
    ],
)
def test_a_namespace_is_refused(constraint: str, columns: dict[str, Any]) -> None:
    refused(Namespace, constraint, **{"name": "new", **columns})


def test_an_entry_is_refused() -> None:
    now = timezone.now()
    CacheEntry.objects.create(**entry(key_hash="b" * 64))

    refused(CacheEntry, "querycache_entry_one_for_a_key", **entry(key_hash="b" * 64))
    CacheEntry.objects.create(**entry(person=None))
    nobodys = "querycache_entry_one_of_nobody_for_a_key"
    refused(CacheEntry, nobodys, **entry(person=None))
    times = "querycache_entry_times_follow_each_other"
    refused(CacheEntry, times, **entry(fresh_until=now - HOUR))
    refused(CacheEntry, times, **entry(stale_until=now))
    refused(CacheEntry, "querycache_entry_has_a_result", **entry(result=""))
    refused(CacheEntry, "querycache_entry_has_a_result", **entry(byte_size=0))
    nobody = "querycache_entry_of_nobody_keeps_no_query"
    refused(CacheEntry, nobody, **entry(person=None, query="whose?"))
    refused(CacheEntry, nobody, **entry(person=None, context=[1]))


def test_a_lease_is_refused() -> None:
    CacheLease.objects.create(**lease(key_hash="b" * 64))

    refused(CacheLease, "querycache_lease_one_for_a_key", **lease(key_hash="b" * 64))
    CacheLease.objects.create(**lease(person=None))
    nobodys = "querycache_lease_one_of_nobody_for_a_key"
    refused(CacheLease, nobodys, **lease(person=None))
    nobody = "querycache_lease_of_nobody_keeps_no_query"
    refused(CacheLease, nobody, **lease(person=None, query="whose?"))


def test_a_tag_is_refused() -> None:
    row = {"namespace": Namespace.objects.get(), "name": "tag:a", "invalidated_at": timezone.now()}
    CacheTag.objects.create(**row)

    refused(CacheTag, "querycache_tag_once_in_a_namespace", **row)

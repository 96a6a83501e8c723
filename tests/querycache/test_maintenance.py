"""What `maintain` tidies of an idle cache: in bounded steps, saying before what it would do."""

import datetime

import pytest
from django.utils import timezone

from common import declarations
from common.declarations import Task
from querycache.models import CacheEntry, CacheLease, CacheTag, Namespace
from querycache.services import namespaces
from tests.querycache import cache

pytestmark = pytest.mark.django_db


def task(name: str) -> Task:
    [found] = [one for one in declarations.maintenance_tasks() if one.name == f"querycache.{name}"]
    return found


def run(name: str, at: datetime.datetime, limit: int) -> list[int]:
    """What each step tidied, until nothing was left."""
    done = []
    while not done or done[-1] == limit:
        done.append(task(name).tidy(at, limit))
    return done


def test_entries_that_ended_or_are_over_the_caps_go() -> None:
    now = timezone.now()
    for number in range(9):
        cache.put(number, at=now + datetime.timedelta(seconds=number), ttl_seconds=100)
    for number in range(5):
        cache.put(number, namespace="brief", ttl_seconds=10)
    cache.change(max_entries=7)
    at = now + datetime.timedelta(seconds=60)

    assert task("entries").waiting(at) == 7
    assert CacheEntry.objects.count() == 14
    assert run("entries", at, 3) == [3, 3, 1]

    assert task("entries").waiting(at) == 0
    left = CacheEntry.objects.order_by("pk").values_list("key_hash", flat=True)
    assert list(left) == [cache.key_for(number) for number in range(2, 9)]


def test_entries_over_the_cap_on_bytes_go() -> None:
    now = timezone.now()
    for number in range(9):
        cache.put(number, at=now + datetime.timedelta(seconds=number), text='"12345678"')
    cache.change(max_bytes=45, max_entry_bytes=45)

    assert task("entries").waiting(now) == 5
    assert run("entries", now, 100) == [5]
    assert task("entries").waiting(now) == 0


def test_entries_of_earlier_epochs_go() -> None:
    cache.put(1)
    namespaces.invalidate(namespace="default", at=timezone.now())

    assert task("entries").waiting(timezone.now()) == 1
    assert run("entries", timezone.now(), 10) == [1]


def test_leases_that_ended_go() -> None:
    now = timezone.now()
    for number in range(5):
        CacheLease.objects.create(
            namespace=Namespace.objects.get(), person=cache.known(), key_hash=cache.key_for(number),
            token="a", epoch=0, created_at=now,
            expires_at=now - datetime.timedelta(seconds=50 * number),
        )  # fmt: skip

    assert task("leases").waiting(now) == 3
    assert run("leases", now, 2) == [2, 1]
    assert CacheLease.objects.count() == 2


def test_invalidations_go_when_they_end_no_entry_any_more() -> None:
    now = timezone.now()
    before = now - datetime.timedelta(days=2)
    cache.put(1, namespace="old", at=before - datetime.timedelta(hours=1), ttl_seconds=10**6)
    cache.put(2, at=before + datetime.timedelta(hours=1), ttl_seconds=10**6)
    for namespace, name, at in (
        ("old", "kept for an entry", before),
        ("default", "idle", before),
        ("default", "kept for a day", now),
    ):
        namespaces.invalidate(namespace=namespace, tags=[name], at=at)

    assert task("tags").waiting(now) == 1
    assert run("tags", now, 10) == [1]
    left = CacheTag.objects.order_by("pk").values_list("name", flat=True)
    assert list(left) == ["tag:kept for an entry", "tag:kept for a day"]

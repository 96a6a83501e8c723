"""A cache that cannot be read is no error: the caller makes the answer without it."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client

from querycache import statements
from querycache.keys import CacheRequest
from querycache.models import CacheLease, CacheStatistics
from querycache.services import counting, tidying
from tests.client import ApiClient
from tests.querycache import cache


@pytest.fixture
def missing_tables(transactional_db: None) -> Iterator[None]:
    """The tables that a look-up reads are not there, as before `migrate`."""
    names = ["querycache_namespace", "querycache_cacheentry"]
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"ALTER TABLE {name} RENAME TO {name}_away")
    yield
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"ALTER TABLE {name}_away RENAME TO {name}")


@pytest.mark.usefixtures("missing_tables")
def test_missing_tables_give_a_bypass(person: ApiClient) -> None:
    response = person.post("/cache/lookup", cache.QUESTION)

    assert response.status_code == 200
    assert response.json() == {
        "status": "bypass", "key": CacheRequest(**cache.QUESTION).key, "result": None,
        "age_seconds": None, "expires_in_seconds": None, "lease": None,
    }  # fmt: skip
    assert response["Cache-Status"] == "Steward; fwd=bypass"


@pytest.mark.usefixtures("missing_tables")
def test_missing_tables_show_in_the_health_of_the_whole(key: str) -> None:
    response = Client().get("/health/detailed", headers={"Authorization": f"Bearer {key}"})

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["components"]["cache"]["status"] == "degraded"


@pytest.mark.django_db
def test_the_health_of_the_whole_has_the_caches_size(person: ApiClient, key: str) -> None:
    cache.store(person, result="12345")

    response = Client().get("/health/detailed", headers={"Authorization": f"Bearer {key}"})

    assert response.json()["components"]["cache"] == {
        "status": "ok", "namespaces": 1, "entries": 1, "bytes": len('"12345"'),
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_locked_table_gives_a_bypass(person: ApiClient) -> None:
    """Another connection has the lock that the lease needs, for longer than anybody waits."""
    other = connection.copy(alias="other")
    other.settings_dict["POOL"] = None
    cache.look_up(person, {"query": "warm"})
    try:
        with connection.cursor() as cursor, other.cursor() as locker:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA busy_timeout = 50")
                locker.execute("BEGIN IMMEDIATE")
            else:
                cursor.execute("SET lock_timeout = '50ms'")
                locker.execute("BEGIN")
                locker.execute("LOCK TABLE querycache_cachelease")
            # Django's client closes no connection while the test holds it open.
            answer = cache.look_up(person)
            locker.execute("ROLLBACK")
    finally:
        other.close()
        connection.close()

    assert answer["status"] == "bypass"
    assert CacheLease.objects.count() == 1


@pytest.mark.django_db
def test_tidying_that_fails_takes_no_lease_away(
    person: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(**given: object) -> None:
        raise OperationalError("locked")

    monkeypatch.setattr(tidying.lease_pace, "is_due", lambda: True)
    monkeypatch.setattr(tidying, "remove_leases", locked)

    answer = cache.look_up(person)

    assert answer["status"] == "miss" and answer["lease"] is not None


@pytest.mark.django_db
def test_a_bypass_is_counted_when_the_database_is_back(
    person: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(**given: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(statements, "read", unreadable)
        cache.look_up(person)
        cache.look_up(person, namespace="never-seen")
    counting.counted.flush()

    rows = CacheStatistics.objects.order_by("namespace__name")
    assert list(rows.values_list("namespace__name", "lookups", "bypasses")) == [
        ("default", 1, 1),
        ("never-seen", 1, 1),
    ]

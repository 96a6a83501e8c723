"""The step from the person's id to the person's row, and back, with rows of all kinds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from access.models import Person
from common import declarations
from common.schema import database_triggers
from querycache.models import CacheEntry, CacheLease
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db(transaction=True)

# Somebody may be called so.
ODD = "(shared)"
SHARED = cache.QUESTION | {"namespace": "faq"}


@contextmanager
def migrated_back_to(app: str, name: str) -> Iterator[None]:
    call_command("migrate", app, name, verbosity=0)
    try:
        yield
    finally:
        call_command("migrate", verbosity=0)


def owners(table: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT owner FROM querycache_{table} ORDER BY owner")
        return [owner for (owner,) in cursor.fetchall()]


def fill(key: str) -> dict[str, Any]:
    """An answer and a lease of each person, and of nobody; the answers as they are served."""
    cache.make_namespace("faq", sharing="shared")
    for user_id in ("ann", "bob", ODD):
        client = ApiClient(key, user_id)
        missed = cache.look_up(client)
        cache.store(client, missed["key"], f"for {user_id}", lease=missed["lease"]["token"])
    missed = cache.look_up(client, SHARED)
    cache.store(client, missed["key"], "for all", namespace="faq", lease=missed["lease"]["token"])
    return served(key)


def served(key: str) -> dict[str, Any]:
    found = {
        user_id: cache.look_up(ApiClient(key, user_id))["result"] for user_id in ("ann", "bob", ODD)
    }
    return found | {"all": cache.look_up(ApiClient(key, "carl"), SHARED)["result"]}


def assert_sound() -> None:
    assert database_triggers.missing() == []
    assert [sentence for check in declarations.checks() for sentence in check.find()] == []


class TestEntriesAndLeases:
    def test_go_back_to_the_ids_and_come_again(self, key: str, person: ApiClient) -> None:
        before = fill(key)

        with migrated_back_to("querycache", "0003"):
            for table in ("cacheentry", "cachelease"):
                assert owners(table) == ["", ODD, "ann", "bob"]

        assert served(key) == before
        for model in (CacheEntry, CacheLease):
            whose = model._default_manager.values_list("person__user_id", flat=True)
            assert set(whose) == {None, ODD, "ann", "bob"}
        assert_sound()
        # What is stored after the step replaces what was stored before it.
        cache.store(person, cache.key_of(person), "another")
        cache.store(person, cache.key_of(person), "all's other", namespace="faq")

        assert CacheEntry.objects.count() == 4
        assert cache.look_up(person)["result"] == "another"
        assert cache.look_up(person, SHARED)["result"] == "all's other"

    def test_bring_their_persons_from_before_there_were_any(self, key: str) -> None:
        """The way that a database goes that has known nobody by a row."""
        before = fill(key)

        with migrated_back_to("access", "0006"):
            assert owners("cacheentry") == ["", ODD, "ann", "bob"]

        assert served(key) == before
        assert set(Person.objects.values_list("user_id", flat=True)) == {ODD, "ann", "bob"}
        first = CacheEntry.objects.get(person__user_id="ann")
        assert first.person is not None
        assert first.person.first_seen_at == first.created_at
        assert_sound()

"""What of the cache is a person's: found by their id, and gone with it."""

import pytest

from common import privacy
from querycache.models import CacheEntry, CacheLease, Namespace
from querycache.services import tidying
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db


def tables() -> list[privacy.PersonalTable]:
    return [table for table in privacy.tables() if table.model in (CacheEntry, CacheLease)]


def test_entries_and_leases_are_found_by_their_person(
    person: ApiClient, stranger: ApiClient
) -> None:
    cache.make_namespace("faq", sharing="shared")
    for client in (person, stranger):
        cache.look_up(client, {"query": "my own words"})
        cache.store(client, result="mine")
        cache.store(client, result="all's", namespace="faq")

    for table in tables():
        table.rows_of("ann").delete()

    assert len(tables()) == 2
    assert set(CacheEntry.objects.values_list("person__user_id", flat=True)) == {"bob", None}
    assert set(CacheLease.objects.values_list("person__user_id", flat=True)) == {"bob"}
    assert tidying.size_of(Namespace.objects.get(name="default")).entries == 1

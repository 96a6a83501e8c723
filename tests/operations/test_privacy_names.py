"""A person's id in what is not theirs: names of namespaces and tags, and readings of nobody."""

from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.utils import timezone

from access.models import StaffReading
from access.services import readings
from common import declarations
from common.privacy import holds
from querycache.models import CacheEntry, CacheTag, Namespace
from querycache.services import counting
from tests.client import ApiClient
from tests.operations.persons import places_of
from tests.querycache import cache

pytestmark = pytest.mark.django_db

ZOE = "zoe-7"


@pytest.fixture
def zoe(key: str) -> ApiClient:
    return ApiClient(key, ZOE)


@pytest.fixture(autouse=True)
def names(zoe: ApiClient, stranger: ApiClient) -> None:
    """Namespaces and tags that are called after Zoe, and some that only look like it."""
    cache.make_namespace("all", sharing="shared")
    cache.make_namespace(f"faq-{ZOE}", sharing="shared")
    cache.store(zoe, result="1", namespace="all", tags=[f"doc:{ZOE}", "doc"])
    cache.store(zoe, result="2", namespace=f"home_{ZOE}")
    cache.store(zoe, result="3", namespace="notes", tags=["mine"])
    cache.store(stranger, result="4", namespace="team", tags=[f"{ZOE}9", f"of {ZOE}"])
    cache.store(stranger, result="5", namespace=f"with-{ZOE}")
    cache.store(stranger, result="6", namespace=f"faq-{ZOE}")
    for tag in (f"doc:{ZOE}", f"{ZOE}9"):
        stranger.post("/cache/invalidate", {"namespace": "all", "tags": [tag]})
    readings.record_search(actor="staff:dana", at=timezone.now(), words=f"{ZOE} complaint")
    readings.record_search(actor="staff:dana", at=timezone.now(), words=f"{ZOE}9 complaint")


def erase(zoe: ApiClient) -> dict[str, Any]:
    response = zoe.post("/privacy/erase", {"confirm": ZOE})
    assert response.status_code == 200, response.content
    counts: dict[str, Any] = response.json()
    return counts


class TestTheErasure:
    def test_takes_the_id_out_of_every_name_that_is_the_persons(self, zoe: ApiClient) -> None:
        counts = erase(zoe)

        # What is left holds another id, or is the place of others.
        assert places_of([ZOE]) == [
            f"access_staffreading.what: {ZOE}",
            f"querycache_cachetag.name: {ZOE}",
            f"querycache_namespace.name: {ZOE}",
        ]
        assert set(CacheTag.objects.values_list("name", flat=True)) == {f"tag:{ZOE}9"}
        assert StaffReading.objects.exclude(what="").get().what.endswith(f"{ZOE}9 complaint")
        names = set(Namespace.objects.values_list("name", flat=True))
        [renamed] = [name for name in names if name.startswith("erased-")]
        assert names == {"default", "all", "notes", "team", f"with-{ZOE}", f"faq-{ZOE}", renamed}
        assert counts["erased"]["querycache.cache_tag"] == 1
        assert counts["kept"]["querycache.namespace"] == 1
        assert counts["kept"]["access.staff_reading"] == 1
        assert [said for check in declarations.checks() for said in check.find()] == []

    def test_takes_away_the_entries_that_such_names_lead_to(self, zoe: ApiClient) -> None:
        counts = erase(zoe)

        assert set(CacheEntry.objects.values_list("result", flat=True)) == {'"5"', '"6"'}
        assert counts["erased"]["querycache.cache_entry"] == 4

    def test_lets_no_answer_under_way_be_stored_whose_tag_it_takes_away(
        self, zoe: ApiClient, stranger: ApiClient
    ) -> None:
        missed = cache.look_up(stranger, namespace="all")
        stranger.post("/cache/invalidate", {"namespace": "all", "tags": [f"doc:{ZOE}"]})

        erase(zoe)

        answer = {"result": 1, "tags": [f"doc:{ZOE}"], "lease": missed["lease"]["token"]}
        response = stranger.put(f"/cache/entries/{missed['key']}?namespace=all", answer)
        assert (response.status_code, response.json()["code"]) == (409, "lease_lost")

    def test_lets_no_late_count_bring_a_name_back(self, zoe: ApiClient) -> None:
        cache.look_up(zoe, namespace=f"home_{ZOE}")

        erase(zoe)
        counting.counted.flush()

        assert not Namespace.objects.filter(name=f"home_{ZOE}").exists()

    def test_says_beforehand_what_it_will_do(self, zoe: ApiClient) -> None:
        output = StringIO()
        call_command("erase_user", ZOE, "--dry-run", stdout=output)

        counts = erase(zoe)

        for tables in (counts["erased"], counts["kept"]):
            for table, rows in tables.items():
                assert f"{rows:>8}  {table}\n" in output.getvalue()

    def test_renames_no_namespace_that_everybody_has(self, key: str) -> None:
        ApiClient(key, "default").post("/privacy/erase", {"confirm": "default"})

        assert Namespace.objects.filter(name="default").exists()


class TestTheCopy:
    def test_holds_the_names(self, zoe: ApiClient) -> None:
        response: Any = zoe.get("/privacy/export")
        exported = orjson.loads(b"".join(response.streaming_content))

        names = [(row["kind"], row["name"]) for row in exported["querycache"]["names"]]
        assert sorted(names) == [
            ("namespace", f"faq-{ZOE}"), ("namespace", f"home_{ZOE}"), ("namespace", "notes"),
            ("namespace", f"with-{ZOE}"), ("tag", f"tag:doc:{ZOE}"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        ("a", True), ("x:a", True), ("x_a", True), ("a/b", True), ("ab", False), ("äa", False),
        ("1a", False), ("A", False), ("", False),
    ],
)  # fmt: skip
def test_an_id_stands_in_a_text_as_a_whole_word(text: str, is_held: bool) -> None:
    assert holds(text, "a") is is_held

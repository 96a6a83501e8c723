"""Whose entries and leases are: rows of a person, who is met with the first of them."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access.models import Person
from operations.services import erase_person
from querycache import statements
from querycache.models import CacheEntry, CacheLease, Namespace
from querycache.services import entries
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db

SHARED = cache.QUESTION | {"namespace": "faq"}


def erase(user_id: str) -> None:
    erase_person(user_id=user_id, actor="system", at=timezone.now())


def known() -> set[str]:
    return set(Person.objects.living().values_list("user_id", flat=True))


class TestAPerson:
    def test_is_met_with_their_first_lease(self, person: ApiClient) -> None:
        assert cache.look_up(person)["lease"] is not None

        assert CacheLease.objects.get().person == Person.objects.get(user_id="ann")

    @pytest.mark.parametrize("namespace", ["default", "new"])
    def test_is_met_with_their_first_answer(self, person: ApiClient, namespace: str) -> None:
        assert cache.store(person, namespace=namespace).status_code == 201

        assert CacheEntry.objects.get().person == Person.objects.get(user_id="ann")

    def test_who_was_erased_meanwhile_begins_anew_with_the_next_answer(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.store(person)
        place_of = statements.place_of

        def and_erase(**asked: Any) -> Any:
            place = place_of(**asked)
            erase("ann")
            return place

        monkeypatch.setattr(statements, "place_of", and_erase)
        cache.put(1)

        entry = CacheEntry.objects.select_related("person").get()
        assert (entry.key_hash, entry.person and entry.person.user_id) == (cache.key_for(1), "ann")
        assert Person.objects.exclude(user_id=None).count() == 1

    def test_who_was_erased_meanwhile_is_asked_to_come_again(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.store(person)
        read = statements.read

        def and_erase(**asked: Any) -> Any:
            seen = read(**asked)
            erase("ann")
            return seen

        with monkeypatch.context() as patched:
            patched.setattr(statements, "read", and_erase)
            found = person.post("/cache/lookup", cache.QUESTION)

        assert (found.json()["lease"], found["Retry-After"]) == (None, "1")
        assert not CacheLease.objects.exists()
        assert cache.look_up(person)["lease"] is not None


class TestNobodyIsMet:
    def test_by_what_is_shared(self, person: ApiClient) -> None:
        cache.make_namespace("faq", sharing="shared")

        missed = cache.look_up(person, SHARED)
        cache.store(person, missed["key"], namespace="faq", lease=missed["lease"]["token"])
        cache.store(person, namespace="faq")
        assert cache.look_up(person, SHARED)["status"] == "hit"

        assert known() == set()
        assert CacheEntry.objects.filter(person=None).count() == 2

    def test_by_a_call_that_writes_nothing(self, person: ApiClient, settings: Any) -> None:
        assert_problem(person.get(cache.entry_path()), 404, "not_found")
        assert_problem(person.delete(cache.entry_path()), 404, "not_found")
        assert_problem(cache.store(person, result=""), 422, "not_cacheable")
        assert_problem(cache.store(person, lease="a"), 409, "lease_lost")
        cache.change(max_entry_bytes=1)
        assert_problem(cache.store(person), 422, "not_cacheable")
        settings.CACHE_MAX_NAMESPACES = 1
        refused = person.post("/cache/lookup", cache.QUESTION | {"namespace": "new"})
        assert_problem(refused, 409, "too_many_namespaces")

        assert known() == set()


class TestWhoWasNeverSeen:
    def test_finds_nothing_that_nobody_owns(self, person: ApiClient, stranger: ApiClient) -> None:
        cache.change(sharing="shared")
        missed = cache.look_up(person)
        cache.store(person, missed["key"], "for all")
        cache.look_up(person, {"query": "under way"})
        cache.change(sharing="private")

        assert stranger.get(cache.entry_path(missed["key"])).status_code == 404
        assert stranger.delete(cache.entry_path(missed["key"])).status_code == 404
        found = cache.look_up(stranger)

        assert (found["status"], found["lease"] is None) == ("miss", False)
        assert cache.look_up(stranger, {"query": "under way"})["lease"] is not None
        assert CacheEntry.objects.get().result == '"for all"'

    def test_is_erased_without_taking_from_others(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        cache.store(stranger, namespace="of-ann", tags=["kept"])
        cache.make_namespace("faq", sharing="shared")
        cache.store(stranger, namespace="faq")

        erase("ann")

        assert CacheEntry.objects.count() == 2
        assert Namespace.objects.filter(name="of-ann").exists()


OWNED = ("querycache_cacheentry", "querycache_cachelease")
OF_ERASED = "(SELECT id FROM access_person WHERE user_id IS NULL)"


class TestARow:
    @pytest.fixture(autouse=True)
    def rows(self, person: ApiClient, stranger: ApiClient) -> None:
        """An entry and a lease of Ann's, and of nobody's; Bob is known, and Carl was erased."""
        cache.make_namespace("faq", sharing="shared")
        cache.store(person)
        cache.look_up(person)
        cache.store(person, namespace="faq")
        cache.look_up(person, SHARED)
        cache.known("bob")
        cache.known("carl")
        erase("carl")

    def refused(self, statement: str) -> None:
        before = [list(model.objects.order_by("pk").values()) for model in (CacheEntry, CacheLease)]
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert before == [
            list(model.objects.order_by("pk").values()) for model in (CacheEntry, CacheLease)
        ]

    @pytest.mark.parametrize("table", OWNED)
    @pytest.mark.parametrize(
        ("whose", "to"),
        [
            ("IS NOT NULL", "(SELECT id FROM access_person WHERE user_id = 'bob')"),
            ("IS NOT NULL", OF_ERASED),
            ("IS NOT NULL", "NULL, query = '', context = NULL"),
            ("IS NULL", "(SELECT id FROM access_person WHERE user_id = 'bob')"),
        ],
    )
    def test_goes_to_nobody_else(self, table: str, whose: str, to: str) -> None:
        self.refused(f"UPDATE {table} SET person_id = {to} WHERE person_id {whose}")

    @pytest.mark.parametrize("table", OWNED)
    @pytest.mark.parametrize("whose", [OF_ERASED, "999999"])
    def test_is_added_for_the_living_alone(self, table: str, whose: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")
            columns = [column[0] for column in cursor.description]
        chosen = {column: column for column in columns if column != "id"}
        chosen |= {"person_id": whose, "key_hash": f"'{cache.key_for(9)}'"}

        self.refused(
            f"INSERT INTO {table} ({', '.join(chosen)}) SELECT {', '.join(chosen.values())}"
            f" FROM {table} WHERE person_id IS NOT NULL"
        )


def test_a_stored_answer_knows_whose_it_is(person: ApiClient) -> None:
    stored = entries.store_answer(
        namespace="default",
        user_id="ann",
        key=cache.KEY,
        answer=entries.NewAnswer(text="1", value=1),
        token=None,
        at=timezone.now(),
    )

    assert stored.entry.person_id == Person.objects.get(user_id="ann").pk

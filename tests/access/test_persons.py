"""Persons: who is known, what applications call them, and the row that is theirs for good."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from access.models import REFERENCES_MAX, Person, PersonReference
from access.services import persons, readings
from operations.services import erase_person
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient

pytestmark = pytest.mark.django_db
STATEMENTS_OF_THE_KEY = 1


@pytest.fixture
def application(key: str) -> ApiClient:
    return ApiClient(key, None)


def called(application: ApiClient, reference: str) -> list[str]:
    answer = application.get(f"/persons?reference={reference}")
    assert answer.status_code == 200
    return [row["user_id"] for row in answer.json()["results"]]


class TestAPerson:
    def test_is_known_from_the_first_contact_on(
        self, application: ApiClient, person: ApiClient
    ) -> None:
        assert_problem(application.get("/persons/ann"), 404, "not_found")
        before = timezone.now()

        person.post("/conversations", {})
        person.post("/credits/transactions", {"type": "deduct", "amount": 1})

        found = application.get("/persons/ann").json()
        assert Person.objects.count() == 1
        assert found.pop("first_seen_at") >= before.isoformat().replace("+00:00", "Z")[:19]
        assert found == {"user_id": "ann", "references": {}, "note": "", "moved_from": []}

    def test_has_references_and_a_note(self, application: ApiClient) -> None:
        first = application.patch(
            "/persons/ann", {"references": {"customer": "C-1", "crm": "7"}, "note": "kind"}
        )
        second = application.patch("/persons/ann", {"references": {"crm": None, "plan": "p"}})

        assert first.json()["references"] == {"crm": "7", "customer": "C-1"}
        assert second.status_code == 200
        assert second.json()["references"] == {"customer": "C-1", "plan": "p"}
        assert second.json()["note"] == "kind"
        assert application.get("/persons/ann").json() == second.json()

    def test_is_found_by_a_reference(self, application: ApiClient) -> None:
        for user_id in ("ann", "bob"):
            application.patch(f"/persons/{user_id}", {"references": {"firm": "f: 1"}})
        application.patch("/persons/carl", {"references": {"other": "f: 1"}})

        assert called(application, "firm:f: 1") == ["bob", "ann"]
        assert called(application, "firm:f") == []
        assert_problem(application.get("/persons?reference=firm"), 400, "invalid_request")

    def test_may_have_an_id_with_any_letters(self, application: ApiClient) -> None:
        made = application.patch("/persons/auth0%7Cz%C3%BC%2F7%3Fa%23b", {"note": "a"})

        assert made.json()["user_id"] == "auth0|zü/7?a#b"

    @pytest.mark.parametrize("path", ["/persons/%00", "/persons/erased-1", "/persons/a%1Fb"])
    def test_has_an_id_that_a_person_can_have(self, application: ApiClient, path: str) -> None:
        assert application.patch(path, {"note": "a"}).status_code == 400
        assert application.get(path).status_code == 404
        assert not Person.objects.exists()

    def test_is_never_met_without_an_id(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            persons.meet_persons([""])

        assert not Person.objects.exists()

    @pytest.mark.parametrize(
        "references",
        [
            ["customer"], {"": "a"}, {"a b": "c"}, {"a" * 65: "b"}, {"a": ""}, {"a": 5},
            {"a": "b" * 256}, {f"n{number}": "a" for number in range(21)},
        ],
    )  # fmt: skip
    def test_refuses_references_that_are_none(
        self, application: ApiClient, references: Any
    ) -> None:
        answer = application.patch("/persons/ann", {"references": references})

        assert_problem(answer, 400, "invalid_request")
        assert not Person.objects.exists()

    def test_has_a_bounded_number_of_references(self, application: ApiClient) -> None:
        many = {f"n{number}": "a" for number in range(REFERENCES_MAX)}
        assert application.patch("/persons/ann", {"references": many}).status_code == 200

        refused = application.patch("/persons/ann", {"references": {"more": "a"}, "note": "b"})

        assert_problem(refused, 422, "too_many_references")
        assert PersonReference.objects.count() == REFERENCES_MAX
        assert Person.objects.get().note == ""

    def test_is_listed_in_pages(self, application: ApiClient) -> None:
        persons.meet_persons([f"person {number}" for number in range(5)])
        first = application.get("/persons?limit=3").json()
        rest = application.get(first["next"].partition("/api/v1")[2]).json()

        names = [row["user_id"] for row in first["results"] + rest["results"]]
        assert sorted(names) == [f"person {number}" for number in range(5)]
        assert rest["next"] is None

    def test_costs_a_statement_and_one_each_for_references_and_moves(
        self, application: ApiClient
    ) -> None:
        persons.change_person(user_id="ann", references={"a": "b"})
        with assert_statements(STATEMENTS_OF_THE_KEY + 3):
            application.get("/persons/ann")


def sql(statement: str) -> Callable[[], None]:
    def execute() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    return execute


class TestAnErasure:
    def test_empties_the_row_and_keeps_it(self, application: ApiClient, person: ApiClient) -> None:
        person.post("/credits/transactions", {"type": "deduct", "amount": 1})
        application.patch("/persons/ann", {"references": {"a": "b"}, "note": "c"})
        key = Person.objects.get().pk

        erasure = erase_person(user_id="ann", actor="system", at=timezone.now())

        row = Person.objects.get()
        assert (row.pk, row.user_id, row.erased_as) == (key, None, erasure.reference)
        assert (row.note, row.name) == ("", erasure.reference)
        assert erasure.counts["kept"]["access.person"] == 1
        assert not PersonReference.objects.exists()
        assert_problem(application.get("/persons/ann"), 404, "not_found")
        assert application.get("/persons").json()["results"] == []

    def test_lets_who_comes_back_be_another(self, person: ApiClient) -> None:
        person.post("/conversations", {})
        erase_person(user_id="ann", actor="system", at=timezone.now())

        person.post("/conversations", {})

        rows = Person.objects.order_by("pk").values_list("user_id", flat=True)
        assert list(rows) == [None, "ann"]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE access_person SET user_id = 'bob', erased_as = NULL, erased_at = NULL",
            "UPDATE access_person SET note = 'a', erased_as = 'erased-1'",
            "UPDATE access_person SET id = 7",
            "DELETE FROM access_person",
            "UPDATE access_staffreading SET what = ''",
            "INSERT INTO access_staffreading (staff, person_id, kind, what, reason, at) SELECT"
            " 'staff:a', id, '', '', '', CURRENT_TIMESTAMP FROM access_person",
        ],
    )
    def test_is_for_good(self, statement: str) -> None:
        readings.record_reading(actor="staff:dana", at=timezone.now(), user_id="ann", what="a")
        erase_person(user_id="ann", actor="system", at=timezone.now())

        with pytest.raises(DatabaseError):
            sql(statement)()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE access_staffreading SET person_id = (SELECT MAX(id) FROM access_person)",
            "UPDATE access_staffreading SET person_id = NULL, kind = '(shared)'",
            "UPDATE access_person SET id = id + 100",
            "DELETE FROM access_person",
            "INSERT INTO access_person (erased_as, erased_at) VALUES ('a', CURRENT_TIMESTAMP)",
        ],
    )
    def test_is_the_only_change_of_whose_a_row_is(self, statement: str) -> None:
        readings.record_reading(actor="staff:dana", at=timezone.now(), user_id="ann", what="a")
        persons.meet_persons(["bob"])

        with pytest.raises(DatabaseError):
            sql(statement)()

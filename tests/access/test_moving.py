"""A person's records go over to another id: all of them, once, and beside whatever else is done."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from access.models import ErasedPerson, Person, PersonMove, StaffAction, StaffReading
from access.services import readings
from billing.models import Tier
from consent.models import ConsentChain
from operations.services import erase_person
from tests.access.moving import BY_ID, copy_of, found_wrong, move, rows_of
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.operations import lives
from tests.operations.persons import act as done_by_staff
from tests.operations.persons import places_of, publish_terms, write_life_of
from tests.operations.test_erasure_gaps import erase

STATEMENTS_OF_THE_KEY = 1


@pytest.fixture
def application(key: str) -> ApiClient:
    return ApiClient(key, None)


@pytest.mark.django_db
class TestAMove:
    @pytest.fixture(autouse=True)
    def life(self, person: ApiClient) -> None:
        publish_terms()
        write_life_of(person, "ann")

    def test_takes_every_row_of_every_app_along(
        self, application: ApiClient, person: ApiClient, key: str
    ) -> None:
        new = ApiClient(key, "auth0|zoë/7")
        key_of_row, before = Person.objects.get().pk, rows_of("ann")
        copy = copy_of(person, "ann")

        moved = move(application, "ann", "auth0|zoë/7")

        assert moved.status_code == 200
        assert moved.json()["user_id"] == "auth0|zoë/7"
        assert moved.json()["references"] == {"customer": "wombat"}
        assert Person.objects.get().pk == key_of_row
        assert rows_of("auth0|zoë/7") == before | {
            "access.person_move": before["access.person_move"] + 1
        }
        assert copy_of(new, "auth0|zoë/7") == copy
        assert not any(rows_of("ann").values())
        assert found_wrong() == []

    def test_lets_the_new_id_go_on_and_the_old_one_begin_anew(
        self, application: ApiClient, person: ApiClient, key: str
    ) -> None:
        new = ApiClient(key, "zoe")
        move(application, "ann", "zoe")
        assert_problem(application.get("/persons/ann"), 404, "not_found")

        for one in (new, person):
            assert one.put("/consent/terms", {"policy_version": 1}).status_code == 200
            assert one.post("/credits/transactions", lives.CHARGE).status_code == 201

        assert new.get("/credits").json()["available_credits"] == 42
        assert person.get("/credits").json()["available_credits"] == 49
        assert person.get("/conversations").json()["results"] == []
        sequences = ConsentChain.objects.order_by("pk").values_list(
            "person__user_id", "last_sequence"
        )
        assert list(sequences) == [("zoe", 3), ("ann", 1)]
        assert found_wrong() == []

    def test_keeps_idempotency_keys(self, application: ApiClient, key: str) -> None:
        first = ApiClient(key, "ann").post("/conversations", {}, idempotency_key="a")
        move(application, "ann", "zoe")

        again = ApiClient(key, "zoe").post("/conversations", {}, idempotency_key="a")

        assert again.json()["id"] == first.json()["id"]
        assert again["Idempotency-Replayed"] == "true"

    def test_may_be_made_again_and_back(self, application: ApiClient) -> None:
        for user_id, to in (("ann", "zoe"), ("zoe", "ann"), ("ann", "eve")):
            assert move(application, user_id, to).status_code == 200

        assert application.get("/persons/eve").json()["moved_from"][1:] == ["ann", "zoe", "ann"]
        assert found_wrong() == []

    def test_tells_where_somebody_went_and_by_whom(self, application: ApiClient) -> None:
        before = timezone.now()
        move(application, "ann", "zoe")

        found = application.get("/persons?moved_from=ann").json()["results"]

        assert [one["user_id"] for one in found] == ["zoe"]
        assert application.get("/persons?moved_from=zoe").json()["results"] == []
        row = PersonMove.objects.latest("pk")
        assert (row.moved_from, row.actor) == ("ann", "key:application")
        assert row.at >= before

    def test_is_shown_to_staff_and_found_by_the_id_before(
        self, application: ApiClient, admin_client: Any
    ) -> None:
        move(application, "ann", "zoe")

        listed = admin_client.get("/admin/access/person/?q=ann").content.decode()
        page = admin_client.get(f"/admin/access/person/{Person.objects.get().pk}/change/")

        assert ">zoe<" in listed
        assert "key:application" in page.content.decode()

    def test_finds_it_done_when_it_comes_again(self, application: ApiClient) -> None:
        first = move(application, "ann", "zoe")
        before = stored()

        again = move(application, "ann", "zoe")

        assert (again.status_code, again.json()) == (200, first.json())
        assert stored() == before

    def test_into_an_id_that_was_erased_is_a_coming_back(
        self, application: ApiClient, stranger: ApiClient, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = "a key for those who were erased, kept apart"
        stranger.post("/conversations", {})
        erase("bob")

        assert move(application, "ann", "bob").status_code == 200
        assert len(stranger.get("/conversations").json()["results"]) == 1
        assert found_wrong() == []

    def test_refuses_an_id_that_has_records(
        self, application: ApiClient, stranger: ApiClient
    ) -> None:
        stranger.post("/conversations", {})
        before = stored()

        problem = assert_problem(move(application, "ann", "bob"), 409, "person_exists")

        assert "cannot be joined" in problem["detail"]
        assert stored() == before

    def test_refuses_the_id_that_the_person_has(self, application: ApiClient) -> None:
        before = stored()

        problem = assert_problem(move(application, "ann", "ann"), 409, "person_exists")

        assert problem["detail"] == "The person has this id already."
        assert stored() == before

    def test_refuses_who_is_not_known(self, application: ApiClient) -> None:
        before = stored()

        for user_id, to in (("nobody", "zoe"), ("nobody", "ann"), ("a", "a"), ("\0", "zoe")):
            assert_problem(move(application, user_id, to), 404, "not_found")
        assert stored() == before

    @pytest.mark.parametrize("to", ["", " ", "a\x1fb", "erased-1", "a" * 129, 5, None])
    def test_refuses_what_is_nobodys_id(self, application: ApiClient, to: Any) -> None:
        before = stored()

        assert_problem(move(application, "ann", to), 400, "invalid_request")
        assert stored() == before

    def test_costs_ten_statements_of_which_two_write(self, application: ApiClient) -> None:
        # The locks of usage, account, chain and conversations; the record and the id; the answer.
        with assert_statements(STATEMENTS_OF_THE_KEY + 4 + 2 + 3) as statements:
            move(application, "ann", "zoe")

        writes = [one for one in statements if not one.startswith("SELECT")]
        assert [one.split('"')[1] for one in writes] == ["access_personmove", "access_person"]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE access_personmove SET moved_from = 'bob'",
            "UPDATE access_personmove SET actor = 'nobody'",
            "DELETE FROM access_personmove",
        ],
    )
    def test_stays_recorded(self, statement: str) -> None:
        refused = pytest.raises(DatabaseError)
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_of_a_chain_into_which_it_did_not_lead_is_found(self, application: ApiClient) -> None:
        # As by somebody with the owner's rights.
        Person.objects.update(user_id="zoe")

        assert found_wrong() == ["zoe: the chain's reference is not this person's"]


@pytest.mark.django_db
class TestAnErasureAfterAMove:
    def test_leaves_no_name_of_now_or_before(
        self, application: ApiClient, key: str, stranger: ApiClient, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = "a key for those who were erased, kept apart"
        publish_terms()
        write_life_of(ApiClient(key, "guest-1"), "guest-1")
        move(application, "guest-1", "zoe")
        done_by_staff("Changed.", Tier.objects.get(key="free"), reason="Asked by guest-1.")
        readings.record_search(actor="staff:dana", at=timezone.now(), words="guest-1")
        names = ["guest-1", "zoe"]
        assert places_of(names) != []

        erasure = erase_person(user_id="zoe", actor="system", at=timezone.now())

        # Nobody's rows are left to it but these, which are of the id.
        by_id = {f"{table.model._meta.db_table}.{table.person}" for table in BY_ID.values()}
        assert {place.split(":")[0] for place in places_of(names)} <= by_id
        about_tiers = StaffAction.objects.filter(model_name="tier")
        assert set(about_tiers.values_list("reason", flat=True)) == {""}
        assert erasure.counts["kept"]["access.person_move"] == 2
        assert ErasedPerson.objects.among([*names, "bob"]) == set(names)
        assert found_wrong() == []

    def test_leaves_who_has_the_old_id_now(
        self, application: ApiClient, person: ApiClient, key: str, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = "a key for those who were erased, kept apart"
        person.post("/conversations", {})
        move(application, "ann", "zoe")
        person.post("/conversations", {})
        readings.record_search(actor="staff:dana", at=timezone.now(), words="ann")

        erase("zoe")

        assert StaffReading.objects.get().what == "conversations with: ann"
        assert ErasedPerson.objects.among(["ann", "zoe"]) == {"zoe"}
        assert len(person.get("/conversations").json()["results"]) == 1


@pytest.mark.django_db
class TestMovePerson:
    def run(self, *arguments: str) -> str:
        output = StringIO()
        call_command("move_person", *arguments, stdout=output)
        return output.getvalue()

    def test_moves(self, person: ApiClient) -> None:
        person.post("/conversations", {})

        printed = self.run("ann", "zoe", "--yes")

        assert "       1  conversations.conversation\n" in printed
        assert printed.endswith("Moved.\n")
        assert PersonMove.objects.get().actor == "system"
        assert Person.objects.get().user_id == "zoe"

    def test_lists_in_a_dry_run_what_would_go_over(self, person: ApiClient) -> None:
        person.post("/conversations", {})
        before = stored()

        printed = self.run("ann", "zoe", "--dry-run")

        assert "       1  conversations.conversation\n" in printed
        assert printed.endswith("Dry run: nothing was written.\n")
        assert stored() == before

    def test_refuses_what_the_route_refuses(self, person: ApiClient, stranger: ApiClient) -> None:
        for one in (person, stranger):
            one.post("/conversations", {})

        for arguments, said in (
            (("ann", "bob"), "cannot be joined"),
            (("ann", "ann"), "has this id already"),
            (("nobody", "zoe"), "no such person"),
            (("ann", "erased-1"), "reserved"),
        ):
            for how in ("--yes", "--dry-run"):
                with pytest.raises(CommandError, match=said):
                    self.run(*arguments, how)

    def test_does_nothing_unless_told_to(self) -> None:
        with pytest.raises(CommandError, match="one of the arguments --yes --dry-run is required"):
            self.run("ann", "zoe")

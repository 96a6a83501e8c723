from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from access.models import StaffReading
from access.services import persons, readings
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from operations.services import erase_person
from tests.asserts import assert_statements

pytestmark = pytest.mark.django_db

LIST = "/admin/access/staffreading/"


def record(**fields: Any) -> StaffReading:
    return readings.record_reading(
        **{
            "actor": "staff:dana",
            "user_id": "ann",
            "what": "conversation 1",
            "at": timezone.now(),
        }
        | fields
    )


def rows() -> list[dict[str, Any]]:
    return list(StaffReading.objects.order_by("id").values())


class TestAReading:
    def test_says_who_read_what_of_whom_and_when(self) -> None:
        before = timezone.now()

        persons.meet_persons(["ann"])
        with assert_statements(1):
            record(reason="a complaint")

        row = StaffReading.objects.get()
        assert (row.staff, row.person.name, row.what, row.reason) == (
            "staff:dana", "ann", "conversation 1", "a complaint",
        )  # fmt: skip
        assert before <= row.at <= timezone.now()

    def test_needs_no_reason(self) -> None:
        assert record().reason == ""

    @pytest.mark.parametrize("missing", ["actor", "user_id"])
    def test_is_refused_without_its_people(self, missing: str) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            record(**{missing: ""})

        assert rows() == []

    def test_outlives_the_account(self) -> None:
        user = User.objects.create_user("dana", is_staff=True)
        record()

        user.delete()

        assert StaffReading.objects.get().staff == "staff:dana"


class TestAStoredReading:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE access_staffreading SET staff = 'staff:eve'",
            "UPDATE access_staffreading SET reason = 'none'",
            "UPDATE access_staffreading SET person_id = NULL, kind = '(shared)'",
            "DELETE FROM access_staffreading",
        ],
    )
    def test_is_kept_as_it_was_made(self, statement: str) -> None:
        record()
        before = rows()

        with pytest.raises(IntegrityError, match="kept as they were made"), transaction.atomic():
            connection.cursor().execute(statement)

        assert rows() == before

    def test_cannot_be_replaced_or_emptied_in_one_stroke(self) -> None:
        row = record()
        before = rows()
        values = f"({row.pk}, 'staff:eve', {row.person_id}, '', '', '', '2026-01-01')"
        statement = (
            "TRUNCATE access_staffreading"
            if connection.vendor == "postgresql"
            else "INSERT OR REPLACE INTO access_staffreading"
            f" (id, staff, person_id, kind, what, reason, at) VALUES {values}"
        )

        with pytest.raises(IntegrityError, match="kept as they were made"), transaction.atomic():
            connection.cursor().execute(statement)

        assert rows() == before

    def test_loses_its_person_in_the_erasure(self) -> None:
        row = record(reason="Ann asked")

        erasure = erase_person(user_id="ann", actor="system", at=timezone.now())

        after = StaffReading.objects.get()
        assert (after.staff, after.at, after.person_id) == ("staff:dana", row.at, row.person_id)
        assert (after.person.name, after.what, after.reason) == (erasure.reference, "", "")

    def test_is_guarded_by_triggers_that_the_system_check_knows(self) -> None:
        names = {trigger.name for trigger in all_triggers("access")}

        assert {name for name in names if name.startswith("access_staffreading")} == {
            "access_staffreading_lives",
            "access_staffreading_no_update",
            "access_staffreading_no_delete",
            "access_staffreading_no_replace",
        }
        assert database_triggers.missing() == []


class TestTheList:
    def client(self, *permissions: str) -> Client:
        user = User.objects.create_user("auditor", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    def page(self, client: Client, **query: str) -> str:
        response = client.get(LIST, query)
        assert response.status_code == 200
        return response.content.decode()

    def test_shows_the_newest_first(self) -> None:
        record(what="conversation old")
        record(what="conversation new")

        page = self.page(self.client("view_staffreading"))

        assert page.index("conversation new") < page.index("conversation old")

    @pytest.mark.parametrize("term", ["ann", "dana", "staff:dana", " ann "])
    def test_finds_by_person_and_by_staff(self, term: str) -> None:
        record()
        record(actor="staff:eve", user_id="bob", what="conversation 2")

        page = self.page(self.client("view_staffreading"), q=term)

        assert "conversation 1" in page
        assert "conversation 2" not in page

    @pytest.mark.parametrize("term", ["an", "dan", "%", "conversation"])
    def test_finds_nothing_by_a_part(self, term: str) -> None:
        record()

        assert "conversation 1" not in self.page(self.client("view_staffreading"), q=term)

    def test_costs_the_same_at_any_length(self) -> None:
        client = self.client("view_staffreading")
        record()
        with assert_statements(6):  # session, user, two kinds of permissions, count, rows
            self.page(client)
        for _ in range(20):
            record()

        with assert_statements(6):
            self.page(client)

    def test_is_closed_without_its_permission(self) -> None:
        assert self.client("view_conversation").get(LIST).status_code == 403

    def test_changes_nothing(self) -> None:
        row = record()
        client = self.client("view_staffreading", "change_staffreading", "delete_staffreading")

        assert client.post(f"{LIST}{row.pk}/change/", {"staff": "x"}).status_code == 403
        assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"{LIST}add/").status_code == 403
        assert StaffReading.objects.get().staff == "staff:dana"

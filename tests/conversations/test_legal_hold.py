import json
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from access.models import StaffAction
from conversations.models import Conversation, Message
from conversations.services import legal_hold
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.conversations.pages import LIST, staff
from tests.conversations.recipes import MOMENT, make_conversation_of


@pytest.fixture
def held(key: str) -> Conversation:
    """Ann's conversation of three messages, on legal hold."""
    conversation = make_conversation_of(3)
    legal_hold.place_legal_hold(
        conversation=conversation, reason="Case 7", actor="staff:dana", at=MOMENT
    )
    return conversation


@pytest.fixture
def keeper(db: None) -> Client:
    """staff0, who may place and lift legal holds."""
    return staff("view_conversation", "keep_conversation")


def form(reason: str = "Case 7") -> dict[str, str]:
    return {"token": uuid.uuid4().hex, "reason": reason}


def act(client: Client, conversation: Conversation, name: str, data: dict[str, str]) -> str:
    response = client.post(f"{LIST}{conversation.pk}/{name}/", data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def state() -> object:
    return stored(), list(StaffAction.objects.values())


class TestOnLegalHold:
    def test_the_person_cannot_delete_it(self, person: ApiClient, held: Conversation) -> None:
        before = stored()

        response = person.delete(f"/conversations/{held.uid}")

        problem = assert_problem(response, 409, "legal_hold")
        assert "cannot be deleted" in problem["detail"] and "Case 7" not in problem["detail"]
        assert stored() == before

    def test_a_stranger_still_gets_404(self, stranger: ApiClient, held: Conversation) -> None:
        assert_problem(stranger.delete(f"/conversations/{held.uid}"), 404, "not_found")

    def test_the_person_goes_on_writing(self, person: ApiClient, held: Conversation) -> None:
        url = f"/conversations/{held.uid}"

        appended = person.post(f"{url}/messages", {"role": "user", "content": "a"})
        archived = person.patch(url, {"archived": True})

        assert (appended.status_code, archived.status_code) == (201, 200)
        assert "legal" not in archived.content.decode()

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM conversations_conversation",
            "DELETE FROM conversations_message",
            "DELETE FROM conversations_message WHERE position = 3",
        ],
    )
    def test_raw_sql_cannot_delete_it(self, held: Conversation, statement: str) -> None:
        before = stored()

        with (
            pytest.raises(IntegrityError, match="on legal hold"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

        assert stored() == before

    def test_an_import_cannot_replace_it(self, held: Conversation, tmp_path: Path) -> None:
        document = {"id": str(held.uid), "title": "Other", "messages": []}
        files, report = tmp_path / "files", tmp_path / "report"
        files.mkdir()
        (files / "file.json").write_text(json.dumps(document))
        before = stored()

        with pytest.raises(SystemExit) as end:
            call_command(
                "import_json", str(files), user_id="ann", on_conflict="update", report=report
            )

        assert end.value.code == 1
        assert "on legal hold" in json.loads(report.read_text())["reason"]
        assert stored() == before

    def test_it_is_deleted_once_the_hold_is_lifted(
        self, person: ApiClient, held: Conversation
    ) -> None:
        legal_hold.lift_legal_hold(conversation=held)

        response = person.delete(f"/conversations/{held.uid}")

        assert response.status_code == 204
        assert not Message.objects.exists()

    def test_the_person_cannot_be_erased(self, person: ApiClient, held: Conversation) -> None:
        before = stored()

        response = person.post("/privacy/erase", {"confirm": "ann"})

        assert assert_problem(response, 409, "legal_hold")["held"] == 1
        assert stored() == before

    def test_it_does_not_stand_in_the_way_of_others(
        self, stranger: ApiClient, held: Conversation
    ) -> None:
        make_conversation_of(1, "bob")

        assert stranger.post("/privacy/erase", {"confirm": "bob"}).status_code == 200
        assert Conversation.objects.get().pk == held.pk

    def test_it_is_found_among_the_others(self, held: Conversation) -> None:
        make_conversation_of(1)
        theirs = make_conversation_of(1, "bob")
        legal_hold.place_legal_hold(conversation=theirs, reason="x", actor="staff:dana", at=MOMENT)

        owned = Conversation.objects.for_user("ann")

        assert [row.pk for row in owned.on_legal_hold()] == [held.pk]

    @pytest.mark.parametrize(
        "columns", [{"legal_hold_at": None}, {"legal_hold_reason": ""}], ids=["time", "reason"]
    )
    def test_it_has_a_time_and_a_reason(
        self, held: Conversation, columns: dict[str, object]
    ) -> None:
        with pytest.raises(IntegrityError, match="legal_hold_has_a_reason"), transaction.atomic():
            Conversation.objects.filter(pk=held.pk).update(**columns)


class TestStaff:
    def test_place_a_hold_with_a_reason(self, keeper: Client) -> None:
        conversation = make_conversation_of(2)

        page = act(keeper, conversation, "hold", form())

        conversation.refresh_from_db()
        assert "Placed a legal hold." in page and "On legal hold since" in page
        assert conversation.legal_hold_at is not None
        assert conversation.legal_hold_by == "staff:staff0" and ", by staff:staff0" in page
        assert conversation.legal_hold_reason == "Case 7"
        record = StaffAction.objects.about(conversation).get()
        assert (record.actor, record.action) == ("staff:staff0", "conversations.hold")
        assert (record.sentence, record.reason) == ("Placed a legal hold.", "Case 7")
        assert record.person_id == conversation.person_id

    def test_lift_a_hold_with_a_reason(self, keeper: Client, held: Conversation) -> None:
        page = act(keeper, held, "lift", form("Case closed"))

        held.refresh_from_db()
        assert "Lifted the legal hold." in page
        assert (held.legal_hold_at, held.legal_hold_by, held.legal_hold_reason) == (None, "", "")
        record = StaffAction.objects.about(held).get()
        assert (record.actor, record.action) == ("staff:staff0", "conversations.lift")
        assert "Lifted the legal hold. Reason: Case closed" in page

    def test_leave_what_they_did_in_the_history(self, keeper: Client, held: Conversation) -> None:
        act(keeper, held, "lift", form("Case <7> closed"))

        page = keeper.get(f"{LIST}{held.pk}/history/").content.decode()

        for words in ("staff:staff0", "Lifted the legal hold.", "Case &lt;7&gt; closed"):
            assert words in page
        assert "have a change history" not in page

    def test_place_it_once(self, keeper: Client, held: Conversation) -> None:
        before = state()

        page = act(keeper, held, "hold", form("Other"))

        assert "is on legal hold already" in page
        assert state() == before

    def test_act_once_with_one_form(self, keeper: Client) -> None:
        conversation, first = make_conversation_of(1), form()
        act(keeper, conversation, "hold", first)
        act(keeper, conversation, "lift", form())
        before = state()

        again = act(keeper, conversation, "hold", first)
        other = act(keeper, conversation, "hold", first | {"reason": "Case 8"})

        assert "This form was sent before" in again
        assert "This form has acted already, with other values" in other
        assert state() == before

    def test_lift_it_once(self, keeper: Client) -> None:
        conversation = make_conversation_of(1)
        before = state()

        assert "is not on legal hold" in act(keeper, conversation, "lift", form())
        assert state() == before

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 2001])
    def test_need_a_reason(self, keeper: Client, reason: str) -> None:
        conversation = make_conversation_of(1)
        before = state()

        page = act(keeper, conversation, "hold", form(reason))

        assert "Place legal hold" in page
        assert state() == before

    @pytest.mark.parametrize("permissions", [["view_conversation"], ["keep_conversation"]])
    def test_need_the_permission(self, held: Conversation, permissions: list[str]) -> None:
        client = staff(*permissions)
        before = state()

        for name in ("hold", "lift"):
            url = f"{LIST}{held.pk}/{name}/"
            assert client.get(url).status_code == 403
            assert client.post(url, form()).status_code == 403

        assert state() == before

    def test_see_the_button_only_with_the_permission(
        self, keeper: Client, held: Conversation
    ) -> None:
        url = f"{LIST}{held.pk}/change/"

        assert "Lift legal hold" in keeper.get(url).content.decode()
        assert "Lift legal hold" not in staff("view_conversation").get(url).content.decode()

    def test_cannot_act_on_what_is_not_there(self, keeper: Client) -> None:
        assert keeper.post(f"{LIST}987654/hold/", form()).status_code == 404

    def test_find_what_is_held(self, keeper: Client, held: Conversation) -> None:
        free = make_conversation_of(1, "bob")

        page = keeper.get(LIST, {"held": "yes"}).content.decode()

        assert f"/{held.pk}/change/" in page
        assert f"/{free.pk}/change/" not in page


@pytest.mark.django_db(transaction=True)
class TestTheMigration:
    def test_that_is_undone_lets_the_old_release_delete(self) -> None:
        conversation = make_conversation_of(2)
        try:
            call_command("migrate", "conversations", "0002", verbosity=0)

            with connection.cursor() as cursor:
                for table, column in (("message", "conversation_id"), ("conversation", "id")):
                    cursor.execute(
                        f"DELETE FROM conversations_{table} WHERE {column} = %s", [conversation.pk]
                    )
                    assert cursor.rowcount > 0
        finally:
            call_command("migrate", verbosity=0)

        call_command("check", databases=["default"], fail_level="WARNING")

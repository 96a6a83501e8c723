from typing import Any

import pytest

from conversations.models import Conversation
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.conversations.recipes import MOMENT, make_conversations

WRONG_BODIES: list[tuple[str, dict[str, Any]]] = [
    ("title", {"title": 5}),
    ("title", {"title": None}),
    ("title", {"title": ""}),
    ("title", {"title": " \n"}),
    ("title", {"title": "x" * 501}),
    ("metadata", {"metadata": []}),
    ("metadata", {"metadata": None}),
    ("archived", {"archived": "true"}),
    ("archived", {"archived": 1}),
    ("archived", {"archived": None}),
    ("id", {"title": "b", "id": "0190a0b0-0000-7000-8000-00000000000a"}),
    ("user_id", {"title": "b", "user_id": "bob"}),
    ("message_count", {"title": "b", "message_count": 0}),
    ("messages", {"title": "b", "messages": []}),
    ("archived_at", {"title": "b", "archived_at": None}),
]


class TestPatch:
    @pytest.mark.parametrize(
        "change",
        [
            {"title": " Boilers 🌍"},
            {"metadata": {"z": 1.0, "a": {}}},
            {"metadata": {}},
            {"archived": True},
            {"title": "Boilers", "metadata": {"b": 2}, "archived": True},
        ],
    )
    def test_changes_what_is_sent_and_nothing_else(
        self, person: ApiClient, change: dict[str, Any]
    ) -> None:
        body = {"title": "Heat pumps", "metadata": {"a": 1}}
        created = person.post("/conversations", body).json()

        response = person.patch(f"/conversations/{created['id']}", change)

        answer = response.json()
        assert response.status_code == 200
        assert answer == {**created, **change, "updated_at": answer["updated_at"]}
        assert answer["updated_at"] > created["updated_at"]
        assert person.get("/conversations?archived=all").json()["results"] == [answer]

    def test_replaces_metadata_as_a_whole(self, person: ApiClient) -> None:
        created = person.post("/conversations", {"metadata": {"a": {"b": 1}, "c": 2}}).json()

        answer = person.patch(f"/conversations/{created['id']}", {"metadata": {"a": {}}}).json()

        assert answer["metadata"] == {"a": {}}

    def test_leaves_messages_alone(self, person: ApiClient, conversation: str) -> None:
        message = person.post(
            f"/conversations/{conversation}/messages", {"role": "user", "content": "a"}
        ).json()

        answer = person.patch(f"/conversations/{conversation}", {"title": "Boilers"}).json()

        assert answer["message_count"] == 1
        assert person.get(f"/conversations/{conversation}").json()["messages"] == [message]

    def test_brings_back_what_was_put_away(self, person: ApiClient, conversation: str) -> None:
        person.patch(f"/conversations/{conversation}", {"archived": True})

        answer = person.patch(f"/conversations/{conversation}", {"archived": False}).json()

        assert answer["archived"] is False
        assert [row["id"] for row in person.get("/conversations").json()["results"]] == [
            conversation
        ]

    def test_keeps_the_time_of_the_first_putting_away(self, person: ApiClient) -> None:
        [conversation] = make_conversations(1, archived_at=MOMENT)

        person.patch(f"/conversations/{conversation.uid}", {"archived": True})

        assert Conversation.objects.get().archived_at == MOMENT

    def test_changes_one_conversation_only(self, person: ApiClient) -> None:
        [conversation] = make_conversations(1)
        make_conversations(2)
        make_conversations(1, "bob", uid=conversation.uid)
        others = Conversation.objects.exclude(pk=conversation.pk).order_by("pk")
        before = list(others.values())

        response = person.patch(f"/conversations/{conversation.uid}", {"title": "Boilers"})

        assert response.status_code == 200
        assert list(others.values()) == before


class TestRefusal:
    @pytest.mark.parametrize(("field", "body"), WRONG_BODIES, ids=lambda value: str(value)[:40])
    def test_names_the_wrong_field(
        self, person: ApiClient, conversation: str, field: str, body: dict[str, Any]
    ) -> None:
        before = stored()

        response = person.patch(f"/conversations/{conversation}", body)

        assert list(assert_problem(response, 400, "invalid_request")["errors"]) == [field]
        assert stored() == before

    @pytest.mark.parametrize("body", [b"[]", b'"title"', b"null"])
    def test_takes_only_an_object(self, person: ApiClient, conversation: str, body: bytes) -> None:
        before = stored()

        response = person.request("PATCH", f"/conversations/{conversation}", raw=body)

        assert_problem(response, 400, "invalid_request")
        assert stored() == before

    def test_does_not_know_an_id_that_never_was(self, person: ApiClient, conversation: str) -> None:
        before = stored()

        response = person.patch(
            "/conversations/0190a0b0-0000-7000-8000-00000000000a", {"title": "Boilers"}
        )

        assert_problem(response, 404, "not_found")
        assert stored() == before

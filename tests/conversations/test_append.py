import uuid
from typing import Any

import pytest
from django.db import connection

from conversations.models import Conversation
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of

SAID = {"role": "user", "content": "a"}

WRONG_BODIES: list[tuple[str, dict[str, Any]]] = [
    ("role", {"content": "a"}),
    ("role", {"content": "a", "role": "robot"}),
    ("role", {"content": "a", "role": "User"}),
    ("role", {"content": "a", "role": ""}),
    ("role", {"content": "a", "role": None}),
    ("role", {"content": "a", "role": ["user"]}),
    ("content", {"role": "user"}),
    ("content", {"role": "user", "content": None}),
    ("content", {"role": "user", "content": None, "stage1": None}),
    ("content", {"role": "user", "content": 5}),
    ("content", {"role": "user", "content": ["a"]}),
    ("stage1", {**SAID, "stage1": "text"}),
    ("stage2", {**SAID, "stage2": 5}),
    ("stage3", {**SAID, "stage3": True}),
    ("metadata", {**SAID, "metadata": []}),
    ("metadata", {**SAID, "metadata": None}),
    ("id", {**SAID, "id": "0190a0b0-0000-7000-8000-00000000000a"}),
    ("position", {**SAID, "position": 7}),
    ("created_at", {**SAID, "created_at": "2026-01-31T12:00:00Z"}),
    ("stage4", {**SAID, "stage4": []}),
]


class TestAppend:
    def test_answers_with_the_whole_message(self, person: ApiClient, conversation: str) -> None:
        body = {
            "role": "assistant",
            "content": "a",
            "stage1": [{"model": "m", "response": "r"}],
            "stage2": [],
            "stage3": {"model": "m", "response": "r"},
            "metadata": {"k": 1},
        }

        response = person.post(f"/conversations/{conversation}/messages", body)

        answer = response.json()
        assert response.status_code == 201
        assert answer == {
            **body,
            "id": answer["id"],
            "position": 1,
            "created_at": answer["created_at"],
        }
        assert uuid.UUID(answer["id"]).version == 7
        assert answer["created_at"].endswith("Z")

    def test_numbers_messages_from_one(self, person: ApiClient, conversation: str) -> None:
        answers = [person.post(f"/conversations/{conversation}/messages", SAID) for _ in range(3)]

        assert [answer.json()["position"] for answer in answers] == [1, 2, 3]

    def test_counts_the_message_in_its_conversation(
        self, person: ApiClient, conversation: str
    ) -> None:
        message = person.post(f"/conversations/{conversation}/messages", SAID).json()

        row = Conversation.objects.get()
        assert row.message_count == 1
        assert row.updated_at > row.created_at
        assert person.get("/conversations").json()["results"][0]["message_count"] == 1
        assert person.get(f"/conversations/{conversation}").json()["messages"] == [message]

    @pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
    def test_takes_every_role(self, person: ApiClient, conversation: str, role: str) -> None:
        response = person.post(
            f"/conversations/{conversation}/messages", {"role": role, "content": "a"}
        )

        assert (response.status_code, response.json()["role"]) == (201, role)

    @pytest.mark.parametrize("stage", ["stage1", "stage2", "stage3"])
    @pytest.mark.parametrize("value", [[], {}, [{"model": "m"}], {"response": None}])
    @pytest.mark.parametrize("content", [{}, {"content": None}])
    def test_needs_no_content_beside_a_stage(
        self, person: ApiClient, conversation: str, stage: str, value: Any, content: dict[str, Any]
    ) -> None:
        body = {"role": "assistant", stage: value, **content}

        response = person.post(f"/conversations/{conversation}/messages", body)

        stages = {"stage1": None, "stage2": None, "stage3": None, stage: value}
        assert response.status_code == 201
        assert response.json().items() >= {"content": None, "metadata": {}, **stages}.items()
        assert person.get(f"/conversations/{conversation}").json()["messages"] == [response.json()]

    @pytest.mark.parametrize(
        "content", ["", "  \n", "Grüße 🌍\r\n\tשלום 東京 \u2028", "x" * 100_000]
    )
    def test_keeps_content_as_it_came(
        self, person: ApiClient, conversation: str, content: str
    ) -> None:
        person.post(f"/conversations/{conversation}/messages", {"role": "user", "content": content})

        [message] = person.get(f"/conversations/{conversation}").json()["messages"]
        assert message["content"] == content

    @pytest.mark.parametrize("messages", [0, 3, 300])
    def test_takes_one_statement_and_one_for_the_key(
        self, person: ApiClient, messages: int
    ) -> None:
        conversation = make_conversation_of(messages)

        # SQLite cannot update and insert in one.
        with assert_statements(2 if connection.vendor == "postgresql" else 3):
            response = person.post(f"/conversations/{conversation.uid}/messages", SAID)

        assert response.json()["position"] == messages + 1


class TestRefusal:
    @pytest.mark.parametrize(("field", "body"), WRONG_BODIES, ids=lambda value: str(value)[:60])
    def test_names_the_wrong_field(
        self, person: ApiClient, conversation: str, field: str, body: dict[str, Any]
    ) -> None:
        before = stored()

        response = person.post(f"/conversations/{conversation}/messages", body)

        assert list(assert_problem(response, 400, "invalid_request")["errors"]) == [field]
        assert stored() == before

    @pytest.mark.parametrize(
        "stage", [b'[{"a": NaN}]', b'["\\u0000"]', b'["\\ud800"]', b"[18446744073709551615]"]
    )
    def test_takes_only_what_can_be_stored(
        self, person: ApiClient, conversation: str, stage: bytes
    ) -> None:
        before = stored()

        response = person.post(
            f"/conversations/{conversation}/messages",
            raw=b'{"role":"user","stage1":' + stage + b"}",
        )

        assert_problem(response, 400, "malformed_json")
        assert stored() == before

    def test_does_not_know_an_id_that_never_was(self, person: ApiClient, conversation: str) -> None:
        before = stored()

        response = person.post("/conversations/0190a0b0-0000-7000-8000-00000000000a/messages", SAID)

        assert_problem(response, 404, "not_found")
        assert stored() == before

import uuid
from typing import Any

import pytest

from conversations.models import Conversation, Message
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.conversations.recipes import key_of

SAID = {"role": "user", "content": "a"}

WRONG_BODIES: list[tuple[str, dict[str, Any]]] = [
    ("title", {"title": 5}),
    ("title", {"title": True}),
    ("title", {"title": None}),
    ("title", {"title": ["a"]}),
    ("title", {"title": ""}),
    ("title", {"title": "   "}),
    ("title", {"title": "\n\t\u00a0\u3000"}),
    ("title", {"title": "x" * 501}),
    ("metadata", {"metadata": []}),
    ("metadata", {"metadata": "{}"}),
    ("metadata", {"metadata": None}),
    ("id", {"id": "seven"}),
    ("id", {"id": None}),
    ("id", {"id": 5}),
    ("id", {"id": True}),
    ("messages", {"messages": None}),
    ("messages", {"messages": {}}),
    ("messages", {"messages": ["a"]}),
    ("messages", {"messages": [SAID, {"role": "user"}]}),
    ("messages", {"messages": [SAID, {**SAID, "position": 7}]}),
    ("messages", {"messages": [SAID] * 201}),
    ("archived", {"archived": True}),
    ("user_id", {"user_id": "bob"}),
    ("message_count", {"message_count": 3}),
]


class TestCreate:
    def test_answers_with_the_whole_conversation(self, person: ApiClient) -> None:
        response = person.post("/conversations", {"title": "Heat pumps", "metadata": {"a": 1}})

        answer = response.json()
        assert response.status_code == 201
        assert response["Location"] == f"/api/v1/conversations/{answer['id']}"
        assert answer == {
            "id": answer["id"],
            "user_id": "ann",
            "title": "Heat pumps",
            "metadata": {"a": 1},
            "message_count": 0,
            "archived": False,
            "created_at": answer["created_at"],
            "updated_at": answer["created_at"],
        }
        assert answer["created_at"].endswith("Z")

    def test_needs_no_field_at_all(self, person: ApiClient) -> None:
        response = person.post("/conversations", {})

        assert response.status_code == 201
        assert response.json()["title"] == "New Conversation"
        assert response.json()["metadata"] == {}

    def test_gives_ids_that_sort_by_time(self, person: ApiClient) -> None:
        first, second = (person.post("/conversations", {}).json()["id"] for _ in range(2))

        assert uuid.UUID(first).version == 7
        assert first < second

    def test_stores_what_it_answers(self, person: ApiClient) -> None:
        answer = person.post("/conversations", {"title": "Heat pumps", "metadata": {"a": 1}}).json()

        standing = person.get(f"/conversations/{answer['id']}").json()
        assert standing == {**answer, "messages": [], "messages_before": None}

    @pytest.mark.parametrize("title", ["  spaces ", "two\nlines", "Grüße 🌍 שלום", "🌍" * 500])
    def test_keeps_a_title_as_it_came(self, person: ApiClient, title: str) -> None:
        answer = person.post("/conversations", {"title": title}).json()

        assert answer["title"] == title
        assert Conversation.objects.get().title == title

    def test_keeps_metadata_byte_by_byte(self, person: ApiClient) -> None:
        metadata = (
            '{"z":1.0,"a":[0.1,-0.0,1e-7,9223372036854775807],"ü":{"b":null,"a":"🌍"}}'.encode()
        )

        created = person.post("/conversations", raw=b'{"metadata":' + metadata + b"}")

        conversation_id = created.json()["id"]
        assert b'"metadata":' + metadata in created.content
        assert b'"metadata":' + metadata in person.get(f"/conversations/{conversation_id}").content
        assert b'"metadata":' + metadata in person.get("/conversations").content

    def test_takes_one_statement_and_one_for_the_key(self, person: ApiClient) -> None:
        key_of("ann")

        with assert_statements(2):
            person.post("/conversations", {"title": "Heat pumps"})


class TestCreateWithMessages:
    def test_numbers_them_in_the_order_given(self, person: ApiClient) -> None:
        given = [{"role": "user", "content": "a"}, {"role": "assistant", "stage3": {"b": 1}}]

        answer = person.post("/conversations", {"messages": given}).json()

        messages = person.get(f"/conversations/{answer['id']}").json()["messages"]
        assert answer["message_count"] == 2
        assert [message["position"] for message in messages] == [1, 2]
        assert [message["role"] for message in messages] == ["user", "assistant"]
        assert (messages[0]["content"], messages[1]["stage3"]) == ("a", {"b": 1})

    def test_takes_200(self, person: ApiClient) -> None:
        given = [{"role": "user", "content": str(number)} for number in range(1, 201)]

        answer = person.post("/conversations", {"messages": given})

        rows = Message.objects.order_by("position").values_list(
            "position", "content", "person__user_id"
        )
        assert answer.status_code == 201
        assert answer.json()["message_count"] == 200
        assert list(rows) == [(number, str(number), "ann") for number in range(1, 201)]

    def test_takes_none(self, person: ApiClient) -> None:
        response = person.post("/conversations", {"messages": []})

        assert (response.status_code, response.json()["message_count"]) == (201, 0)

    def test_numbers_later_messages_after_them(self, person: ApiClient) -> None:
        conversation = person.post("/conversations", {"messages": [SAID, SAID]}).json()["id"]

        response = person.post(f"/conversations/{conversation}/messages", SAID)

        assert response.json()["position"] == 3

    @pytest.mark.parametrize("count", [1, 200])
    def test_takes_two_statements_and_one_for_the_key(self, person: ApiClient, count: int) -> None:
        key_of("ann")

        with assert_statements(3):
            person.post("/conversations", {"messages": [SAID] * count})


class TestRefusal:
    @pytest.mark.parametrize(("field", "body"), WRONG_BODIES, ids=lambda value: str(value)[:40])
    def test_names_the_wrong_field(
        self, person: ApiClient, field: str, body: dict[str, Any]
    ) -> None:
        before = stored()

        response = person.post("/conversations", body)

        assert list(assert_problem(response, 400, "invalid_request")["errors"]) == [field]
        assert stored() == before

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null", b"[{}]"])
    def test_takes_only_an_object(self, person: ApiClient, body: bytes) -> None:
        before = stored()

        response = person.post("/conversations", raw=body)

        assert_problem(response, 400, "invalid_request")
        assert stored() == before

    @pytest.mark.parametrize(
        "metadata",
        [
            b"{",
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": 1e999}',
            b'{"a": 9223372036854775808}',
            b'{"a": "\\u0000"}',
            b'{"\\u0000": 1}',
            b'{"a": "\\ud800"}',
            b'{"a": "\xff"}',
            b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}",
        ],
    )
    def test_takes_only_what_can_be_stored(self, person: ApiClient, metadata: bytes) -> None:
        before = stored()

        response = person.post("/conversations", raw=b'{"metadata": ' + metadata + b"}")

        assert_problem(response, 400, "malformed_json")
        assert stored() == before

    def test_takes_a_body_100_levels_deep(self, person: ApiClient) -> None:
        nested = b'{"metadata": {"a": ' + b"[" * 98 + b"]" * 98 + b"}}"

        assert person.post("/conversations", raw=nested).status_code == 201

    def test_takes_only_json(self, person: ApiClient) -> None:
        before = stored()

        response = person.post("/conversations", raw=b"title=a", content_type="text/plain")

        assert_problem(response, 415, "unsupported_media_type")
        assert stored() == before


@pytest.mark.django_db(transaction=True)
class TestOwnId:
    OWN = "0190a0b0-0000-7000-8000-00000000000a"

    @pytest.mark.parametrize("more", [{}, {"title": "Heat pumps"}, {"messages": [SAID, SAID]}])
    def test_answers_the_same_body_again_with_200(
        self, person: ApiClient, more: dict[str, Any]
    ) -> None:
        first = person.post("/conversations", {"id": self.OWN, **more})
        before = stored()

        again = person.post("/conversations", {"id": self.OWN, **more})

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == self.OWN
        assert again.json() == first.json()
        assert "Idempotency-Replayed" not in again
        assert stored() == before

    def test_answers_the_same_body_with_what_now_stands(self, person: ApiClient) -> None:
        person.post("/conversations", {"id": self.OWN, "title": "Heat pumps"})
        person.post(f"/conversations/{self.OWN}/messages", SAID)
        changed = person.patch(f"/conversations/{self.OWN}", {"title": "Boilers"})

        again = person.post("/conversations", {"id": self.OWN, "title": "Heat pumps"})

        assert (again.status_code, again.json()) == (200, changed.json())
        assert (again.json()["title"], again.json()["message_count"]) == ("Boilers", 1)

    def test_compares_bodies_by_what_they_say(self, person: ApiClient) -> None:
        person.post("/conversations", raw=b'{"id":"%s","title":"a"}' % self.OWN.encode())

        again = person.post(
            "/conversations", raw=b' {"title" : "\\u0061", "id":"%s"}\n' % self.OWN.encode()
        )

        assert again.status_code == 200
        assert Conversation.objects.count() == 1

    @pytest.mark.parametrize("more", [{}, {"title": "b"}, {"title": "a", "messages": [SAID]}])
    def test_refuses_another_body(self, person: ApiClient, more: dict[str, Any]) -> None:
        person.post("/conversations", {"id": self.OWN, "title": "a"})
        before = stored()

        response = person.post("/conversations", {"id": self.OWN, **more})

        assert_problem(response, 409, "id_taken")
        assert stored() == before

    def test_refuses_an_id_that_the_server_gave(self, person: ApiClient, conversation: str) -> None:
        before = stored()

        response = person.post("/conversations", {"id": conversation, "title": "Heat pumps"})

        assert_problem(response, 409, "id_taken")
        assert stored() == before

    def test_may_be_the_same_for_two_persons(self, person: ApiClient, stranger: ApiClient) -> None:
        person.post("/conversations", {"id": self.OWN, "title": "Ann's", "messages": [SAID]})

        theirs = stranger.post("/conversations", {"id": self.OWN, "title": "Bob's"})

        assert (theirs.status_code, theirs.json()["message_count"]) == (201, 0)
        assert stranger.get(f"/conversations/{self.OWN}").json()["title"] == "Bob's"
        assert person.get(f"/conversations/{self.OWN}").json()["title"] == "Ann's"
        assert stranger.get(f"/conversations/{self.OWN}/messages").json()["results"] == []

    def test_leaves_the_others_row_alone(self, person: ApiClient, stranger: ApiClient) -> None:
        person.post("/conversations", {"id": self.OWN, "title": "Ann's", "messages": [SAID]})
        key_of("bob")
        before = stored()
        stranger.post("/conversations", {"id": self.OWN})
        stranger.patch(f"/conversations/{self.OWN}", {"archived": True})

        deleted = stranger.delete(f"/conversations/{self.OWN}")

        assert deleted.status_code == 204
        assert stored() == before

from django.db import connection

from conversations.models import Conversation, Message
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of, make_conversations


def raw_count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


class TestDelete:
    def test_removes_the_conversation_with_its_messages(self, person: ApiClient) -> None:
        conversation = make_conversation_of(300)

        response = person.delete(f"/conversations/{conversation.uid}")

        assert (response.status_code, response.content) == (204, b"")
        assert raw_count("conversations_conversation") == 0
        assert raw_count("conversations_message") == 0

    def test_leaves_everything_else(self, person: ApiClient) -> None:
        kept = [make_conversation_of(3), make_conversation_of(3, "bob"), *make_conversations(1)]
        before = stored()
        conversation = make_conversation_of(3)

        person.delete(f"/conversations/{conversation.uid}")

        assert stored() == before
        assert (Conversation.objects.count(), Message.objects.count()) == (len(kept), 6)

    def test_leaves_nothing_to_read_or_write(self, person: ApiClient, conversation: str) -> None:
        url = f"/conversations/{conversation}"
        person.delete(url)

        responses = [
            person.get(url),
            person.get(f"{url}/messages"),
            person.post(f"{url}/messages", {"role": "user", "content": "a"}),
            person.patch(url, {"title": "Boilers"}),
            person.delete(url),
        ]

        for response in responses:
            assert_problem(response, 404, "not_found")
        assert raw_count("conversations_message") == 0

    def test_makes_an_own_id_free_again(self, person: ApiClient) -> None:
        own = "0190a0b0-0000-7000-8000-00000000000a"
        person.post("/conversations", {"id": own, "title": "Heat pumps"})
        person.delete(f"/conversations/{own}")

        response = person.post("/conversations", {"id": own, "title": "Boilers"})

        assert (response.status_code, response.json()["title"]) == (201, "Boilers")

    def test_does_not_know_an_id_that_never_was(self, person: ApiClient, conversation: str) -> None:
        before = stored()

        response = person.delete("/conversations/0190a0b0-0000-7000-8000-00000000000a")

        assert_problem(response, 404, "not_found")
        assert stored() == before

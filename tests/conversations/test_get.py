import pytest

from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of

# As compact as orjson writes it, so that the answer can be compared byte by byte.
STAGES = (
    '"stage1":[{"model":"z/β","response":"Grüße 🌍\\n\\"a\\" \\\\ 東京","score":1.0},{"b":1}],'
    '"stage2":[{"ranking":"FINAL RANKING:\\n1. Response A","parsed_ranking":["Response A"]}],'
    '"stage3":{"response":"","model":"m","cost":1e-7,"tokens":9223372036854775807},'
    '"metadata":{"z":null,"a":[0.1,-0.0,[],{}],"label_to_model":{"B":"y","A":"x"}}'
).encode()


class TestGet:
    def test_shows_the_conversation_with_its_messages(
        self, person: ApiClient, conversation: str
    ) -> None:
        messages = [
            person.post(f"/conversations/{conversation}/messages", body).json()
            for body in ({"role": "user", "content": "a"}, {"role": "assistant", "stage3": {}})
        ]

        response = person.get(f"/conversations/{conversation}")

        answer = response.json()
        assert response.status_code == 200
        assert answer["messages"] == messages
        assert answer["messages_before"] is None
        assert answer["message_count"] == 2
        assert answer["updated_at"] == messages[1]["created_at"]

    def test_gives_stages_and_metadata_back_byte_by_byte(
        self, person: ApiClient, conversation: str
    ) -> None:
        url = f"/conversations/{conversation}"

        appended = person.post(f"{url}/messages", raw=b'{"role":"assistant",' + STAGES + b"}")

        assert STAGES in appended.content
        assert STAGES in person.get(url).content
        assert STAGES in person.get(f"{url}/messages").content

    @pytest.mark.parametrize("messages", [0, 3, 300])
    def test_takes_two_statements_and_one_for_the_key(
        self, person: ApiClient, messages: int
    ) -> None:
        conversation = make_conversation_of(messages)

        with assert_statements(3):
            answer = person.get(f"/conversations/{conversation.uid}").json()

        assert len(answer["messages"]) == min(messages, 200)

    def test_does_not_know_an_id_that_never_was(self, person: ApiClient) -> None:
        response = person.get("/conversations/0190a0b0-0000-7000-8000-00000000000a")

        assert_problem(response, 404, "not_found")

    @pytest.mark.parametrize("conversation_id", ["1", "seven", "0190a0b0", "%00"])
    def test_does_not_know_what_is_no_id(self, person: ApiClient, conversation_id: str) -> None:
        assert_problem(person.get(f"/conversations/{conversation_id}"), 404, "not_found")


class TestMessagesBefore:
    def test_is_null_while_all_are_shown(self, person: ApiClient) -> None:
        conversation = make_conversation_of(200)

        answer = person.get(f"/conversations/{conversation.uid}").json()

        assert [message["position"] for message in answer["messages"]] == [*range(1, 201)]
        assert answer["messages_before"] is None

    def test_leads_to_those_before_the_last_200(self, person: ApiClient) -> None:
        conversation = make_conversation_of(205)

        answer = person.get(f"/conversations/{conversation.uid}").json()

        before = person.get(answer["messages_before"]).json()
        assert [message["position"] for message in answer["messages"]] == [*range(6, 206)]
        assert [message["position"] for message in before["results"]] == [5, 4, 3, 2, 1]
        assert [message["content"] for message in before["results"]] == ["5", "4", "3", "2", "1"]
        assert before["next"] is None

    def test_goes_on_to_the_first(self, person: ApiClient) -> None:
        conversation = make_conversation_of(405)
        url = person.get(f"/conversations/{conversation.uid}").json()["messages_before"]
        positions: list[int] = []

        while url is not None:
            page = person.get(url).json()
            positions += [message["position"] for message in page["results"]]
            url = page["next"]

        assert positions == [*range(205, 0, -1)]

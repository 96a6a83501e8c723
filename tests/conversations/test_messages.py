import pytest

from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient


@pytest.fixture
def conversation(person: ApiClient) -> str:
    return person.post("/conversations", {"title": "Heat pumps"}).json()["id"]


class TestAppend:
    def test_numbers_messages_from_one(self, person: ApiClient, conversation: str) -> None:
        first = person.post(
            f"/conversations/{conversation}/messages", {"role": "user", "content": "a"}
        )
        second = person.post(
            f"/conversations/{conversation}/messages", {"role": "user", "content": "b"}
        )

        assert (first.status_code, first.json()["position"]) == (201, 1)
        assert second.json()["position"] == 2

    def test_takes_two_statements_and_one_for_the_key(
        self, person: ApiClient, conversation: str
    ) -> None:
        with assert_statements(3):
            person.post(f"/conversations/{conversation}/messages", {"role": "user", "content": "a"})

    def test_refuses_a_message_that_says_nothing(
        self, person: ApiClient, conversation: str
    ) -> None:
        response = person.post(f"/conversations/{conversation}/messages", {"role": "user"})

        assert_problem(response, 400, "invalid_request")
        assert person.get(f"/conversations/{conversation}").json()["messages"] == []

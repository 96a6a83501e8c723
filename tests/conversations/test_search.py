import pytest
from django.db import connection

from tests.asserts import assert_statements
from tests.client import ApiClient

pytestmark = pytest.mark.django_db


def titles(response: object) -> list[str]:
    return [hit["title"] for hit in response.json()["results"]]  # type: ignore[attr-defined]


def say(person: ApiClient, title: str, *contents: str) -> str:
    messages = [{"role": "user", "content": content} for content in contents]
    return person.post("/conversations", {"title": title, "messages": messages}).json()["id"]


class TestHits:
    def test_are_found_in_titles_and_in_every_stage(self, person: ApiClient) -> None:
        say(person, "Pump in the title")
        for place in ("stage1", "stage2", "stage3"):
            text = {"model": "m", "response": f"a pump for {place}"}
            stage = text if place == "stage3" else [text]
            message = {"role": "assistant", place: stage}
            person.post("/conversations", {"title": place, "messages": [message]})

        hits = person.get("/conversations/search?q=PUMP").json()

        assert [hit["title"] for hit in hits["results"]] == [
            "stage3", "stage2", "stage1", "Pump in the title",
        ]  # fmt: skip
        assert [hit["match_in_title"] for hit in hits["results"]] == [False, False, False, True]
        assert (hits["query"], hits["count"]) == ("PUMP", 4)

    def test_have_all_words_in_the_title_or_in_one_message(self, person: ApiClient) -> None:
        say(person, "one", "heat and pump")
        say(person, "two", "heat", "pump")
        say(person, "heat pump")

        assert titles(person.get("/conversations/search?q=pump+heat")) == ["heat pump", "one"]

    def test_are_another_persons_never(self, person: ApiClient, stranger: ApiClient) -> None:
        say(stranger, "secret pump", "secret pump")

        assert titles(person.get("/conversations/search?q=pump")) == []

    def test_take_two_statements_and_one_for_the_key(self, person: ApiClient) -> None:
        say(person, "x", "pump")

        with assert_statements(3) as statements:
            person.get("/conversations/search?q=pump")
        assert connection.vendor == "sqlite" or "@>" in statements[1]

from typing import Any

import pytest

from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient
from tests.conversations.recipes import cursor_of, make_conversation_of

POSITION_MAX = 2**31 - 1


def walk(client: ApiClient, url: str | None) -> list[list[int]]:
    """The positions on each page, from `url` to the end."""
    pages = []
    while url is not None:
        page = client.get(url).json()
        pages.append([row["position"] for row in page["results"]])
        url = page["next"]
    return pages


class TestMessages:
    def test_are_shown_as_they_were_appended(self, person: ApiClient, conversation: str) -> None:
        bodies: list[dict[str, Any]] = [
            {"role": "user", "content": "a", "metadata": {"b": 1, "a": [0.5]}},
            {"role": "assistant", "stage1": [{"model": "m"}], "stage2": [], "stage3": {}},
        ]
        url = f"/conversations/{conversation}/messages"
        appended = [person.post(url, body).json() for body in bodies]

        response = person.get(url)

        assert response.status_code == 200
        assert response.json() == {"results": appended, "next": None}

    def test_are_none_at_first(self, person: ApiClient, conversation: str) -> None:
        response = person.get(f"/conversations/{conversation}/messages")

        assert response.json() == {"results": [], "next": None}

    def test_of_other_conversations_are_left_out(self, person: ApiClient) -> None:
        make_conversation_of(3)
        conversation = make_conversation_of(2)

        results = person.get(f"/conversations/{conversation.uid}/messages").json()["results"]

        assert [message["content"] for message in results] == ["1", "2"]

    @pytest.mark.parametrize(
        ("query", "first", "last"),
        [("", 1, 25), ("&order=asc", 1, 25), ("&order=desc", 25, 1)],
    )
    def test_are_neither_lost_nor_repeated_by_pages(
        self, person: ApiClient, query: str, first: int, last: int
    ) -> None:
        conversation = make_conversation_of(25)

        pages = walk(person, f"/conversations/{conversation.uid}/messages?limit=4{query}")

        step = 1 if first < last else -1
        assert [len(page) for page in pages] == [4, 4, 4, 4, 4, 4, 1]
        assert sum(pages, []) == [*range(first, last + step, step)]

    @pytest.mark.parametrize(
        ("query", "expected"), [("", 50), ("?limit=1", 1), ("?limit=200", 200)]
    )
    def test_are_as_many_as_asked(self, person: ApiClient, query: str, expected: int) -> None:
        conversation = make_conversation_of(201)

        page = person.get(f"/conversations/{conversation.uid}/messages{query}").json()

        assert len(page["results"]) == expected
        assert page["next"] is not None

    @pytest.mark.parametrize("messages", [3, 300])
    def test_take_two_statements_and_one_for_the_key(
        self, person: ApiClient, messages: int
    ) -> None:
        conversation = make_conversation_of(messages)
        url = f"/conversations/{conversation.uid}/messages?limit=20"
        seen = 0

        while url is not None:
            with assert_statements(3):
                page = person.get(url).json()
            seen += len(page["results"])
            url = page["next"]

        assert seen == messages


class TestRefusal:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=201",
            "limit=many",
            "order=created",
            "order=ASC",
            "role=user",
            "archived=all",
        ],
    )
    def test_names_a_wrong_parameter(
        self, person: ApiClient, conversation: str, query: str
    ) -> None:
        response = person.get(f"/conversations/{conversation}/messages?{query}")

        problem = assert_problem(response, 400, "invalid_request")
        assert list(problem["errors"]) == [query.partition("=")[0]]

    @pytest.mark.parametrize(
        "values",
        [
            ("-position", 2, 1),
            ("-created_at", "2026-01-31T12:00:00Z", 1),
            ("position", "two", 1),
            ("position", 2**63, 1),
            ("position", -(2**63) - 1, 1),
            ("position", 1.5, 1),
            ("position", False, 1),
            ("position", [1], 1),
            ("position", 1),
        ],
        ids=str,
    )
    def test_takes_no_cursor_that_it_did_not_give(
        self, person: ApiClient, values: tuple[Any, ...]
    ) -> None:
        conversation = make_conversation_of(3)

        response = person.get(
            f"/conversations/{conversation.uid}/messages?cursor={cursor_of(*values)}"
        )

        assert_problem(response, 400, "invalid_cursor")

    @pytest.mark.parametrize(
        ("order", "position", "expected"),
        [
            ("asc", POSITION_MAX + 1, []),
            ("asc", 2**63 - 1, []),
            ("asc", -(2**63), [1, 2, 3]),
            ("desc", 2**63 - 1, [3, 2, 1]),
            ("desc", -(2**63), []),
        ],
    )
    def test_bears_a_cursor_beyond_every_position(
        self, person: ApiClient, order: str, position: int, expected: list[int]
    ) -> None:
        conversation = make_conversation_of(3)
        cursor = cursor_of("position" if order == "asc" else "-position", position, 1)
        url = f"/conversations/{conversation.uid}/messages?order={order}&cursor={cursor}"

        assert walk(person, url) == [expected]

    def test_does_not_know_an_id_that_never_was(self, person: ApiClient) -> None:
        response = person.get("/conversations/0190a0b0-0000-7000-8000-00000000000a/messages")

        assert_problem(response, 404, "not_found")

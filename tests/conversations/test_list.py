import datetime
from typing import Any

import pytest

from conversations.models import Conversation
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient
from tests.conversations.recipes import MOMENT, cursor_of, make_conversations

MINUTE = datetime.timedelta(minutes=1)


def walk(client: ApiClient, url: str | None) -> list[list[str]]:
    """The ids of each page, from `url` to the end."""
    pages = []
    while url is not None:
        page = client.get(url).json()
        pages.append([row["id"] for row in page["results"]])
        url = page["next"]
    return pages


def ids(conversations: list[Conversation]) -> list[str]:
    return [str(conversation.uid) for conversation in conversations]


class TestList:
    def test_shows_conversations_as_they_were_created(self, person: ApiClient) -> None:
        answers = [
            person.post("/conversations", {"title": title, "metadata": {"b": [title], "a": 0.5}})
            for title in ("first", "second")
        ]

        response = person.get("/conversations")

        assert response.status_code == 200
        assert response.json() == {
            "results": [answers[1].json(), answers[0].json()],
            "next": None,
        }

    def test_is_empty_for_a_person_without_any(self, person: ApiClient) -> None:
        make_conversations(1, "bob")

        assert person.get("/conversations").json() == {"results": [], "next": None}

    @pytest.mark.parametrize(
        ("query", "expected"),
        [("", [2, 1, 0]), ("?order=created", [2, 1, 0]), ("?order=updated", [1, 0, 2])],
    )
    def test_is_ordered_newest_first(
        self, person: ApiClient, query: str, expected: list[int]
    ) -> None:
        rows = [
            make_conversations(1, created_at=MOMENT + created * MINUTE, updated_at=updated)[0]
            for created, updated in enumerate([MOMENT + MINUTE, MOMENT + 2 * MINUTE, MOMENT])
        ]

        results = person.get(f"/conversations{query}").json()["results"]

        assert [row["id"] for row in results] == [str(rows[index].uid) for index in expected]

    @pytest.mark.parametrize(
        ("act", "first"),
        [
            (("POST", "/messages", {"role": "user", "content": "a"}), 0),
            (("PATCH", "", {"title": "a"}), 0),
            (("GET", "", None), 1),
        ],
    )
    def test_order_updated_follows_what_was_done_last(
        self, person: ApiClient, act: tuple[str, str, Any], first: int
    ) -> None:
        made = [person.post("/conversations", {}).json()["id"] for _ in range(2)]
        method, below, body = act

        person.request(method, f"/conversations/{made[0]}{below}", body)

        results = person.get("/conversations?order=updated").json()["results"]
        assert results[0]["id"] == made[first]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["kept"]),
            ("?archived=false", ["kept"]),
            ("?archived=true", ["put away"]),
            ("?archived=all", ["put away", "kept"]),
        ],
    )
    def test_leaves_archived_ones_out_unless_asked(
        self, person: ApiClient, query: str, expected: list[str]
    ) -> None:
        make_conversations(1, title="kept")
        make_conversations(1, title="put away", archived_at=MOMENT)

        results = person.get(f"/conversations{query}").json()["results"]

        assert [row["title"] for row in results] == expected
        assert [row["archived"] for row in results] == [row == "put away" for row in expected]

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=ten",
            "limit=1.5",
            "limit=1e2",
            "order=title",
            "order=-created",
            "order=asc",
            "archived=yes",
            "archived=True",
            "archived=1",
            "colour=red",
            "offset=5",
            "user_id=bob",
        ],
    )
    def test_names_a_wrong_parameter(self, person: ApiClient, query: str) -> None:
        response = person.get(f"/conversations?{query}")

        problem = assert_problem(response, 400, "invalid_request")
        assert list(problem["errors"]) == [query.partition("=")[0]]


class TestPages:
    @pytest.mark.parametrize(
        ("query", "expected"), [("", 50), ("?limit=1", 1), ("?limit=200", 200)]
    )
    def test_have_as_many_rows_as_asked(self, person: ApiClient, query: str, expected: int) -> None:
        make_conversations(201)

        page = person.get(f"/conversations{query}").json()

        assert len(page["results"]) == expected
        assert page["next"].startswith("http://testserver/api/v1/conversations?")

    @pytest.mark.parametrize("order", ["created", "updated"])
    def test_neither_lose_nor_repeat_rows_of_one_moment(
        self, person: ApiClient, order: str
    ) -> None:
        made = make_conversations(25)

        pages = walk(person, f"/conversations?limit=4&order={order}")

        assert [len(page) for page in pages] == [4, 4, 4, 4, 4, 4, 1]
        assert sum(pages, []) == ids(made)[::-1]

    def test_end_without_an_empty_one(self, person: ApiClient) -> None:
        make_conversations(8)

        assert [len(page) for page in walk(person, "/conversations?limit=4")] == [4, 4]

    def test_keep_filter_and_owner(self, person: ApiClient) -> None:
        away = make_conversations(5, archived_at=MOMENT)
        make_conversations(5)
        make_conversations(5, "bob", archived_at=MOMENT)

        pages = walk(person, "/conversations?archived=true&limit=2")

        assert sum(pages, []) == ids(away)[::-1]

    def test_are_not_moved_by_new_rows(self, person: ApiClient) -> None:
        made = make_conversations(6)
        first = person.get("/conversations?limit=3").json()
        make_conversations(2, created_at=MOMENT + MINUTE)

        assert sum(walk(person, first["next"]), []) == ids(made)[2::-1]

    def test_tell_microseconds_apart(self, person: ApiClient) -> None:
        tick = datetime.timedelta(microseconds=1)
        made = [make_conversations(1, created_at=MOMENT + step * tick)[0] for step in range(5)]

        assert walk(person, "/conversations?limit=2") == [
            ids(made)[:2:-1],
            ids(made)[2:0:-1],
            ids(made)[:1],
        ]

    def test_of_another_persons_cursor_hold_ones_own_rows(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        make_conversations(3)
        theirs = make_conversations(3, "bob", created_at=MOMENT - MINUTE)
        following = person.get("/conversations?limit=2").json()["next"]

        assert sum(walk(stranger, following), []) == ids(theirs)[::-1]

    @pytest.mark.parametrize("order", ["created", "updated"])
    @pytest.mark.parametrize("rows", [3, 300])
    def test_take_one_statement_and_one_for_the_key(
        self, person: ApiClient, rows: int, order: str
    ) -> None:
        make_conversations(rows)

        with assert_statements(2):
            page = person.get(f"/conversations?limit=200&order={order}").json()

        assert len(page["results"]) == min(rows, 200)

    def test_take_the_same_statements_at_any_depth(self, person: ApiClient) -> None:
        make_conversations(300)
        url = "/conversations?limit=20"
        depth = 0

        while url is not None:
            with assert_statements(2):
                url = person.get(url).json()["next"]
            depth += 1

        assert depth == 15


class TestCursor:
    def test_of_another_order_is_refused(self, person: ApiClient) -> None:
        make_conversations(2)
        following = person.get("/conversations?limit=1&order=created").json()["next"]

        response = person.get(following.replace("order=created", "order=updated"))

        assert_problem(response, 400, "invalid_cursor")

    def test_of_another_list_is_refused(self, person: ApiClient, conversation: str) -> None:
        for _ in range(2):
            person.post(f"/conversations/{conversation}/messages", {"role": "user", "content": "a"})
        following = person.get(f"/conversations/{conversation}/messages?limit=1").json()["next"]

        response = person.get(following.replace(f"/{conversation}/messages", ""))

        assert_problem(response, 400, "invalid_cursor")

    @pytest.mark.parametrize(
        "values",
        [
            (),
            ("-created_at", "2026-01-31T12:00:00Z"),
            ("-created_at", "2026-01-31T12:00:00Z", "1"),
            ("-created_at", "2026-01-31T12:00:00Z", 2**63),
            ("-created_at", "2026-01-31T12:00:00", 1),
            ("-created_at", "2026-01-31", 1),
            ("-created_at", "2026-02-31T12:00:00Z", 1),
            ("-created_at", "0001-01-01T00:00:00+14:00", 1),
            ("-created_at", "9999-12-31T23:59:59-14:00", 1),
            ("-created_at", "yesterday", 1),
            ("-created_at", 5, 1),
            ("-created_at", True, 1),
            ("-created_at", None, 1),
            ("user_id", "a", 1),
        ],
        ids=str,
    )
    def test_made_up_by_the_client_is_refused(
        self, person: ApiClient, values: tuple[Any, ...]
    ) -> None:
        make_conversations(2)

        response = person.get(f"/conversations?cursor={cursor_of(*values)}")

        assert_problem(response, 400, "invalid_cursor")

    @pytest.mark.parametrize(
        "cursor", ["garbage", "%F0%9F%8C%8D", "AA==", "e30", "__79", "bnVsbA", "a" * 499]
    )
    def test_that_is_garbage_is_refused(self, person: ApiClient, cursor: str) -> None:
        make_conversations(2)

        response = person.get(f"/conversations?cursor={cursor}")

        assert_problem(response, 400, "invalid_cursor")

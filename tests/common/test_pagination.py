import base64
import datetime
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient
from tests.conversations.recipes import key_of

NOON = datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC)
examples = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
orders = st.sampled_from(["-created_at", "-updated_at", "created_at", "position", "id"])
times = st.datetimes().map(lambda moment: moment.isoformat()) | st.datetimes().map(
    lambda moment: moment.isoformat() + "+00:00"
)


def write(count: int, **columns: Any) -> None:
    """Conversations of Ann, all of the same moment unless told otherwise."""
    owner = key_of("ann")
    moments = {"created_at": NOON, "updated_at": NOON} | columns
    Conversation.objects.bulk_create(
        Conversation(person_id=owner, title=str(number), **moments) for number in range(count)
    )


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def titles(person: ApiClient, path: str) -> list[str]:
    """All titles, by following `next` to the end."""
    found: list[str] = []
    following: str | None = path
    while following is not None:
        answer = person.get(following).json()
        found += [row["title"] for row in answer["results"]]
        following = answer["next"]
    return found


class TestPages:
    def test_lose_and_repeat_nothing_among_equal_times(self, person: ApiClient) -> None:
        write(23)

        found = titles(person, "/conversations?limit=5")

        assert found == [str(number) for number in reversed(range(23))]

    def test_are_ordered_by_time_before_id(self, person: ApiClient) -> None:
        write(1, created_at=NOON + datetime.timedelta(microseconds=1))
        Conversation.objects.for_user("ann").update(title="newest")
        write(2)

        assert titles(person, "/conversations?limit=1") == ["newest", "1", "0"]

    def test_end_without_an_empty_one(self, person: ApiClient) -> None:
        write(4)

        first = person.get("/conversations?limit=2").json()
        second = person.get(first["next"]).json()

        assert (len(second["results"]), second["next"]) == (2, None)

    def test_keep_the_query_that_was_asked(self, person: ApiClient) -> None:
        write(3)
        write(3, archived_at=NOON)

        found = titles(person, "/conversations?limit=1&archived=true&order=updated")

        assert len(found) == 3

    def test_neither_repeat_nor_lose_while_rows_come_and_go(self, person: ApiClient) -> None:
        write(6)
        first = person.get("/conversations?limit=3").json()
        write(1, created_at=timezone.now())
        Conversation.objects.filter(title="3").delete()

        second = person.get(first["next"]).json()

        assert [row["title"] for row in second["results"]] == ["2", "1", "0"]

    def test_take_one_statement_each_and_one_for_the_key(self, person: ApiClient) -> None:
        write(30)
        following = person.get("/conversations?limit=10").json()["next"]

        with assert_statements(2):
            person.get(following)

    def test_of_another_person_are_empty(self, person: ApiClient, stranger: ApiClient) -> None:
        write(4)
        following = person.get("/conversations?limit=2").json()["next"]

        assert stranger.get(following).json() == {"results": [], "next": None}


class TestALimit:
    def test_is_50_unless_given(self, person: ApiClient) -> None:
        write(51)

        assert len(person.get("/conversations").json()["results"]) == 50

    def test_may_be_200(self, person: ApiClient) -> None:
        write(201)

        assert len(person.get("/conversations?limit=200").json()["results"]) == 200

    @pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "ten", "9" * 30, "%00", "1e2"])
    def test_is_refused_outside_1_to_200(self, person: ApiClient, limit: str) -> None:
        response = person.get(f"/conversations?limit={limit}")

        assert "limit" in assert_problem(response, 400, "invalid_request")["errors"]

    def test_is_refused_under_another_name(self, person: ApiClient) -> None:
        response = person.get("/conversations?page_size=5")

        assert "page_size" in assert_problem(response, 400, "invalid_request")["errors"]


class TestACursor:
    @pytest.mark.parametrize(
        "value",
        [
            ["-created_at", "2025-13-01T12:00:00Z", 1],
            ["-created_at", "", 1],
            ["-created_at", 5, 1],
            ["-created_at", True, 1],
            ["-created_at", "2025-03-01T12:00:00Z", 2**63],
            ["-created_at", "2025-03-01T12:00:00Z", "1"],
            ["-created_at", "2025-03-01T12:00:00Z", None],
            ["-created_at", "2025-03-01T12:00:00Z"],
            ["-updated_at", "2025-03-01T12:00:00Z", 1],
            ["user_id", "ann", 1],
            {"order": "-created_at"},
            None,
        ],
        ids=str,
    )
    def test_that_is_not_ours_is_refused(self, person: ApiClient, value: Any) -> None:
        write(1)

        response = person.get(f"/conversations?cursor={cursor_of(value)}")

        assert_problem(response, 400, "invalid_cursor")

    @pytest.mark.parametrize(
        "moment",
        [
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "2025-03-01T12:00:00+23:59",
            "2025-03-01T12:00:00",
            "2025-03-01",
        ],
    )
    def test_of_a_time_that_we_do_not_write_is_no_500(self, person: ApiClient, moment: str) -> None:
        response = person.get(f"/conversations?cursor={cursor_of(['-created_at', moment, 1])}")

        assert response.status_code in (200, 400), response.content

    @pytest.mark.parametrize("position", [2**31, 2**63 - 1, -(2**63)])
    def test_beyond_the_columns_range_is_no_500(self, person: ApiClient, position: int) -> None:
        conversation = person.post("/conversations", {}).json()["id"]

        response = person.get(
            f"/conversations/{conversation}/messages?cursor={cursor_of(['position', position, 0])}"
        )

        assert response.status_code in (200, 400), response.content

    @examples
    @given(text=st.text(min_size=1, max_size=40))
    def test_of_any_text_is_refused(self, person: ApiClient, text: str) -> None:
        response = person.get(f"/conversations?cursor={quote(text, errors='replace')}")

        assert response.status_code == 400, response.content

    @examples
    @given(key=st.tuples(orders, scalars | times, scalars))
    def test_of_any_shape_is_refused_or_gives_a_page(
        self, person: ApiClient, key: tuple[Any, ...]
    ) -> None:
        cursor = cursor_of([part for part in key])

        for path in ("/conversations", f"/conversations?order={key[0].removeprefix('-')}"):
            joint = "&" if "?" in path else "?"
            response = person.get(f"{path}{joint}cursor={cursor}")

            assert response.status_code in (200, 400), response.content

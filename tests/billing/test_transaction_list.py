import datetime
from typing import Any

import pytest

from billing.models import CreditTransaction
from tests.asserts import assert_problem, assert_statements
from tests.billing import books
from tests.billing.books import DAY, MOMENT
from tests.client import ApiClient
from tests.conversations.recipes import cursor_of

pytestmark = pytest.mark.django_db

PATH = "/credits/transactions"


def pages(person: ApiClient, path: str) -> list[list[Any]]:
    """All pages, from the first to the last."""
    found: list[list[Any]] = []
    following: str | None = path
    while following:
        answer = person.get(following).json()
        assert set(answer) == {"results", "next"}
        found.append(answer["results"])
        following = answer["next"]
    return found


@pytest.fixture
def history() -> None:
    """Five entries, an hour apart on three days."""
    books.open_account(at=MOMENT)
    charged = books.charge(10, at=MOMENT + DAY)
    books.refund(charged, 4, at=MOMENT + DAY)
    books.add("grant", 5, at=MOMENT + 2 * DAY)
    books.charge(1, at=MOMENT + 2 * DAY)
    books.open_account("bob")


@pytest.mark.usefixtures("history")
class TestTheHistory:
    def test_is_the_persons_own_newest_first(self, person: ApiClient) -> None:
        rows = person.get(PATH).json()["results"]

        # The second and third day begin with a refill: of nothing, then of 6.
        sequences = [row["sequence"] for row in rows]
        assert sequences == sorted(sequences, reverse=True)
        assert len(rows) == CreditTransaction.objects.filter(person__user_id="ann").count()

    def test_shows_what_the_post_answered(self, person: ApiClient) -> None:
        made = person.post(PATH, {"type": "grant", "amount": 5, "metadata": {"b": 1, "a": 2.0}})

        [listed] = person.get(f"{PATH}?limit=1").json()["results"]

        assert listed == made.json()
        assert list(listed["metadata"]) == ["b", "a"]

    @pytest.mark.parametrize("type_", ["allocate", "deduct", "grant", "refund", "purchase"])
    def test_is_filtered_by_type(self, person: ApiClient, type_: str) -> None:
        rows = person.get(f"{PATH}?type={type_}").json()["results"]

        expected = CreditTransaction.objects.filter(person__user_id="ann", type=type_).count()
        assert [row["type"] for row in rows] == [type_] * expected

    def test_is_filtered_by_time_from_and_before(self, person: ApiClient) -> None:
        begin, end = (MOMENT + days * DAY for days in (1, 2))
        query = f"from={begin:%Y-%m-%dT%H:%M:%S.%fZ}&to={end:%Y-%m-%dT%H:%M:%S.%fZ}"

        rows = person.get(f"{PATH}?{query}").json()["results"]

        assert [row["type"] for row in rows] == ["refund", "deduct"]
        day = {datetime.datetime.fromisoformat(row["created_at"]) for row in rows}
        assert day == {begin}

    def test_takes_a_time_in_any_zone(self, person: ApiClient) -> None:
        shown = (MOMENT + DAY).astimezone(datetime.timezone(datetime.timedelta(hours=5.75)))
        query = shown.isoformat().replace("+", "%2B")

        rows = person.get(f"{PATH}?to={query}").json()["results"]

        assert [row["type"] for row in rows] == ["allocate"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 200])
    def test_comes_in_pages(self, person: ApiClient, limit: int) -> None:
        whole = person.get(PATH).json()["results"]

        found = pages(person, f"{PATH}?limit={limit}")

        assert sum(found, []) == whole
        assert {len(page) for page in found[:-1]} <= {limit}

    def test_ends_a_page_before_the_entry_with_which_it_would_pass_5_mebibytes(
        self, person: ApiClient
    ) -> None:
        for length in (2_000_000, 2_000_000, 10, 2_000_000):
            entry = {"type": "grant", "amount": 1, "metadata": {"a": "a" * length}}
            assert person.post(PATH, entry).status_code == 201

        found = [
            [len(row["metadata"].get("a", "")) for row in rows]
            for rows in pages(person, f"{PATH}?type=grant")
        ]

        # The last is the grant that opened the account.
        assert found == [[2_000_000, 10, 2_000_000], [2_000_000, 0]]

    def test_keeps_its_filter_from_page_to_page(self, person: ApiClient) -> None:
        found = pages(person, f"{PATH}?type=deduct&limit=1")

        assert [page[0]["amount"] for page in found] == [-1, -10]

    def test_does_not_shift_by_new_entries(self, person: ApiClient) -> None:
        first = person.get(f"{PATH}?limit=2").json()
        whole = person.get(PATH).json()["results"]
        person.post(PATH, {"type": "grant", "amount": 1})

        second = person.get(first["next"]).json()["results"]

        assert second == whole[2:4]

    @pytest.mark.parametrize("limit", [1, 200])
    def test_is_one_statement(self, person: ApiClient, limit: int) -> None:
        with assert_statements(2):
            person.get(f"{PATH}?limit={limit}")

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("type=gift", "type"),
            ("from=yesterday", "from"),
            ("from=2026-13-01T00:00:00Z", "from"),
            ("to=12", "to"),
            ("from=0001-01-01T00:00:00%2B14:00", "from"),
            ("to=9999-12-31T23:59:59-14:00", "to"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("offset=1", "offset"),
        ],
    )
    def test_refuses_another_query(self, person: ApiClient, query: str, field: str) -> None:
        problem = assert_problem(person.get(f"{PATH}?{query}"), 400, "invalid_request")

        assert list(problem["errors"]) == [field]

    @pytest.mark.parametrize(
        "cursor",
        ["x", "%00", cursor_of(), cursor_of("-created_at", 1, 1), cursor_of("-sequence", "a", 1)]
        + [cursor_of("-sequence", 2**64, 1), cursor_of("-sequence", None, 1)],
    )
    def test_refuses_another_cursor(self, person: ApiClient, cursor: str) -> None:
        assert person.get(f"{PATH}?cursor={cursor}").status_code == 400

    def test_of_nobody_yet_is_empty(self, key: str) -> None:
        answer = ApiClient(key, "new").get(PATH).json()

        assert answer == {"results": [], "next": None}

    def test_shows_nothing_by_anothers_cursor(self, person: ApiClient, stranger: ApiClient) -> None:
        following = person.get(f"{PATH}?limit=1").json()["next"]

        rows = stranger.get(following).json()["results"]

        assert {row["sequence"] for row in rows} <= {1}


class TestTheStatistics:
    def test_count_by_type(self, person: ApiClient) -> None:
        charged = person.post(PATH, {"type": "deduct", "amount": 10}).json()["id"]
        person.post(PATH, {"type": "deduct", "amount": 5})
        person.post(f"{PATH}/{charged}/refund", {"amount": 3})
        person.post(PATH, {"type": "grant", "amount": 7})

        assert person.get("/credits/statistics").json() == {
            "days": 30,
            "by_type": {
                "allocate": {"count": 1, "total": 50},
                "deduct": {"count": 2, "total": -15},
                "grant": {"count": 1, "total": 7},
                "refund": {"count": 1, "total": 3},
            },
            "transactions": 5,
            "net_change": 45,
        }

    @pytest.mark.usefixtures("history")
    def test_are_of_the_last_days(self, person: ApiClient) -> None:
        person.post(PATH, {"type": "grant", "amount": 1})

        answer = person.get("/credits/statistics?days=1").json()

        assert answer["by_type"]["grant"] == {"count": 1, "total": 1}
        assert "allocate" not in answer["by_type"]
        whole = person.get("/credits/statistics?days=3660").json()
        assert whole["by_type"]["allocate"] == {"count": 1, "total": 50}
        assert whole["net_change"] == books.account().balance

    def test_of_nobody_yet_are_empty(self, person: ApiClient) -> None:
        answer = person.get("/credits/statistics").json()

        assert answer == {"days": 30, "by_type": {}, "transactions": 0, "net_change": 0}

    @pytest.mark.parametrize("query", ["days=0", "days=-1", "days=3661", "days=a", "day=1"])
    def test_refuse_another_query(self, person: ApiClient, query: str) -> None:
        answer = person.get(f"/credits/statistics?{query}")

        assert_problem(answer, 400, "invalid_request")

    def test_are_one_statement(self, person: ApiClient) -> None:
        with assert_statements(2):
            person.get("/credits/statistics")

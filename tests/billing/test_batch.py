from typing import Any

import pytest

from billing.models import CreditAccount
from tests.asserts import assert_problem, stored
from tests.billing.books import account, drift, entries
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

PATH = "/credits/transactions/batch"


def deduct(amount: int) -> dict[str, Any]:
    return {"type": "deduct", "amount": amount}


def grant(amount: int) -> dict[str, Any]:
    return {"type": "grant", "amount": amount}


class TestABatch:
    def test_is_written_in_its_order(self, person: ApiClient) -> None:
        adjustment = {"type": "adjustment", "amount": -1, "description": "r"}

        answer = person.post(PATH, {"transactions": [deduct(50), grant(30), adjustment]})

        assert answer.status_code == 201
        results = answer.json()["results"]
        assert [row["sequence"] for row in results] == [2, 3, 4]
        assert [row["balance_after"] for row in results] == [0, 30, 29]
        listed = person.get("/credits/transactions?limit=3").json()["results"]
        assert list(reversed(listed)) == results
        assert drift() == []

    def test_of_500_is_taken(self, person: ApiClient) -> None:
        answer = person.post(PATH, {"transactions": [grant(2)] * 400 + [deduct(1)] * 100})

        assert answer.status_code == 201
        assert len(answer.json()["results"]) == 500
        assert account().balance == 750
        assert drift() == []

    def test_is_the_same_as_its_parts(self, person: ApiClient, stranger: ApiClient) -> None:
        items = [deduct(5), grant(9), deduct(54)]

        person.post(PATH, {"transactions": items})
        for item in items:
            stranger.post("/credits/transactions", item)

        assert entries("ann") == entries("bob")

    @pytest.mark.parametrize(
        ("items", "index", "needed", "available"),
        [
            ([deduct(51)], 0, 51, 50),
            ([deduct(30), deduct(30)], 1, 30, 20),
            ([deduct(50), grant(1), deduct(2), grant(500)], 2, 2, 1),
            ([deduct(1)] * 60, 50, 1, 0),
        ],
    )
    def test_is_refused_whole_with_the_index(
        self, person: ApiClient, items: list[Any], index: int, needed: int, available: int
    ) -> None:
        person.get("/credits")
        before = stored()

        answer = person.post(PATH, {"transactions": items})

        problem = assert_problem(answer, 402, "insufficient_credits")
        assert problem["index"] == index
        assert (problem["needed"], problem["available"], problem["held"]) == (needed, available, 0)
        assert stored() == before

    def test_does_not_touch_what_is_held(self, person: ApiClient) -> None:
        person.post("/credits/holds", {"amount": 20})
        before = stored()

        answer = person.post(PATH, {"transactions": [deduct(30), deduct(1)]})

        problem = assert_problem(answer, 402, "insufficient_credits")
        assert (problem["index"], problem["available"], problem["held"]) == (1, 0, 20)
        assert stored() == before

    @pytest.mark.parametrize(
        "transactions",
        [None, [], {}, "a", [deduct(1)] * 501, [1], [None], [deduct(1), {"type": "deduct"}]]
        + [[deduct(0)], [deduct(1) | {"more": 1}], [{"type": "adjustment", "amount": 1}]],
    )
    def test_of_another_shape_is_refused(self, person: ApiClient, transactions: Any) -> None:
        answer = person.post(PATH, {"transactions": transactions})

        problem = assert_problem(answer, 400, "invalid_request")
        assert list(problem["errors"]) == ["transactions"]
        assert not CreditAccount.objects.exists()

    def test_says_which_item_is_wrong(self, person: ApiClient) -> None:
        answer = person.post(PATH, {"transactions": [deduct(1), deduct(0)]})

        errors = answer.json()["errors"]["transactions"]
        assert "amount" in str(errors)
        assert not CreditAccount.objects.exists()

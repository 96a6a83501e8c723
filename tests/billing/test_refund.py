import uuid
from typing import Any

import pytest

from tests.asserts import assert_problem, stored
from tests.billing.books import account, drift
from tests.client import ApiClient

pytestmark = pytest.mark.django_db


def posted(person: ApiClient, type_: str = "deduct", amount: int = 20) -> str:
    """The path of the refund of a new entry."""
    body = {"type": type_, "amount": amount, "description": "r"}
    entry = person.post("/credits/transactions", body).json()["id"]
    return f"/credits/transactions/{entry}/refund"


class TestARefund:
    def test_gives_back_what_is_left(self, person: ApiClient) -> None:
        path = posted(person)

        answer = person.post(path, {"description": "It failed"})

        refund = answer.json()
        assert answer.status_code == 201
        assert (refund["type"], refund["amount"], refund["balance_after"]) == ("refund", 20, 50)
        assert refund["refunds"] in path
        assert refund["description"] == "It failed"

    def test_gives_back_in_parts(self, person: ApiClient) -> None:
        path = posted(person)

        amounts = [person.post(path, body).json()["amount"] for body in ({"amount": 5}, {})]

        assert amounts == [5, 15]
        assert account().balance == 50
        assert drift() == []

    @pytest.mark.parametrize(("first", "then", "left"), [(0, 21, 20), (15, 6, 5), (20, 1, 0)])
    def test_is_no_more_than_the_charge(
        self, person: ApiClient, first: int, then: int, left: int
    ) -> None:
        path = posted(person)
        if first:
            person.post(path, {"amount": first})
        before = stored()

        problem = assert_problem(
            person.post(path, {"amount": then}), 422, "refund_exceeds_original"
        )

        assert (problem["original"], problem["refunded"], problem["left"]) == (20, first, left)
        assert stored() == before

    def test_of_nothing_left_is_refused(self, person: ApiClient) -> None:
        path = posted(person)
        person.post(path, {})

        assert_problem(person.post(path, {}), 422, "refund_exceeds_original")
        assert account().balance == 50

    @pytest.mark.parametrize("type_", ["grant", "purchase", "adjustment"])
    def test_of_what_is_no_charge_is_refused(self, person: ApiClient, type_: str) -> None:
        path = posted(person, type_)
        before = stored()

        problem = assert_problem(person.post(path, {}), 422, "not_refundable")

        assert problem["type"] == type_
        assert stored() == before

    def test_of_a_refund_is_refused(self, person: ApiClient) -> None:
        refund = person.post(posted(person), {}).json()["id"]

        answer = person.post(f"/credits/transactions/{refund}/refund", {})

        assert_problem(answer, 422, "not_refundable")

    def test_of_a_captured_hold_is_what_was_captured(self, person: ApiClient) -> None:
        hold = person.post("/credits/holds", {"amount": 20}).json()["id"]
        taken = person.post(f"/credits/holds/{hold}/capture", {"amount": 7}).json()["transaction"]

        refund = person.post(f"/credits/transactions/{taken['id']}/refund", {})

        assert (refund.json()["amount"], refund.json()["balance_after"]) == (7, 50)

    def test_of_another_persons_charge_is_not_found(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        path = posted(person)
        stranger.get("/credits")
        before = stored()

        assert_problem(stranger.post(path, {}), 404, "not_found")
        assert stored() == before

    def test_of_an_unknown_charge_is_not_found(self, person: ApiClient) -> None:
        for name in (uuid.uuid4(), "nonsense", 1):
            answer = person.post(f"/credits/transactions/{name}/refund", {})
            assert_problem(answer, 404, "not_found")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"amount": 0}, "amount"),
            ({"amount": -1}, "amount"),
            ({"amount": "1"}, "amount"),
            ({"amount": None}, "amount"),
            ({"amount": 10**15 + 1}, "amount"),
            ({"description": 5}, "description"),
            ({"type": "refund"}, "type"),
        ],
    )
    def test_of_another_shape_is_refused(self, person: ApiClient, body: Any, field: str) -> None:
        path = posted(person)
        before = stored()

        problem = assert_problem(person.post(path, body), 400, "invalid_request")

        assert list(problem["errors"]) == [field]
        assert stored() == before

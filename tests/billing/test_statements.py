"""How many statements each call sends: fixed, and the same on both engines. One is for the key."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.asserts import assert_statements
from tests.billing import books
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

KEY = 1
CHARGE = {"type": "deduct", "amount": 1}
REFUNDED = "/credits/transactions/{charge}/refund"


@pytest.fixture
def ids(person: ApiClient) -> dict[str, str]:
    """Ann has 10,000 credits and has called before."""
    person.post("/usage/increment")
    person.post("/credits/transactions", {"type": "grant", "amount": 10_000})
    charge = person.post("/credits/transactions", {"type": "deduct", "amount": 5}).json()
    hold = person.post("/credits/holds", {"amount": 5}).json()
    return {"charge": charge["id"], "hold": hold["id"]}


COSTS: list[tuple[str, str, Any, int]] = [
    ("GET", "/usage", None, 1),
    ("GET", "/usage/check", None, 1),
    ("POST", "/usage/increment", {}, 1),
    ("GET", "/credits", None, 1),
    ("POST", "/credits/transactions", CHARGE, 1),
    ("POST", "/credits/transactions", {"type": "grant", "amount": 1}, 1),
    ("POST", "/credits/holds", {"amount": 1}, 1),
    ("POST", "/credits/holds/{hold}/capture", {"amount": 1}, 2),
    ("POST", "/credits/holds/{hold}/release", {}, 1),
    ("POST", REFUNDED, {"amount": 1}, 3),
    ("POST", "/credits/transactions/batch", {"transactions": [CHARGE]}, 3),
    ("POST", "/credits/transactions/batch", {"transactions": [CHARGE] * 500}, 3),
]


@pytest.mark.usefixtures("ids")
class TestACall:
    @pytest.mark.parametrize(("method", "path", "body", "cost"), COSTS)
    def test_costs(
        self, person: ApiClient, ids: dict[str, str], method: str, path: str, body: Any, cost: int
    ) -> None:
        with assert_statements(KEY + cost):
            answer = person.request(method, path.format(**ids), body)

        assert answer.status_code < 300

    @pytest.mark.parametrize(
        ("path", "body", "cost"),
        [
            # SQLite cannot update and insert in one.
            ("/usage/increment", {}, 1 if connection.vendor == "postgresql" else 2),
            ("/credits/transactions", CHARGE, 1),
            ("/credits/holds", {"amount": 1}, 1),
            ("/credits/holds/{hold}/capture", {}, 2),
            (REFUNDED, {}, 4),
            ("/credits/transactions/batch", {"transactions": [CHARGE] * 500}, 4),
        ],
    )
    def test_costs_with_a_key(
        self, person: ApiClient, ids: dict[str, str], path: str, body: Any, cost: int
    ) -> None:
        with assert_statements(KEY + cost):
            answer = person.post(path.format(**ids), body, idempotency_key="k")

        assert answer.status_code < 300

    @pytest.mark.parametrize(
        ("path", "body", "cost"),
        [
            ("/usage/increment", {"amount": 11}, 2),
            ("/credits/transactions", CHARGE | {"amount": 10**9}, 2),
            ("/credits/holds", {"amount": 10**9}, 2),
            ("/credits/transactions/batch", {"transactions": [CHARGE | {"amount": 10**9}]}, 2),
        ],
    )
    def test_that_is_refused_costs(
        self, person: ApiClient, path: str, body: Any, cost: int
    ) -> None:
        with assert_statements(KEY + cost):
            answer = person.post(path, body)

        assert answer.status_code in (402, 429)


class TestAStatus:
    def test_costs_the_same_with_holds_and_a_refill_due(self, person: ApiClient) -> None:
        long_ago = timezone.now() - datetime.timedelta(days=3)
        books.open_account(at=long_ago)
        for _ in range(9):
            books.hold(5, at=long_ago)

        with assert_statements(KEY + 1):
            assert person.get("/credits").json()["available_credits"] == 50

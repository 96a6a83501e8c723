from typing import Any

import pytest
from django.utils import timezone

from access.scopes import SCOPES
from access.services import keys
from tests.asserts import assert_problem, stored
from tests.billing.books import charge, hold, open_account
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

NEEDED: list[tuple[str, str, Any, str]] = [
    ("GET", "/usage", None, "billing:read"),
    ("GET", "/usage/check", None, "billing:read"),
    ("POST", "/usage/increment", {}, "billing:charge"),
    ("PATCH", "/usage", {"tier": "pro", "reason": "r"}, "billing:manage"),
    ("GET", "/credits", None, "billing:read"),
    ("GET", "/credits/statistics", None, "billing:read"),
    ("GET", "/credits/transactions", None, "billing:read"),
    ("POST", "/credits/transactions", {"type": "deduct", "amount": 1}, "billing:charge"),
    ("POST", "/credits/transactions", {"type": "grant", "amount": 1}, "billing:manage"),
    ("POST", "/credits/transactions", {"type": "purchase", "amount": 1}, "billing:manage"),
    (
        "POST",
        "/credits/transactions",
        {"type": "adjustment", "amount": -1, "description": "r"},
        "billing:manage",
    ),
    (
        "POST",
        "/credits/transactions/batch",
        {"transactions": [{"type": "deduct", "amount": 1}]},
        "billing:charge",
    ),
    (
        "POST",
        "/credits/transactions/batch",
        {"transactions": [{"type": "grant", "amount": 1}]},
        "billing:manage",
    ),
    ("POST", "/credits/transactions/{charge}/refund", {}, "billing:manage"),
    ("POST", "/credits/holds", {"amount": 1}, "billing:charge"),
    ("POST", "/credits/holds/{hold}/capture", {}, "billing:charge"),
    ("POST", "/credits/holds/{hold}/release", {}, "billing:charge"),
]
EACH = [
    pytest.param(*row, id=f"{row[0]} {row[1]} {(row[2] or {}).get('type', '')}") for row in NEEDED
]


def client_with(*scopes: str) -> ApiClient:
    return ApiClient(
        keys.create_key(name="k", scopes=scopes, actor="system", at=timezone.now()).key, "ann"
    )


def send(client: ApiClient, method: str, path: str, body: Any) -> Any:
    open_account()
    ids = {"charge": charge(1).uid, "hold": hold(1).uid}
    # Expired by now, but that is another matter.
    before = stored()
    answer = client.request(method, path.format(**ids), body)
    return answer, before


class TestAKey:
    @pytest.mark.parametrize(("method", "path", "body", "scope"), EACH)
    def test_with_the_scope_may(self, method: str, path: str, body: Any, scope: str) -> None:
        answer, _ = send(client_with(scope), method, path, body)

        assert answer.status_code != 403, answer.content

    @pytest.mark.parametrize(("method", "path", "body", "scope"), EACH)
    def test_with_all_other_scopes_may_not(
        self, method: str, path: str, body: Any, scope: str
    ) -> None:
        others = [name for name in SCOPES if name != scope]

        answer, before = send(client_with(*others), method, path, body)

        assert_problem(answer, 403, "missing_scope")
        assert stored() == before

    @pytest.mark.parametrize(("method", "path", "body", "scope"), EACH)
    def test_must_name_a_person(self, method: str, path: str, body: Any, scope: str) -> None:
        client = client_with(scope)
        del client.headers["X-User-Id"]

        answer, before = send(client, method, path, body)

        assert_problem(answer, 400, "user_id_required")
        assert stored() == before

    @pytest.mark.parametrize("mine", ["billing:charge", "billing:manage"])
    def test_needs_both_scopes_for_a_mixed_batch(self, mine: str) -> None:
        both = [{"type": "deduct", "amount": 1}, {"type": "grant", "amount": 1}]
        body = {"transactions": both}

        answer, before = send(client_with(mine), "POST", "/credits/transactions/batch", body)

        problem = assert_problem(answer, 403, "missing_scope")
        assert {mine, problem["scope"]} == {"billing:charge", "billing:manage"}
        assert stored() == before

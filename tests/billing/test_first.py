import pytest

from billing.models import CreditAccount
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient

pytestmark = pytest.mark.django_db


class TestLife:
    def test_of_an_account(self, person: ApiClient) -> None:
        assert person.get("/credits").json()["available_credits"] == 50
        with assert_statements(2):
            charged = person.post("/credits/transactions", {"type": "deduct", "amount": 20})
        assert charged.status_code == 201, charged.content
        assert charged.json()["balance_after"] == 30
        with assert_statements(2):
            hold = person.post("/credits/holds", {"amount": 25}).json()
        assert person.get("/credits").json()["available_credits"] == 5
        refused = person.post("/credits/transactions", {"type": "deduct", "amount": 6})
        problem = assert_problem(refused, 402, "insufficient_credits")
        assert (problem["needed"], problem["available"], problem["held"]) == (6, 5, 25)
        with assert_statements(3):
            captured = person.post(f"/credits/holds/{hold['id']}/capture", {"amount": 10})
        assert captured.status_code == 200, captured.content
        assert captured.json()["transaction"]["balance_after"] == 20
        again = person.post(f"/credits/holds/{hold['id']}/release", {})
        assert assert_problem(again, 409, "hold_resolved")["state"] == "captured"
        refund = person.post(f"/credits/transactions/{charged.json()['id']}/refund", {})
        assert refund.json()["amount"] == 20
        more = person.post(f"/credits/transactions/{charged.json()['id']}/refund", {"amount": 1})
        assert_problem(more, 422, "refund_exceeds_original")
        assert CreditAccount.objects.get().balance == 40
        with assert_statements(2):
            person.get("/credits")
        batch = person.post(
            "/credits/transactions/batch",
            {
                "transactions": [{"type": "deduct", "amount": 1}] * 30
                + [{"type": "grant", "amount": 5}]
            },
            idempotency_key="b",
        )
        assert batch.status_code == 201, batch.content
        assert CreditAccount.objects.get().balance == 15
        key = person.post(
            "/credits/transactions", {"type": "deduct", "amount": 1}, idempotency_key="k"
        )
        same = person.post(
            "/credits/transactions", {"type": "deduct", "amount": 1}, idempotency_key="k"
        )
        assert key.json() == same.json()
        assert same["Idempotency-Replayed"] == "true"
        listed = person.get("/credits/transactions?limit=3").json()
        assert [row["type"] for row in listed["results"]] == ["deduct", "grant", "deduct"]
        assert person.get("/credits/statistics").json()["net_change"] == 14
        person.post("/usage/increment", {})
        with assert_statements(2):
            used = person.post("/usage/increment", {"amount": 9})
        assert used.json()["daily_used"] == 10
        assert used["RateLimit-Policy"] == '"daily";q=10;w=86400, "monthly";q=100;w=2592000'
        problem = assert_problem(person.post("/usage/increment", {}), 429, "quota_exceeded")
        assert problem["window"] == "daily"
        person.patch("/usage", {"tier": "pro", "reason": "upgrade"})
        with assert_statements(3):
            ok = person.post("/usage/increment", {}, idempotency_key="y")
        assert ok.json()["daily_used"] == 11

"""A process is killed with SIGKILL in the middle of an act: nothing is lost, nothing is half."""

import json
from typing import Any

import pytest

from billing.models import CreditHold, Usage
from tests.asserts import stored
from tests.billing.books import account, drift
from tests.client import ApiClient
from tests.processes import child

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = {"transactions": [{"type": "deduct", "amount": 1}] * 20}
ACTS: dict[str, tuple[str, Any, int]] = {
    "charge": ("/credits/transactions", {"type": "deduct", "amount": 20}, 30),
    "batch": ("/credits/transactions/batch", BATCH, 30),
    "hold": ("/credits/holds", {"amount": 20}, 50),
    "capture": ("/credits/holds/{hold}/capture", {"amount": 4}, 46),
    "refund": ("/credits/transactions/{charge}/refund", {"amount": 1}, 51),
}


def killed(key: str, path: str, body: Any, when: str) -> None:
    """The request is written by a process that is killed before or after its commit."""
    crashing = child("tests.billing.crasher", key, path, json.dumps(body), when)
    assert crashing.stdout
    status = crashing.stdout.readline()
    crashing.kill()
    crashing.communicate()
    assert status in ("200\n", "201\n")


@pytest.fixture
def ann(key: str) -> ApiClient:
    """Ann has 50 credits, after a charge and with a hold of 10."""
    client = ApiClient(key, "ann")
    client.post("/credits/transactions", {"type": "grant", "amount": 5})
    return client


@pytest.fixture
def ids(ann: ApiClient) -> dict[str, str]:
    charge = ann.post("/credits/transactions", {"type": "deduct", "amount": 5}).json()
    return {"charge": charge["id"], "hold": ann.post("/credits/holds", {"amount": 10}).json()["id"]}


@pytest.mark.parametrize("act", ACTS)
class TestAKill:
    def test_before_the_commit_leaves_nothing(
        self, key: str, ann: ApiClient, ids: dict[str, str], act: str
    ) -> None:
        path, body, balance = ACTS[act]
        path = path.format(**ids)
        before = stored()

        killed(key, path, body, "before")

        assert stored() == before
        assert drift() == []
        retried = ann.post(path, body, idempotency_key="k")
        assert retried.status_code in (200, 201)
        assert "Idempotency-Replayed" not in retried
        assert account().balance == balance
        assert drift() == []

    def test_after_the_commit_leaves_the_whole_act(
        self, key: str, ann: ApiClient, ids: dict[str, str], act: str
    ) -> None:
        path, body, balance = ACTS[act]
        path = path.format(**ids)

        killed(key, path, body, "after")

        after = stored()
        assert account().balance == balance
        assert drift() == []
        retried = ann.post(path, body, idempotency_key="k")
        assert retried["Idempotency-Replayed"] == "true"
        assert stored() == after


class TestAKillBetweenHoldAndCapture:
    def test_leaves_the_hold_to_a_retry(self, key: str, ann: ApiClient) -> None:
        killed(key, "/credits/holds", {"amount": 20}, "after")
        assert (account().balance, account().held) == (50 + 5, 20)

        hold = ann.post("/credits/holds", {"amount": 20}, idempotency_key="k").json()["id"]
        captured = ann.post(f"/credits/holds/{hold}/capture", {"amount": 3})

        assert captured.json()["transaction"]["balance_after"] == 52
        assert CreditHold.objects.count() == 1
        assert drift() == []


class TestAKillOfACount:
    @pytest.mark.parametrize(("when", "counted"), [("before", 0), ("after", 2)])
    def test_counts_once_in_the_end(
        self, key: str, ann: ApiClient, when: str, counted: int
    ) -> None:
        ann.get("/usage")

        killed(key, "/usage/increment", {"amount": 2}, when)

        assert Usage.objects.get().daily_used == counted
        ann.post("/usage/increment", {"amount": 2}, idempotency_key="k")
        assert Usage.objects.get().daily_used == 2

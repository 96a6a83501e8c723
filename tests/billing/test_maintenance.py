import datetime

import pytest
from django.core.management import call_command
from django.utils import timezone

from billing.models import CreditHold, Usage, UsageIncrement
from billing.services import accounts
from operations.models import MaintenanceRun
from tests.asserts import assert_problem
from tests.billing import books
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)


def maintain(task: str) -> int:
    """How many items were tidied."""
    call_command("maintain", "--task", task)
    return MaintenanceRun.objects.get().items


class TestHolds:
    def test_past_their_time_end_as_expired(self) -> None:
        now = timezone.now()
        for user_id in ("ann", "bob"):
            books.open_account(user_id, at=now - DAY)
            books.hold(5, user_id=user_id, ttl_seconds=86_400, at=now - DAY / 2)
            for _ in range(2):
                books.hold(3, user_id=user_id, ttl_seconds=60, at=now - DAY / 2)

        assert maintain("billing.holds") == 4

        states = CreditHold.objects.order_by("amount").values_list("state", flat=True)
        assert list(states) == ["expired"] * 4 + ["open"] * 2
        assert [books.account(user_id).held for user_id in ("ann", "bob")] == [5, 5]
        assert books.drift() == []

    def test_are_ended_within_the_limit(self) -> None:
        now = timezone.now()
        for number in range(5):
            books.open_account(f"p{number}", at=now - DAY)
            books.hold(1, user_id=f"p{number}", ttl_seconds=60, at=now - DAY)

        assert accounts.expire_all_holds(at=now, limit=3) == 3
        assert CreditHold.objects.overdue(at=now).count() == 2

    def test_that_ended_otherwise_are_left(self) -> None:
        now = timezone.now()
        books.open_account(at=now - DAY)
        books.release(books.hold(3, ttl_seconds=60, at=now - DAY), at=now - DAY)

        assert maintain("billing.holds") == 0
        assert CreditHold.objects.get().state == "released"


class TestKeysOfCountedCalls:
    def test_are_forgotten_after_30_days(self, person: ApiClient) -> None:
        for key in ("old", "new"):
            person.post("/usage/increment", {}, idempotency_key=key)
        moment = timezone.now()
        UsageIncrement.objects.filter(idempotency_key="old").update(created_at=moment - 31 * DAY)
        UsageIncrement.objects.filter(idempotency_key="new").update(created_at=moment - 29 * DAY)

        assert maintain("billing.increments") == 1

        assert UsageIncrement.objects.get().idempotency_key == "new"
        assert Usage.objects.get().total_queries == 2  # what was counted stays counted

    def test_replay_until_then(self, person: ApiClient) -> None:
        person.post("/usage/increment", {}, idempotency_key="k")
        maintain("billing.increments")

        again = person.post("/usage/increment", {}, idempotency_key="k")
        other = person.post("/usage/increment", {"amount": 2}, idempotency_key="k")

        assert again["Idempotency-Replayed"] == "true"
        assert_problem(other, 422, "idempotency_key_reused")
        assert Usage.objects.get().total_queries == 1

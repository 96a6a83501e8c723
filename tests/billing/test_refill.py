"""The balance is filled up at a look, from an interval after the last time."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from billing import reports
from billing.errors import InsufficientCredits
from billing.models import CreditAccount, CreditTransaction
from billing.services import accounts
from common.errors import NotFound
from tests.asserts import assert_statements, stored
from tests.billing import books
from tests.billing.books import DAY, HOUR, MOMENT, account, drift, entries
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

LATER = MOMENT + DAY
TICK = datetime.timedelta(microseconds=1)


def available(at: datetime.datetime) -> int:
    return reports.credit_status("ann", tier=None, at=at).available_credits


class TestTheStatus:
    def test_opens_the_account(self, person: ApiClient) -> None:
        status = person.get("/credits").json()

        opened = account()
        assert status == {
            "user_id": "ann",
            "tier": "free",
            "available_credits": 50,
            "held_credits": 0,
            "max_credits": 50,
            "is_guest": False,
            "can_reset": True,
            "next_reset_time": status["next_reset_time"],
        }
        next_time = datetime.datetime.fromisoformat(status["next_reset_time"])
        assert status["next_reset_time"].endswith("Z")
        assert next_time == opened.last_refill_at + DAY
        assert CreditTransaction.objects.get().type == "allocate"

    def test_says_that_a_guest_is_never_refilled(self, person: ApiClient) -> None:
        status = person.get("/credits", x_user_tier="guest").json()

        assert (status["is_guest"], status["can_reset"]) == (True, False)
        assert status["next_reset_time"] is None
        assert (status["available_credits"], status["max_credits"]) == (10, 10)

    def test_writes_nothing_afterwards(self, person: ApiClient) -> None:
        answer = person.get("/credits")
        before = stored()

        assert person.get("/credits").json() == answer.json()
        assert answer["X-Credits-Available"] == "50"
        assert stored() == before

    def test_counts_a_due_refill_without_writing_it(self, person: ApiClient) -> None:
        books.open_account(at=timezone.now() - 2 * DAY)
        books.charge(40, at=timezone.now() - 2 * DAY)
        before = stored()

        status = person.get("/credits").json()

        assert status["available_credits"] == 50
        next_time = datetime.datetime.fromisoformat(status["next_reset_time"])
        assert next_time > timezone.now() + DAY - HOUR
        assert stored() == before

    def test_counts_holds_beside_a_due_refill(self) -> None:
        books.open_account()
        books.charge(40)
        books.hold(10, ttl_seconds=86_400, at=MOMENT + HOUR)

        assert available(LATER - TICK) == 0
        assert available(LATER) == 40

    def test_is_each_persons_own(self, person: ApiClient, stranger: ApiClient) -> None:
        person.post("/credits/transactions", {"type": "deduct", "amount": 20})

        assert stranger.get("/credits").json()["available_credits"] == 50


class TestARefill:
    def test_is_due_from_24_hours_after_the_last(self) -> None:
        books.open_account()
        books.charge(50)
        with pytest.raises(InsufficientCredits):
            books.charge(1, at=LATER - TICK)

        books.charge(50, at=LATER)

        assert entries()[2:] == [("reset", 50, 50), ("deduct", -50, 0)]
        assert account().last_refill_at == LATER
        with pytest.raises(InsufficientCredits):
            books.charge(1, at=LATER + DAY - TICK)

    def test_is_what_the_originals_form_of_the_refusal_waits_for(self, settings: Any) -> None:
        settings.CREDITS_EXHAUSTED_STATUS = 429
        books.open_account()
        books.charge(50)

        with pytest.raises(InsufficientCredits) as refusal:
            books.charge(1, at=LATER - datetime.timedelta(minutes=1))

        told = refusal.value.as_answered()
        assert (told.code, told.status) == ("credits_exhausted", 429)
        assert told.headers == {"Retry-After": "61"}

    def test_comes_once_for_many_days(self) -> None:
        books.open_account()
        books.charge(50)

        books.charge(1, at=MOMENT + 30 * DAY)

        assert account().balance == 49
        assert account().next_refill_at == MOMENT + 31 * DAY

    def test_of_nothing_moves_only_the_time(self) -> None:
        # Defect 2 of the original: a full balance after 24 hours was an error on every call.
        books.open_account()

        accounts.settle(user_id="ann", at=LATER)

        assert entries() == [("allocate", 50, 50)]
        assert account().last_refill_at == LATER
        assert available(LATER) == 50

    def test_of_a_full_balance_lets_a_charge_pass(self) -> None:
        books.open_account()

        books.charge(1, at=LATER)

        assert entries() == [("allocate", 50, 50), ("deduct", -1, 49)]

    def test_leaves_purchased_credits(self) -> None:
        books.open_account()
        books.add("purchase", 100)

        books.charge(1, at=LATER)

        assert account().balance == 149
        assert [row[0] for row in entries()] == ["allocate", "purchase", "deduct"]

    def test_comes_before_a_grant_and_a_refund(self) -> None:
        books.open_account()
        charged = books.charge(50)

        books.add("grant", 7, at=LATER)
        books.refund(charged, 3, at=LATER + DAY)

        types = [(type_, amount) for type_, amount, _ in entries()[2:]]
        assert types == [("reset", 50), ("grant", 7), ("refund", 3)]
        assert account().balance == 60

    def test_comes_before_a_batch_and_a_hold(self) -> None:
        books.open_account()
        books.charge(50)

        books.add_batch([("deduct", -30)], at=LATER)
        books.hold(50, at=LATER + DAY)

        assert [row[0] for row in entries()[2:]] == ["reset", "deduct", "reset"]
        assert drift() == []

    def test_comes_with_a_capture(self) -> None:
        books.open_account()
        held = books.hold(30, ttl_seconds=86_400, at=MOMENT + HOUR)
        books.charge(20, at=MOMENT + HOUR)

        books.capture(held, at=LATER)

        assert entries()[2:] == [("reset", 20, 50), ("deduct", -30, 20)]

    def test_is_never_a_guests(self) -> None:
        books.open_account(tier="guest")
        books.charge(10)

        with pytest.raises(InsufficientCredits):
            books.charge(1, at=MOMENT + 1000 * DAY)
        assert entries() == [("allocate", 10, 10), ("deduct", -10, 0)]

    def test_is_written_by_nobody_in_particular(self) -> None:
        books.open_account()
        books.charge(1, at=MOMENT)

        accounts.settle(user_id="ann", at=LATER)

        entry = CreditTransaction.objects.get(type="reset")
        assert (entry.actor, entry.amount, entry.created_at) == ("system", 1, LATER)
        assert entry.idempotency_key is None

    def test_does_not_come_when_the_clock_steps_back(self) -> None:
        books.open_account(at=LATER)
        books.charge(50, at=LATER)

        with pytest.raises(InsufficientCredits):
            books.charge(1, at=MOMENT)

    def test_does_not_thaw_an_account(self) -> None:
        books.open_account()
        accounts.freeze_account(user_id="ann", actor="staff:dana", reason="a case", at=MOMENT)

        assert accounts.settle(user_id="ann", at=LATER) is True
        assert account().frozen_at == MOMENT


class TestAChangeOfTier:
    def change(self, tier: str, at: datetime.datetime = MOMENT) -> None:
        accounts.change_usage(
            user_id="ann", changes={"tier": tier}, reason="r", actor="staff:eve", at=at
        )

    def test_leaves_the_balance_to_the_next_refill(self) -> None:
        books.open_account(tier="guest")
        books.charge(4)

        self.change("free")

        assert (account().balance, account().max_credits, account().is_guest) == (6, 50, False)
        assert account().next_refill_at == LATER
        assert available(LATER) == 50

    def test_ends_refills_for_a_guest(self) -> None:
        books.open_account()

        self.change("guest")

        assert (account().next_refill_at, account().max_credits) == (None, 10)
        assert account().balance == 50

    def test_opens_the_account_with_the_new_tier(self) -> None:
        self.change("guest")

        assert entries() == [("allocate", 10, 10)]


class TestAnUnknownPerson:
    @pytest.mark.parametrize("days", range(2))
    def test_is_settled_without_a_trace(self, days: int) -> None:
        with assert_statements(2):
            assert accounts.settle(user_id="ann", at=MOMENT + days * DAY) is False

        assert not CreditAccount.objects.exists()

    def test_cannot_be_frozen(self) -> None:
        acts: list[Any] = [
            lambda: accounts.freeze_account(
                user_id="ann", actor="staff:dana", reason="a case", at=MOMENT
            ),
            lambda: accounts.unfreeze_account(user_id="ann"),
        ]
        for act in acts:
            with pytest.raises(NotFound):
                act()

import datetime
import uuid
from typing import Any

import pytest
from django.utils import timezone

from billing.errors import HoldResolved, InsufficientCredits
from billing.models import CreditAccount, CreditHold
from tests.asserts import assert_problem, stored
from tests.billing import books
from tests.billing.books import MOMENT, account, drift, entries
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

FIELDS = {"id", "amount", "captured_amount", "state", "expires_at", "created_at"}
END = MOMENT + datetime.timedelta(seconds=300)
JUST_BEFORE = END - datetime.timedelta(microseconds=1)


@pytest.fixture
def hold(person: ApiClient) -> str:
    """The path of a hold of 20."""
    return f"/credits/holds/{person.post('/credits/holds', {'amount': 20}).json()['id']}"


class TestPlacing:
    def test_sets_credits_aside(self, person: ApiClient) -> None:
        answer = person.post("/credits/holds", {"amount": 20, "description": "An answer"})

        hold = answer.json()
        assert answer.status_code == 201
        assert set(hold) == FIELDS
        assert (hold["amount"], hold["captured_amount"], hold["state"]) == (20, 0, "open")
        begun, ends = (
            datetime.datetime.fromisoformat(hold[name]) for name in ("created_at", "expires_at")
        )
        assert ends - begun == datetime.timedelta(seconds=300)
        status = person.get("/credits").json()
        assert (status["available_credits"], status["held_credits"]) == (30, 20)
        assert (account().balance, account().held) == (50, 20)

    def test_is_refused_beyond_what_is_free(self, person: ApiClient, hold: str) -> None:
        before = stored()

        problem = assert_problem(
            person.post("/credits/holds", {"amount": 31}), 402, "insufficient_credits"
        )

        assert (problem["needed"], problem["available"], problem["held"]) == (31, 30, 20)
        assert stored() == before

    @pytest.mark.parametrize("ttl", [1, 86_400])
    def test_takes_a_time_to_live(self, person: ApiClient, ttl: int) -> None:
        hold = person.post("/credits/holds", {"amount": 1, "ttl_seconds": ttl}).json()

        ends = datetime.datetime.fromisoformat(hold["expires_at"])
        assert ends - timezone.now() <= datetime.timedelta(seconds=ttl)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "amount"),
            *[({"amount": amount}, "amount") for amount in (0, -1, "1", 1.0, None, 10**15 + 1)],
            *[({"amount": 1, "ttl_seconds": ttl}, "ttl_seconds") for ttl in (0, -1, 86_401, "9")],
            ({"amount": 1, "ttl_seconds": None}, "ttl_seconds"),
            ({"amount": 1, "description": 5}, "description"),
            ({"amount": 1, "state": "captured"}, "state"),
        ],
    )
    def test_of_another_shape_is_refused(self, person: ApiClient, body: Any, field: str) -> None:
        problem = assert_problem(person.post("/credits/holds", body), 400, "invalid_request")

        assert list(problem["errors"]) == [field]
        assert not CreditAccount.objects.exists()


class TestCapturing:
    def test_takes_all(self, person: ApiClient, hold: str) -> None:
        answer = person.post(f"{hold}/capture", {})

        captured = answer.json()
        assert answer.status_code == 200
        assert set(captured) == {"hold", "transaction"}
        assert set(captured["hold"]) == FIELDS
        assert (captured["hold"]["state"], captured["hold"]["captured_amount"]) == ("captured", 20)
        taken = captured["transaction"]
        assert (taken["type"], taken["amount"], taken["balance_after"]) == ("deduct", -20, 30)
        assert taken["hold"] == captured["hold"]["id"]
        assert (account().balance, account().held) == (30, 0)

    def test_needs_no_body(self, person: ApiClient, hold: str) -> None:
        assert person.post(f"{hold}/capture").json()["hold"]["captured_amount"] == 20

    def test_of_a_part_sets_the_rest_free(self, person: ApiClient, hold: str) -> None:
        captured = person.post(f"{hold}/capture", {"amount": 1}).json()

        assert (captured["hold"]["amount"], captured["hold"]["captured_amount"]) == (20, 1)
        assert person.post("/credits/holds", {"amount": 49}).status_code == 201

    def test_of_more_is_refused(self, person: ApiClient, hold: str) -> None:
        before = stored()

        problem = assert_problem(
            person.post(f"{hold}/capture", {"amount": 21}), 422, "capture_exceeds_hold"
        )

        assert problem["held"] == 20
        assert stored() == before

    def test_may_empty_the_account(self, person: ApiClient) -> None:
        hold = person.post("/credits/holds", {"amount": 50}).json()["id"]

        assert person.post(f"/credits/holds/{hold}/capture", {}).status_code == 200
        assert account().balance == 0


class TestReleasing:
    def test_sets_credits_free(self, person: ApiClient, hold: str) -> None:
        answer = person.post(f"{hold}/release", {})

        assert answer.status_code == 200
        assert set(answer.json()) == FIELDS
        assert answer.json()["state"] == "released"
        assert person.get("/credits").json()["available_credits"] == 50
        assert entries() == [("allocate", 50, 50)]

    def test_takes_no_field(self, person: ApiClient, hold: str) -> None:
        assert_problem(person.post(f"{hold}/release", {"amount": 1}), 400, "invalid_request")
        assert CreditHold.objects.get().state == "open"


class TestAResolvedHold:
    @pytest.mark.parametrize("first", ["capture", "release"])
    @pytest.mark.parametrize("then", ["capture", "release"])
    def test_stays_as_it_is(self, person: ApiClient, hold: str, first: str, then: str) -> None:
        state = person.post(f"{hold}/{first}", {}).json().get("state", "captured")
        before = stored()

        problem = assert_problem(person.post(f"{hold}/{then}", {}), 409, "hold_resolved")

        assert problem["state"] == state
        assert stored() == before


class TestAnotherPersonsHold:
    @pytest.mark.parametrize("act", ["capture", "release"])
    def test_is_not_found(self, stranger: ApiClient, hold: str, act: str) -> None:
        stranger.get("/credits")
        before = stored()

        assert_problem(stranger.post(f"{hold}/{act}", {}), 404, "not_found")
        assert stored() == before

    @pytest.mark.parametrize("act", ["capture", "release"])
    def test_does_not_differ_from_none(self, person: ApiClient, act: str) -> None:
        for name in (uuid.uuid4(), "nonsense", 1):
            answer = person.post(f"/credits/holds/{name}/{act}", {})
            assert_problem(answer, 404, "not_found")


class TestTheExpiry:
    def test_is_at_the_very_moment(self) -> None:
        books.open_account()
        early, late = books.hold(20), books.hold(20)

        assert books.capture(early, at=JUST_BEFORE).hold.state == "captured"
        with pytest.raises(HoldResolved) as refusal:
            books.capture(late, at=END)
        assert refusal.value.details == {"state": "expired"}
        assert account().balance == 30

    def test_ends_releasing_too(self) -> None:
        books.open_account()
        held = books.hold(20)

        with pytest.raises(HoldResolved) as refusal:
            books.release(held, at=END)
        assert refusal.value.details == {"state": "expired"}

    def test_sets_credits_free_for_a_charge(self) -> None:
        books.open_account()
        books.hold(50)
        with pytest.raises(InsufficientCredits):
            books.charge(1, at=JUST_BEFORE)

        books.charge(50, at=END)

        assert CreditHold.objects.get().state == "expired"
        assert drift() == []

    def test_sets_credits_free_for_a_hold_and_a_batch(self) -> None:
        books.open_account()
        books.hold(50)
        books.hold(50, at=END)

        books.add_batch([("deduct", -50)], at=END + datetime.timedelta(seconds=300))

        assert account().balance == 0
        assert drift() == []

    def test_is_settled_before_a_refusal(self) -> None:
        books.open_account()
        books.hold(30)

        with pytest.raises(InsufficientCredits) as refusal:
            books.charge(51, at=END)

        assert refusal.value.details == {"needed": 51, "available": 50, "held": 0}
        assert CreditHold.objects.get().state == "expired"
        assert account().held == 0

    def test_leaves_others_alone(self) -> None:
        books.open_account()
        books.hold(20)
        longer = books.hold(20, ttl_seconds=301)

        with pytest.raises(InsufficientCredits) as refusal:
            books.charge(31, at=END)

        assert refusal.value.details == {"needed": 31, "available": 30, "held": 20}
        assert books.capture(longer, at=END).hold.state == "captured"
        assert drift() == []

    def test_is_seen_without_a_job(self, person: ApiClient) -> None:
        books.open_account(at=timezone.now())
        hold = books.hold(20, at=timezone.now() - datetime.timedelta(seconds=300))
        before = stored()

        status = person.get("/credits").json()
        answer = person.post(f"/credits/holds/{hold.uid}/capture", {})

        assert (status["available_credits"], status["held_credits"]) == (50, 0)
        assert assert_problem(answer, 409, "hold_resolved")["state"] == "expired"
        assert stored() == before

"""Refills and expiries that many meet at once: each is done once, and exactly one side wins."""

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from billing.models import CreditHold
from billing.services import accounts
from common.errors import DomainError
from tests.billing import books
from tests.billing.books import DAY, MOMENT, account, drift, entries
from tests.processes import CLIENTS, at_once

pytestmark = pytest.mark.django_db(transaction=True)

END = MOMENT + datetime.timedelta(seconds=300)
BEFORE = END - datetime.timedelta(microseconds=1)


def outcome(act: Callable[[], Any]) -> str:
    try:
        act()
    except DomainError as error:
        return error.code
    return "done"


class TestADueRefill:
    def test_comes_once_for_16_charges(self) -> None:
        books.open_account()
        books.charge(50)

        outcomes = at_once(lambda _: outcome(lambda: books.charge(5, at=MOMENT + DAY)))

        assert Counter(outcomes) == {"done": 10, "insufficient_credits": CLIENTS - 10}
        assert [row[0] for row in entries()].count("reset") == 1
        assert (account().balance, drift()) == (0, [])

    def test_comes_once_for_charges_holds_grants_and_batches(self) -> None:
        books.open_account()
        books.charge(50)
        at = MOMENT + DAY
        acts: list[Callable[[], Any]] = [
            lambda: books.charge(1, at=at),
            lambda: books.hold(1, at=at),
            lambda: books.add("grant", 1, at=at),
            lambda: books.add_batch([("deduct", -1)], at=at),
        ]

        outcomes = at_once(lambda number: outcome(acts[number % 4]))

        assert outcomes == ["done"] * CLIENTS
        assert entries()[2][0] == "reset"
        assert [row[0] for row in entries()].count("reset") == 1
        assert (account().balance, account().held, drift()) == (50 + 4 - 8, 4, [])


class TestAnExpiry:
    def test_sets_the_credits_free_once(self) -> None:
        books.open_account()
        for _ in range(5):
            books.hold(10)

        outcomes = at_once(lambda _: outcome(lambda: books.charge(7, at=END)))

        assert Counter(outcomes) == {"done": 7, "insufficient_credits": CLIENTS - 7}
        assert set(CreditHold.objects.values_list("state", flat=True)) == {"expired"}
        assert drift() == []

    def test_against_a_capture_lets_one_win(self) -> None:
        # Clocks differ: half of the clients are past the end, half just before it.
        for turn in range(6):
            person = f"person {turn}"
            books.open_account(person)
            held = books.hold(50, user_id=person)

            def act(number: int, held: CreditHold = held, person: str = person) -> str:
                if number % 2:
                    return outcome(lambda: books.capture(held, user_id=person, at=BEFORE))
                return outcome(lambda: books.charge(50, user_id=person, at=END))

            outcomes = at_once(act)

            assert outcomes.count("done") == 1
            state = CreditHold.objects.get(person__user_id=person).state
            assert state == ("captured" if "done" in outcomes[1::2] else "expired")
            assert account(person).balance == 0
        assert drift() == []

    def test_among_everything_else_leaves_no_drift(self) -> None:
        books.open_account()
        books.add("purchase", 500)
        charge = books.charge(30)
        holds = [books.hold(5, ttl_seconds=300 + number) for number in range(CLIENTS)]

        def act(number: int) -> list[str]:
            mine, next_ = holds[number], holds[(number + 1) % CLIENTS]
            times = [BEFORE, END + datetime.timedelta(seconds=number), END + DAY]
            found = []
            for at in times:
                found += [
                    outcome(lambda at=at: books.capture(mine, 2, at=at)),
                    outcome(lambda at=at: books.release(next_, at=at)),
                    outcome(lambda at=at: books.charge(9, at=at)),
                    outcome(lambda at=at: books.hold(20, ttl_seconds=1, at=at)),
                    outcome(lambda at=at: books.refund(charge, 1, at=at)),
                    outcome(lambda at=at: books.add_batch([("deduct", -3)] * 3, at=at)),
                ]
            return found

        seen = Counter(sum(at_once(act), []))

        assert set(seen) <= {
            "done", "hold_resolved", "insufficient_credits", "refund_exceeds_original",
        }  # fmt: skip
        assert [row[0] for row in entries()].count("reset") <= 2
        assert drift() == []


class TestAChangeOfTier:
    def test_among_charges_and_refills_leaves_no_drift(self) -> None:
        books.open_account()
        at = MOMENT + DAY

        def change(tier: str) -> None:
            accounts.change_usage(
                user_id="ann", changes={"tier": tier}, reason="r", actor="staff:eve", at=at
            )

        acts: list[Callable[[], Any]] = [
            lambda: books.charge(3, at=at),
            lambda: change("pro"),
            lambda: books.hold(3, at=at),
            lambda: change("free"),
        ]

        outcomes = at_once(lambda number: outcome(acts[number % 4]))

        assert outcomes == ["done"] * CLIENTS
        assert (account().balance, account().held, drift()) == (38, 12, [])

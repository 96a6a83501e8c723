"""Any order of acts gives what tests/billing/model.py says, after every step, on both engines."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from billing import reports
from billing.models import CreditHold, CreditTransaction, Tier
from billing.services import accounts
from common.errors import DomainError
from common.idempotency import RequestKey
from tests.billing import books
from tests.billing.model import Book, Refused

AMOUNTS = st.integers(1, 30)
SOME = st.none() | st.integers(1, 12)
KEYS = st.none() | st.none() | st.sampled_from(["k1", "k2", "k3", "k4", "k5"])
NUMBER = st.integers(0, 50)
PERSON = "ann"


class Ledger(RuleBasedStateMachine):
    """The services and the model do the same; a rule's answer and the books are compared."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.at = books.MOMENT
        books.open_account(PERSON, at=self.at)
        self.book = Book.opened("free", self.at)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def both(
        self,
        key: str | None,
        body: Any,
        real: Callable[[RequestKey], Any],
        model: Callable[[], Any],
    ) -> None:
        """The act is done on both sides; a key that stands is replayed, or refused as reused."""
        expected, given = "done", "done"
        standing = self.book.done.get(key) if key else None
        if standing is not None:
            expected = "done" if standing[0] == body else "idempotency_key_reused"
        else:
            try:
                number = model()
                if key:
                    self.book.done[key] = (body, number)
            except Refused as refusal:
                expected = refusal.code
        try:
            real(RequestKey(key, repr(body)))
        except DomainError as error:
            given = error.code
        assert given == expected

    def entry(self, number: int) -> CreditTransaction:
        return CreditTransaction.objects.get(person__user_id=PERSON, sequence=number + 1)

    def nth_hold(self, number: int) -> CreditHold:
        return CreditHold.objects.filter(person__user_id=PERSON).order_by("pk")[number]

    @rule(
        kind=st.sampled_from(["deduct", "deduct", "deduct", "grant", "purchase", "adjustment"]),
        amount=AMOUNTS,
        less=st.booleans(),
        key=KEYS,
    )
    def add(self, kind: str, amount: int, less: bool, key: str | None) -> None:
        signed = -amount if kind == "deduct" or (kind == "adjustment" and less) else amount
        self.both(
            key,
            ("add", kind, signed),
            lambda request: books.add(kind, signed, at=self.at, key=request),
            lambda: self.book.add(kind, signed, self.at),
        )

    @rule(amounts=st.lists(st.integers(-20, 20).filter(bool), min_size=1, max_size=5))
    def batch(self, amounts: list[int]) -> None:
        items = [("grant" if amount > 0 else "deduct", amount) for amount in amounts]
        self.both(
            None,
            items,
            lambda request: books.add_batch(items, at=self.at),
            lambda: self.book.add_all(items, self.at),
        )

    @rule(number=NUMBER, amount=SOME, key=KEYS, any_entry=st.booleans())
    def refund(self, number: int, amount: int | None, key: str | None, any_entry: bool) -> None:
        charges = [index for index, (type_, _) in enumerate(self.book.entries) if type_ == "deduct"]
        # The latest ones, again and again: so that parts add up to the whole.
        choice = charges[-2:] if charges and not any_entry else range(len(self.book.entries))
        number = choice[number % len(choice)]
        original = self.entry(number)
        self.both(
            key,
            ("refund", number, amount),
            lambda request: books.refund(original, amount, at=self.at, key=request),
            lambda: self.book.refund(number, amount, self.at),
        )

    @rule(amount=AMOUNTS, seconds=st.sampled_from([1, 60, 7200]))
    def hold(self, amount: int, seconds: int) -> None:
        expires_at = self.at + datetime.timedelta(seconds=seconds)
        self.both(
            None,
            ("hold", amount, seconds),
            lambda request: books.hold(amount, ttl_seconds=seconds, at=self.at),
            lambda: self.book.hold(amount, expires_at, self.at),
        )

    @precondition(lambda self: self.book.holds)
    @rule(number=NUMBER, amount=SOME, key=KEYS)
    def capture(self, number: int, amount: int | None, key: str | None) -> None:
        number %= len(self.book.holds)
        held = self.nth_hold(number)
        self.both(
            key,
            ("capture", number, amount),
            lambda request: books.capture(held, amount, at=self.at, key=request),
            lambda: self.book.capture(number, amount, self.at),
        )

    @precondition(lambda self: self.book.holds)
    @rule(number=NUMBER)
    def release(self, number: int) -> None:
        number %= len(self.book.holds)
        held = self.nth_hold(number)
        self.both(
            None,
            "release",
            lambda request: books.release(held, at=self.at),
            lambda: self.book.release(number, self.at),
        )

    @rule(tier=st.sampled_from(["guest", "free", "pro", "small"]))
    def change_tier(self, tier: str) -> None:
        accounts.change_usage(
            user_id=PERSON, changes={"tier": tier}, reason="a wish", actor="staff:eve", at=self.at
        )
        self.book.change_tier(tier)

    @rule(seconds=st.sampled_from([1, 59, 60, 3600, 7200, 86_399, 86_400]))
    def move_the_clock(self, seconds: int) -> None:
        self.at += datetime.timedelta(seconds=seconds)

    @rule()
    def settle(self) -> None:
        accounts.settle(user_id=PERSON, at=self.at)
        self.book.refill(self.at)

    @invariant()
    def the_ledger_is_the_models(self) -> None:
        steps, balance = [], 0
        for type_, amount in self.book.entries:
            balance += amount
            steps.append((type_, amount, balance))
        assert books.entries(PERSON) == steps
        assert books.account(PERSON).balance == balance

    @invariant()
    def the_holds_are_the_models(self) -> None:
        rows = CreditHold.objects.filter(person__user_id=PERSON).order_by("pk")
        expired = {"expired": "open"}
        real = [
            (row.amount, row.captured_amount, expired.get(row.state, row.state)) for row in rows
        ]
        assert real == [(one.amount, one.captured, one.state) for one in self.book.holds]
        ended = {row.expires_at <= self.at for row in rows if row.state == "expired"}
        assert ended <= {True}

    @invariant()
    def the_status_is_the_models(self) -> None:
        status = reports.credit_status(PERSON, tier=None, at=self.at)
        assert status.available_credits == self.book.available(self.at)
        assert status.held_credits == self.book.held(self.at)
        assert status.can_reset == (self.book.interval is not None)

    @invariant()
    def the_books_are_right(self) -> None:
        assert books.drift() == []


@pytest.mark.django_db
def test_the_ledger_follows_the_model() -> None:
    Tier.objects.create(key="small", name="Small", credit_allowance=5, refill_interval_hours=1)
    bounded = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    run(Ledger, settings=bounded)

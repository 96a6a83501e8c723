"""1,000 commands from one seed give the same ledger on both engines: the digest that stands here.

A change of the rules changes the digest: look at the ledger first, then write down the new one.
"""

import datetime
import hashlib
import json
import random
from typing import Any

import pytest

from billing.models import CreditHold, CreditTransaction
from billing.services import accounts
from common.errors import DomainError
from tests.billing import books
from tests.billing.books import drift, keyed

pytestmark = pytest.mark.django_db

SEED = 20_261_121
COMMANDS = 1000
PERSONS = ("ann", "bob", "eve")
GOLDEN = "de973f445c2747f68f6c3d2fc92b8ea7f6b4534c7de7678152f724a280f55182"


class Commands:
    """Draws commands and runs them; what was refused is part of the record."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.at = books.MOMENT
        self.refusals: list[str] = []
        self.charges: list[CreditTransaction] = []
        self.holds: list[CreditHold] = []

    def run(self, times: int) -> None:
        acts = [self.charge] * 4 + [self.bring, self.batch, self.hold, self.hold, self.capture]
        acts += [self.release, self.refund, self.refund, self.wait, self.wait, self.tier]
        for _ in range(times):
            try:
                self.draw.choice(acts)()
            except DomainError as error:
                details = {k: v for k, v in error.details.items() if k != "resets_at"}
                self.refusals.append(f"{error.code} {json.dumps(details, sort_keys=True)}")

    def person(self) -> str:
        return self.draw.choice(PERSONS)

    def amount(self) -> int:
        return self.draw.randint(1, 25)

    def key(self, *body: Any) -> Any:
        name = f"k{self.draw.randint(0, 60)}"
        digest = hashlib.sha256(repr(body).encode()).hexdigest()
        return keyed(name, digest) if self.draw.random() < 0.4 else books.NO_KEY

    def charge(self) -> None:
        amount, person = self.amount(), self.person()
        self.charges.append(
            books.charge(amount, user_id=person, at=self.at, key=self.key("charge", amount))
        )

    def bring(self) -> None:
        type_ = self.draw.choice(["grant", "purchase", "adjustment"])
        amount, person = self.amount(), self.person()
        books.add(type_, amount, user_id=person, at=self.at, key=self.key(type_, amount))

    def batch(self) -> None:
        signed = [self.draw.choice([-1, -1, 1]) * self.amount() for _ in range(4)]
        items = [("deduct" if amount < 0 else "grant", amount) for amount in signed]
        books.add_batch(items, user_id=self.person(), at=self.at, key=self.key(items))

    def hold(self) -> None:
        amount, seconds = self.amount(), self.draw.choice([1, 600, 86_400])
        person = self.person()
        key = self.key("hold", amount, seconds)
        self.holds.append(
            books.hold(amount, user_id=person, ttl_seconds=seconds, at=self.at, key=key)
        )

    def capture(self) -> None:
        if self.holds:
            held = self.draw.choice(self.holds)
            amount = self.draw.choice([None, 1, 12, 24])
            books.capture(held, amount, user_id=books.name_of(held), at=self.at)

    def release(self) -> None:
        if self.holds:
            held = self.draw.choice(self.holds)
            books.release(held, user_id=books.name_of(held), at=self.at)

    def refund(self) -> None:
        if self.charges:
            charge = self.draw.choice(self.charges[-20:])
            amount = self.draw.choice([None, 1, 5])
            books.refund(charge, amount, user_id=books.name_of(charge), at=self.at)

    def wait(self) -> None:
        self.at += datetime.timedelta(seconds=self.draw.choice([1, 600, 3600, 40_000]))

    def tier(self) -> None:
        accounts.change_usage(
            user_id=self.person(),
            changes={"tier": self.draw.choice(["guest", "free", "pro"])},
            reason="r",
            actor="staff:eve",
            at=self.at,
        )

    def record(self) -> dict[str, Any]:
        """Everything but ids and times."""
        order = ("person__user_id", "sequence")
        columns = (*order, "type", "amount", "balance_after", "description", "idempotency_key")
        hold_columns = ("person__user_id", "amount", "captured_amount", "state", "idempotency_key")
        return {
            "entries": list(CreditTransaction.objects.order_by(*order).values_list(*columns)),
            "holds": list(CreditHold.objects.order_by("pk").values_list(*hold_columns)),
            "refusals": self.refusals,
        }


def test_the_same_commands_give_the_same_ledger() -> None:
    commands = Commands(SEED)

    commands.run(COMMANDS)

    record = commands.record()
    assert drift() == []
    # The list is worth something: much passes, and every kind of refusal is met.
    assert len(record["entries"]) > 300
    assert {line.partition(" ")[0] for line in record["refusals"]} == {
        "capture_exceeds_hold",
        "hold_resolved",
        "idempotency_key_reused",
        "insufficient_credits",
        "refund_exceeds_original",
    }
    assert hashlib.sha256(json.dumps(record).encode()).hexdigest() == GOLDEN

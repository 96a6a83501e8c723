"""The ledger as a person would explain it, in dictionaries and integers: the state machine's guide.

Every act gives what it gives, or raises Refused with the code that the API would answer.
"""

import datetime
from dataclasses import dataclass, field

ALLOWANCE = {"guest": (10, None), "free": (50, 24), "pro": (50, 24), "small": (5, 1)}


class Refused(Exception):
    @property
    def code(self) -> str:
        return str(self.args[0])


@dataclass
class Hold:
    amount: int
    expires_at: datetime.datetime
    state: str = "open"
    captured: int = 0


@dataclass
class Book:
    """One person's account; `entries` are (type, amount)."""

    max_credits: int
    interval: int | None
    refilled_at: datetime.datetime
    entries: list[tuple[str, int]] = field(default_factory=list)
    refunded: dict[int, int] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    done: dict[str, tuple[object, object]] = field(default_factory=dict)

    @classmethod
    def opened(cls, tier: str, at: datetime.datetime) -> "Book":
        amount, interval = ALLOWANCE[tier]
        return cls(amount, interval, at, [("allocate", amount)])

    @property
    def balance(self) -> int:
        return sum(amount for _, amount in self.entries)

    def held(self, at: datetime.datetime) -> int:
        return sum(one.amount for one in self.holds if one.state == "open" and one.expires_at > at)

    def refill_is_due(self, at: datetime.datetime) -> bool:
        hours = self.interval
        return hours is not None and at >= self.refilled_at + datetime.timedelta(hours=hours)

    def available(self, at: datetime.datetime) -> int:
        due = self.refill_is_due(at)
        return (max(self.balance, self.max_credits) if due else self.balance) - self.held(at)

    def refill(self, at: datetime.datetime) -> None:
        if self.refill_is_due(at):
            missing = max(0, self.max_credits - self.balance)
            if missing:
                self.entries.append(("reset", missing))
            self.refilled_at = at

    def change_tier(self, tier: str) -> None:
        self.max_credits, self.interval = ALLOWANCE[tier]

    def add(self, type_: str, amount: int, at: datetime.datetime) -> int:
        """The number of the entry."""
        self.refill(at)
        if amount < 0 and self.available(at) < -amount:
            raise Refused("insufficient_credits")
        self.entries.append((type_, amount))
        return len(self.entries) - 1

    def add_all(self, items: list[tuple[str, int]], at: datetime.datetime) -> int:
        self.refill(at)
        free = self.available(at)
        for _, amount in items:
            free += amount
            if free < 0:
                raise Refused("insufficient_credits")
        self.entries += items
        return len(self.entries) - len(items)

    def refund(self, number: int, amount: int | None, at: datetime.datetime) -> int:
        type_, charged = self.entries[number]
        if type_ != "deduct":
            raise Refused("not_refundable")
        left = -charged - self.refunded.get(number, 0)
        wanted = left if amount is None else amount
        if not left or wanted > left:
            raise Refused("refund_exceeds_original")
        self.refill(at)
        self.refunded[number] = self.refunded.get(number, 0) + wanted
        self.entries.append(("refund", wanted))
        return len(self.entries) - 1

    def hold(self, amount: int, expires_at: datetime.datetime, at: datetime.datetime) -> int:
        """The number of the hold."""
        self.refill(at)
        if self.available(at) < amount:
            raise Refused("insufficient_credits")
        self.holds.append(Hold(amount, expires_at))
        return len(self.holds) - 1

    def capture(self, number: int, amount: int | None, at: datetime.datetime) -> int:
        one = self._open(number, at)
        wanted = one.amount if amount is None else amount
        if wanted > one.amount:
            raise Refused("capture_exceeds_hold")
        one.state, one.captured = "captured", wanted
        self.refill(at)
        self.entries.append(("deduct", -wanted))
        return len(self.entries) - 1

    def release(self, number: int, at: datetime.datetime) -> None:
        self._open(number, at).state = "released"

    def _open(self, number: int, at: datetime.datetime) -> Hold:
        one = self.holds[number]
        if one.state != "open" or one.expires_at <= at:
            raise Refused("hold_resolved")
        return one

"""What the admin's page of one account says: what a person has, and why they are refused."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from access.models import Person, StaffAction
from access.staff_views import latest_actions
from billing import reports
from billing.models import (
    CreditAccount,
    CreditHold,
    CreditTransaction,
    Usage,
    UsageOverride,
)
from billing.templatetags.billing_numbers import credits

SHOWN_ENTRIES = 20
SHOWN_HOLDS = 50
SHOWN_HISTORY = 20
HOLD_COLUMNS = ("id", "uid", "person_id", "amount", "description", "actor", "created_at",
                "expires_at")  # fmt: skip


@dataclass(frozen=True)
class Window:
    """A day or a month of calls against its limit; a limit of None is unlimited."""

    name: str
    title: str
    used: int
    limit: int | None
    resets_at: datetime.datetime

    @property
    def percent(self) -> int:
        """How full the bar is; something used always shows."""
        if self.limit is None or not self.used:
            return 0
        return max(min(100 * self.used // self.limit, 100), 2) if self.limit else 100

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(self.limit - self.used, 0)

    @property
    def level(self) -> str:
        """full, near (from 80 %) or empty: the colour of the bar."""
        if self.limit is None:
            return ""
        if self.used >= self.limit:
            return "full"
        return "near" if self.used * 5 >= self.limit * 4 else ""


@dataclass(frozen=True)
class AccountPage:
    """An account at a time: a due refill is counted, expired holds are not."""

    account: CreditAccount
    status: reports.CreditStatus
    balance: int
    windows: list[Window]
    refusals: list[str]
    holds: list[CreditHold]
    more_holds: bool
    entries: list[Any]
    overrides: list[UsageOverride]
    actions: list[StaffAction]
    at: datetime.datetime

    @property
    def refill_is_due(self) -> bool:
        return self.account.refill_is_due(at=self.at)

    @property
    def calls_left(self) -> int | None:
        """How many more calls both limits allow now; None when neither limits."""
        left = [window.left for window in self.windows if window.left is not None]
        return min(left, default=None)


def account_page(account: Any, *, at: datetime.datetime) -> AccountPage:
    """Everything that the page shows of an account `with_held_now`. Nothing is written.

    In a fixed number of statements.
    """
    person = account.person
    status = reports.status_of(account, person.name, at=at)
    windows = usage_windows(Usage.objects.filter(person=person).first(), at)
    holds = list(
        CreditHold.objects.filter(person=person)
        .open(at=at)
        .order_by("expires_at", "pk")
        .only(*HOLD_COLUMNS)[: SHOWN_HOLDS + 1]
    )
    overrides = UsageOverride.objects.filter(person=person)
    return AccountPage(
        account=account,
        status=status,
        balance=account.balance_at(at),
        windows=windows,
        refusals=refusals(account, status, windows),
        holds=holds[:SHOWN_HOLDS],
        more_holds=len(holds) > SHOWN_HOLDS,
        entries=last_entries(person),
        overrides=list(overrides.order_by("-created_at", "-pk")[:SHOWN_HISTORY]),
        actions=latest_actions(account),
        at=at,
    )


def usage_windows(usage: Usage | None, at: datetime.datetime) -> list[Window]:
    """Today and this month; nothing before a person's first call."""
    if usage is None:
        return []
    return [
        Window(name, title, used, limit, usage.resets_at(name, at=at))
        for name, title, used, limit in (
            ("daily", "Today", usage.used_today(at=at), usage.daily_limit),
            ("monthly", "This month", usage.used_this_month(at=at), usage.monthly_limit),
        )
    ]


def last_entries(person: Person) -> list[Any]:
    """The latest entries, the newest first; each charge with what is `left` to give back of it."""
    entries: list[Any] = list(
        CreditTransaction.objects.filter(person=person)
        .order_by("-sequence")
        .defer("metadata", "idempotency_key", "request_hash")[:SHOWN_ENTRIES]
    )
    charges = [entry.uid for entry in entries if entry.type == CreditTransaction.Type.DEDUCT]
    refunded = dict(
        CreditTransaction.objects.filter(person=person)
        .filter(refunds__in=charges)
        .order_by()
        .values_list("refunds")
        .annotate(total=Sum("amount"))
    )
    for entry in entries:
        entry.refunded = refunded.get(entry.uid, 0)
        entry.left = -entry.amount - entry.refunded if entry.uid in charges else 0
    return entries


def refusals(
    account: CreditAccount, status: reports.CreditStatus, windows: list[Window]
) -> list[str]:
    """Why this person's calls are refused now, each reason a sentence; empty when they are not."""
    found = []
    if account.frozen_at is not None:
        found.append(_frozen(account, account.frozen_at))
    if status.available_credits <= 0:
        found.append(_exhausted(status))
    for window in windows:
        if window.limit is not None and not window.left:
            found.append(
                f"The {window.name} limit is reached: {credits(window.used)} of"
                f" {credits(window.limit)} calls."
                f" It begins anew at {window.resets_at:%Y-%m-%d %H:%M}."
            )
    return found


def _frozen(account: CreditAccount, since: datetime.datetime) -> str:
    sentence = f"The account is frozen since {since:%Y-%m-%d %H:%M}: no charges and no holds."
    reason = f" Reason: {account.frozen_reason}" if account.frozen_reason else ""
    return f"{sentence} By {account.frozen_by}.{reason}"


def _exhausted(status: reports.CreditStatus) -> str:
    held = status.held_credits
    sentence = "No credits are available" + (f": {credits(held)} are held." if held else ".")
    if status.next_reset_time is None:
        return f"{sentence} This account is not refilled."
    return f"{sentence} The next refill is at {status.next_reset_time:%Y-%m-%d %H:%M}."

"""What the tests of the admin's pages of billing share."""

import datetime
import uuid
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from access.models import StaffAction
from billing.models import CreditAccount, CreditHold, CreditTransaction, Usage, UsageOverride
from billing.services import holds
from tests.billing import books

BILLING = "/admin/billing/"
ACCOUNTS = f"{BILLING}creditaccount/"
LEDGER = f"{BILLING}credittransaction/"
HOLDS = f"{BILLING}credithold/"
TIERS = f"{BILLING}tier/"
VIEWS = tuple(
    f"view_{name}"
    for name in (
        "creditaccount", "credittransaction", "credithold", "usage", "usageoverride",
        "ledgercheckpoint", "tier",
    )
)  # fmt: skip


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def charge_of(user_id: str = "ann") -> CreditTransaction:
    return CreditTransaction.objects.get(person__user_id=user_id, type="deduct")


def hold_of(amount: int, at: datetime.datetime, *, user_id: str = "ann") -> CreditHold:
    return holds.place_hold(
        user_id=user_id,
        amount=amount,
        ttl_seconds=600,
        description="Council",
        actor="key:tests",
        at=at,
        request_key=books.NO_KEY,
    ).row


def page_of(account: CreditAccount) -> str:
    return f"{ACCOUNTS}{account.pk}/change/"


def form(**values: Any) -> dict[str, Any]:
    return {"token": uuid.uuid4().hex, "reason": "Ticket 17"} | values


def act(client: Client, account: CreditAccount, name: str, data: dict[str, Any]) -> str:
    """The page after the act: the account with a message, or the form with what is wrong."""
    response = client.post(f"{ACCOUNTS}{account.pk}/{name}/", data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def state() -> list[Any]:
    """Everything that an act can change."""
    return [
        list(model._default_manager.order_by("pk").values())
        for model in (
            CreditAccount,
            CreditTransaction,
            CreditHold,
            Usage,
            UsageOverride,
            StaffAction,
        )
    ]


def record() -> str:
    """What the one record of a staff action says."""
    action = StaffAction.objects.get()
    return f"{action.sentence} Reason: {action.reason}"


# Each act on the account itself: its name, and what its form needs besides the reason.
CREDIT_ACTS: dict[str, dict[str, Any]] = {
    "grant": {"amount": 5},
    "purchase": {"amount": 5},
    "adjust": {"amount": -5},
    "freeze": {},
    "refund": {"amount": 5},
    "release": {},
}
USAGE_ACTS: dict[str, dict[str, Any]] = {"tier": {"tier": "pro"}, "limits": {"daily_limit": 5}}
EACH_ACT = [*CREDIT_ACTS.items(), *USAGE_ACTS.items()]


def with_target(name: str, at: datetime.datetime) -> str:
    """The act's part of the address."""
    if name == "refund":
        return f"refund/{charge_of().pk}"
    return f"release/{hold_of(10, at).pk}" if name == "release" else name

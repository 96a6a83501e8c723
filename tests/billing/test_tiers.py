"""The tier of a person's first contact, and the template that it is."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from access.scopes import SCOPES
from access.services import keys
from billing.models import CreditAccount, Tier, Usage
from billing.services import tiers as billing_tiers
from tests.asserts import assert_problem, stored
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

Act = Callable[..., Any]
CHARGE = {"type": "deduct", "amount": 1}
CREDITS: dict[str, Act] = {
    "status": lambda person, **tier: person.get("/credits", **tier),
    "charge": lambda person, **tier: person.post("/credits/transactions", CHARGE, **tier),
    "hold": lambda person, **tier: person.post("/credits/holds", {"amount": 1}, **tier),
    "batch": lambda person, **tier: person.post(
        "/credits/transactions/batch", {"transactions": [CHARGE]}, **tier
    ),
}
USAGE: dict[str, Act] = {
    "usage": lambda person, **tier: person.get("/usage", **tier),
    "check": lambda person, **tier: person.get("/usage/check", **tier),
    "increment": lambda person, **tier: person.post("/usage/increment", {}, **tier),
    "keyed increment": lambda person, **tier: person.post(
        "/usage/increment", {}, idempotency_key="k", **tier
    ),
}
FIRST = CREDITS | USAGE


class TestTheDefaultTiers:
    def test_are_the_originals(self) -> None:
        rows = Tier.objects.order_by("pk").values_list(
            "key", "daily_limit", "monthly_limit", "credit_allowance", "refill_interval_hours"
        )

        assert list(rows) == [
            ("guest", 10, 100, 10, None),
            ("free", 10, 100, 50, 24),
            ("pro", 100, 3000, 50, 24),
            ("enterprise", None, None, 50, 24),
        ]
        assert list(Tier.objects.filter(is_default=True).values_list("key")) == [("free",)]

    def test_are_made_anew_without_a_change_to_those_that_stand(self) -> None:
        Tier.objects.filter(key="free").update(daily_limit=99, is_default=False)
        Tier.objects.filter(key="pro").update(is_default=True)
        Tier.objects.filter(key="guest").delete()

        billing_tiers.ensure_tiers()

        assert Tier.objects.get(key="free").daily_limit == 99
        assert Tier.objects.get(is_default=True).key == "pro"
        assert Tier.objects.count() == 4


class TestFirstContact:
    @pytest.mark.parametrize("act", CREDITS.values(), ids=CREDITS)
    def test_takes_the_tier_of_the_header_for_credits(self, person: ApiClient, act: Act) -> None:
        assert act(person, x_user_tier="guest").status_code < 300

        account = CreditAccount.objects.get()
        assert (account.tier, account.is_guest, account.max_credits) == ("guest", True, 10)

    @pytest.mark.parametrize("act", USAGE.values(), ids=USAGE)
    def test_takes_the_tier_of_the_header_for_usage(self, person: ApiClient, act: Act) -> None:
        assert act(person, x_user_tier="pro").status_code == 200

        assert (Usage.objects.get().tier, Usage.objects.get().daily_limit) == ("pro", 100)

    @pytest.mark.parametrize("act", FIRST.values(), ids=FIRST)
    def test_refuses_an_unknown_tier(self, person: ApiClient, act: Act) -> None:
        before = stored()

        for tier in ("gold", "", "FREE", "x" * 500, "' OR 1=1"):
            assert_problem(act(person, x_user_tier=tier), 400, "unknown_tier")

        assert stored() == before

    @pytest.mark.parametrize("act", FIRST.values(), ids=FIRST)
    def test_alone_reads_the_header(self, person: ApiClient, act: Act) -> None:
        act(person)

        assert act(person, x_user_tier="gold").status_code < 300
        act(person, x_user_tier="pro")

        tiers = {*CreditAccount.objects.values_list("tier"), *Usage.objects.values_list("tier")}
        assert tiers == {("free",)}

    def test_takes_the_default_that_staff_chose(self, person: ApiClient) -> None:
        Tier.objects.filter(is_default=True).update(is_default=False)
        Tier.objects.filter(key="pro").update(is_default=True)

        assert person.get("/usage").json()["tier"] == "pro"
        assert person.get("/credits").json()["tier"] == "pro"


class TestEditingATier:
    def test_changes_nobody(self, person: ApiClient) -> None:
        person.post("/usage/increment", {})
        person.get("/credits")
        before = stored()

        Tier.objects.filter(key="free").update(
            daily_limit=1, monthly_limit=1, credit_allowance=1, refill_interval_hours=1
        )

        assert person.post("/usage/increment", {}).status_code == 200
        assert person.get("/credits").json()["max_credits"] == 50
        assert stored()["billing_creditaccount"] == before["billing_creditaccount"]

    def test_holds_for_those_who_come_later(self, person: ApiClient) -> None:
        Tier.objects.filter(key="free").update(daily_limit=3, credit_allowance=7)

        assert person.get("/usage").json()["daily_limit"] == 3
        assert person.get("/credits").json()["available_credits"] == 7

    def test_may_give_no_credits(self, person: ApiClient) -> None:
        Tier.objects.filter(key="free").update(credit_allowance=0)

        assert person.get("/credits").json()["available_credits"] == 0
        refused = person.post("/credits/transactions", CHARGE)
        assert assert_problem(refused, 402, "insufficient_credits")["available"] == 0
        assert person.get("/credits/transactions").json()["results"] == []


def opened_tiers() -> set[str]:
    return {*CreditAccount.objects.values_list("tier", flat=True)} | {
        *Usage.objects.values_list("tier", flat=True)
    }


class TestWhoNamesATier:
    @pytest.mark.parametrize("path", ["/usage", "/usage/check", "/credits"])
    @pytest.mark.parametrize("tier", ["enterprise", "gold"])
    def test_is_not_a_key_that_may_only_read(self, db: None, path: str, tier: str) -> None:
        scopes = [scope for scope in SCOPES if scope.endswith(":read")]
        reader = ApiClient(
            keys.create_key(name="reader", scopes=scopes, actor="system", at=timezone.now()).key,
            "ann",
        )

        assert reader.get(path, x_user_tier=tier).json()["tier"] == "free"

        assert opened_tiers() == {"free"}

    @pytest.mark.parametrize("scope", ["billing:charge", "billing:manage"])
    @pytest.mark.parametrize("path", ["/usage", "/usage/check", "/credits"])
    def test_is_a_key_that_may_charge_or_manage(self, db: None, path: str, scope: str) -> None:
        key = keys.create_key(
            name="payer", scopes=["billing:read", scope], actor="system", at=timezone.now()
        ).key

        assert ApiClient(key, "ann").get(path, x_user_tier="pro").json()["tier"] == "pro"


class TestAPersonsTier:
    @pytest.mark.parametrize("act", CREDITS.values(), ids=CREDITS)
    def test_of_usage_is_that_of_the_account(self, person: ApiClient, act: Act) -> None:
        person.get("/usage", x_user_tier="guest")

        assert act(person, x_user_tier="enterprise").status_code < 300

        assert (CreditAccount.objects.get().tier, CreditAccount.objects.get().balance) in [
            ("guest", 10), ("guest", 9),
        ]  # fmt: skip

    @pytest.mark.parametrize("act", USAGE.values(), ids=USAGE)
    def test_of_the_account_is_that_of_usage(self, person: ApiClient, act: Act) -> None:
        person.get("/credits", x_user_tier="enterprise")

        assert act(person).status_code == 200

        assert (Usage.objects.get().tier, Usage.objects.get().daily_limit) == ("enterprise", None)

    def test_of_the_account_stays_when_only_a_limit_changes(self, person: ApiClient) -> None:
        person.get("/credits", x_user_tier="pro")

        changed = person.patch("/usage", {"daily_limit": 7, "reason": "a wish"}).json()

        assert (changed["tier"], changed["daily_limit"]) == ("pro", 7)
        assert (changed["monthly_limit"], opened_tiers()) == (3000, {"pro"})

    def test_that_changes_opens_the_account_with_the_new_one(self, person: ApiClient) -> None:
        person.get("/usage", x_user_tier="guest")

        person.patch("/usage", {"tier": "pro", "reason": "Subscribed"})

        assert person.get("/credits").json()["available_credits"] == 50
        assert opened_tiers() == {"pro"}


@pytest.mark.parametrize("path", ["/credits/transactions", "/credits/statistics"])
def test_reading_the_history_opens_nothing(person: ApiClient, path: str) -> None:
    before = stored()

    assert person.get(path, x_user_tier="pro").status_code == 200

    assert stored() == before

import datetime
import re

import pytest
from django.test import Client

from billing.models import (
    CreditAccount,
    Usage,
)
from billing.services import accounts, usage
from tests.asserts import assert_statements
from tests.billing import books
from tests.billing.pages import ACCOUNTS, LEDGER, VIEWS, form, hold_of, page_of, staff, state


@pytest.mark.django_db
class TestAccountList:
    def test_shows_what_each_person_has_now(
        self, viewer: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold_of(20, now)

        page = viewer.get(ACCOUNTS).content.decode()

        cells = dict(re.findall(r"field-(\w+)[^>]*>\s*(?:<[^>]+>\s*)*([^<]*?)\s*<", page))
        assert cells["available_now"] == "100"
        assert cells["balance_now"] == "120"
        assert cells["held_now"] == "20"

    def test_counts_a_due_refill_and_no_expired_hold(
        self, viewer: Client, now: datetime.datetime
    ) -> None:
        before = now - datetime.timedelta(hours=30)
        books.open_account(at=before)
        books.charge(30, at=before)
        hold_of(20, before)

        page = viewer.get(ACCOUNTS).content.decode()

        assert re.search(r"field-available_now[^>]*>\s*(?:<[^>]+>\s*)*50\s*<", page)
        assert "due, counted" in page

    @pytest.mark.parametrize(("term", "found"), [("ann", True), (" ann ", True), ("an", False)])
    def test_finds_by_the_whole_id(
        self, viewer: Client, account: CreditAccount, term: str, found: bool
    ) -> None:
        assert (page_of(account) in viewer.get(ACCOUNTS, {"q": term}).content.decode()) == found

    @pytest.mark.parametrize(
        ("query", "people"),
        [
            ({}, 2), ({"tier": "pro"}, 1), ({"tier": "guest"}, 0), ({"frozen": "yes"}, 1),
            ({"frozen": "no"}, 1), ({"frozen": "nonsense"}, 2),
        ],
    )  # fmt: skip
    def test_filters_by_tier_and_frozen(
        self, viewer: Client, account: CreditAccount, query: dict[str, str], people: int
    ) -> None:
        books.open_account("bob", tier="pro")
        accounts.freeze_account(user_id="bob", actor="staff:dana", reason="a case", at=books.MOMENT)

        assert viewer.get(ACCOUNTS, query).content.decode().count("field-whose") == people


@pytest.mark.django_db
class TestAccountPage:
    def test_says_what_the_person_has(
        self, viewer: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold_of(20, now)
        hold_of(7, now - datetime.timedelta(hours=1))  # expired
        usage.increment_usage(user_id="ann", amount=4, actor="key:tests", at=now)

        page = viewer.get(page_of(account)).content.decode()

        assert "<strong>100</strong> available" in page
        assert "<dt>Balance</dt><dd>120</dd>" in page
        assert "<dt>Held</dt><dd>20</dd>" in page
        assert "<strong>4</strong> of 10" in page
        assert "Nothing stands in the way" in page
        assert "+100" in page and "−30" in page and "Heat pumps" in page
        assert page.count("until") == 1

    def test_names_every_refusal(
        self, viewer: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold_of(120, now)
        accounts.freeze_account(user_id="ann", actor="staff:dana", reason="a case", at=now)
        Usage.objects.update(daily_limit=0, monthly_used=100)

        page = viewer.get(page_of(account)).content.decode()

        assert "The account is frozen since" in page
        assert "No credits are available: 120 are held." in page
        assert "The daily limit is reached: 0 of 0 calls." in page
        assert "The monthly limit is reached: 100 of 100 calls." in page

    def test_says_unlimited_where_there_is_no_limit(
        self, viewer: Client, account: CreditAccount
    ) -> None:
        Usage.objects.update(daily_limit=None, monthly_limit=None)

        assert viewer.get(page_of(account)).content.decode().count("· unlimited") == 2

    def test_writes_nothing_even_when_something_is_due(
        self, viewer: Client, now: datetime.datetime
    ) -> None:
        before = now - datetime.timedelta(days=40)
        account = books.open_account(at=before)
        books.charge(30, at=before)
        hold_of(20, before)
        standing = state()

        page = viewer.get(page_of(account)).content.decode()

        assert "<strong>50</strong> available" in page
        assert "No call was counted yet" in page
        assert state() == standing

    def test_shows_each_change_of_limits(self, viewer: Client, account: CreditAccount) -> None:
        accounts.change_usage(
            user_id="ann", changes={"daily_limit": None}, reason="A <b>guest</b>", actor="staff:x",
            at=books.MOMENT,
        )  # fmt: skip

        page = viewer.get(page_of(account)).content.decode()

        assert "unlimited a day, 100 a month" in page
        assert "A &lt;b&gt;guest&lt;/b&gt;" in page

    def test_leads_to_the_ledger_of_the_person(
        self, viewer: Client, account: CreditAccount
    ) -> None:
        assert f'href="{LEDGER}?q=ann"' in viewer.get(page_of(account)).content.decode()

    def test_costs_the_same_at_any_length(
        self, manager: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        manager.get(page_of(account))  # the content type is looked up once in a process
        # Session, user, two kinds of permissions, the account; its usage, holds, records, entries,
        # refunds and overrides.
        with assert_statements(11):
            manager.get(page_of(account))
        for amount in range(1, 30):
            books.charge(1, at=now)
            hold_of(1, now)
            limits = manager.post(f"{ACCOUNTS}{account.pk}/limits/", form(daily_limit=amount))
            assert limits.status_code == 302

        with assert_statements(11):
            page = manager.get(page_of(account)).content.decode()
        assert page.count("/refund/") == 20

    def test_offers_nothing_without_permission(
        self, viewer: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold_of(5, now)

        page = viewer.get(page_of(account)).content.decode()

        for name in (
            "grant",
            "purchase",
            "adjust",
            "tier",
            "limits",
            "freeze",
            "refund",
            "release",
        ):
            assert f"../{name}/" not in page

    @pytest.mark.parametrize(
        ("permission", "names"),
        [
            ("manage_credits", {"grant", "purchase", "adjust", "freeze", "refund", "release"}),
            ("manage_usage", {"tier", "limits"}),
        ],
    )
    def test_offers_what_the_permission_allows(
        self, account: CreditAccount, now: datetime.datetime, permission: str, names: set[str]
    ) -> None:
        hold_of(5, now)

        page = staff(*VIEWS, permission).get(page_of(account)).content.decode()

        assert set(re.findall(r'href="\.\./(\w+)/', page)) == names

    def test_is_closed_to_strangers(self, account: CreditAccount) -> None:
        assert Client().get(page_of(account)).status_code == 302
        assert staff("view_tier").get(page_of(account)).status_code == 403
        assert staff(*VIEWS).post(page_of(account), {"user_id": "eve"}).status_code == 403

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.models import CreditAccount, CreditTransaction, UsageOverride
from billing.services import holds, usage
from tests.billing import books
from tests.browser.conftest import Door, staff

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 360, "height": 740}}
BILLING = "/admin/billing/"
VIEWS = ("view_creditaccount", "view_credittransaction", "view_credithold", "view_usage")


@pytest.fixture
def finance(live_server: Any) -> User:
    """Staff who may move credits and change limits."""
    return staff("fay", *VIEWS, "manage_credits", "manage_usage")


@pytest.fixture
def account(live_server: Any) -> CreditAccount:
    """Somebody with a long id, long texts, a hold and a limit that is nearly reached."""
    now, person = timezone.now(), f"auth0|{'x' * 120}"
    books.open_account(person, at=now - datetime.timedelta(hours=1))
    books.add("purchase", 10**12, user_id=person, at=now, description="z" * 300)
    books.charge(30, user_id=person, at=now, description="A council of four models")
    holds.place_hold(
        user_id=person, amount=12, ttl_seconds=600, description="y" * 300, actor="key:tests",
        at=now, request_key=books.NO_KEY,
    )  # fmt: skip
    usage.increment_usage(user_id=person, amount=9, actor="key:tests", at=now)
    return books.account(person)


def path_of(account: CreditAccount) -> str:
    return f"{BILLING}creditaccount/{account.pk}/change/"


def fill_in(page: Page, button: str, **values: str) -> None:
    for label, value in values.items():
        page.get_by_label(label.capitalize()).fill(value)
    page.get_by_role("button", name=button).click()


class TestAnAccount:
    def test_is_granted_credits(self, door: Door, finance: User, account: CreditAccount) -> None:
        page = door(finance).open(path_of(account))

        page.get_by_role("link", name="Grant credits").click()
        fill_in(page, "Grant credits", amount="25", reason="Ticket 17")

        expect(page.get_by_text("Granted 25 credits; the balance is")).not_to_have_count(0)
        expect(page.locator(".big")).to_contain_text("1,000,000,000,033")
        entry = CreditTransaction.objects.get(type="grant")
        assert (entry.amount, entry.actor) == (25, "staff:fay")

    def test_acts_once_when_the_form_is_sent_twice(
        self, door: Door, finance: User, account: CreditAccount
    ) -> None:
        page = door(finance).open(f"{BILLING}creditaccount/{account.pk}/grant/")
        page.get_by_label("Amount").fill("25")
        page.get_by_label("Reason").fill("Ticket 17")

        page.locator(".act form").evaluate(
            "it => fetch(location.href, {method: 'POST', body: new FormData(it)})"
        )
        page.get_by_role("button", name="Grant credits").click()

        expect(page.get_by_text("It has acted once.")).to_be_visible()
        assert CreditTransaction.objects.filter(type="grant").count() == 1

    def test_says_why_an_act_is_refused(
        self, door: Door, finance: User, account: CreditAccount
    ) -> None:
        page = door(finance).open(path_of(account))
        page.get_by_role("link", name="Adjust").click()

        fill_in(page, "Adjust", amount=str(-(10**13)), reason="Ticket 17")

        expect(page.get_by_text("are available.")).to_be_visible()
        expect(page.get_by_label("Reason")).to_have_value("Ticket 17")

    def test_gets_a_charge_back_and_a_hold_free(
        self, door: Door, finance: User, account: CreditAccount
    ) -> None:
        page = door(finance).open(path_of(account))

        page.get_by_role("link", name="Refund").click()
        fill_in(page, "Refund", reason="It failed")
        expect(page.get_by_text("30 given back")).to_be_visible()
        page.get_by_role("link", name="Release").click()
        fill_in(page, "Release hold", reason="It hangs")

        expect(page.get_by_text("Released the hold")).not_to_have_count(0)
        expect(page.locator(".big")).to_contain_text("1,000,000,000,050")

    def test_gets_limits_of_its_own(
        self, door: Door, finance: User, account: CreditAccount
    ) -> None:
        page = door(finance).open(path_of(account))
        page.get_by_role("link", name="Override limits").click()
        page.get_by_label("No daily limit").check()
        fill_in(page, "Override limits", reason="A guest of ours")

        expect(page.get_by_text("· unlimited")).to_be_visible()
        assert UsageOverride.objects.get().daily_limit is None

    def test_is_frozen_and_says_so(self, door: Door, finance: User, account: CreditAccount) -> None:
        page = door(finance).open(path_of(account))
        page.get_by_role("link", name="Freeze", exact=False).click()
        fill_in(page, "Freeze", reason="Stolen card")

        expect(page.locator(".answer")).to_contain_text("By staff:fay. Reason: Stolen card")
        expect(page.get_by_role("link", name="Unfreeze")).to_be_visible()

    def test_leads_to_its_ledger_as_csv(
        self, door: Door, finance: User, account: CreditAccount
    ) -> None:
        page = door(finance).open(path_of(account))
        page.get_by_role("link", name="All in the ledger").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Export as CSV").click()

        lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) == 4


class TestOnAPhone:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_account_fits(
        self, door: Door, finance: User, account: CreditAccount, scheme: str
    ) -> None:
        visitor = door(finance, color_scheme=scheme, **PHONE)
        page = visitor.open(path_of(account))

        assert not visitor.scrolls_sideways()
        for panel in page.locator(".sheet .panel, .sheet .answer").all():
            box = panel.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360
            assert not panel.evaluate("it => it.scrollWidth > it.clientWidth")

    @pytest.mark.parametrize("name", ["grant", "adjust", "tier", "limits", "freeze"])
    def test_the_forms_fit(
        self, door: Door, finance: User, account: CreditAccount, name: str
    ) -> None:
        visitor = door(finance, **PHONE)
        page = visitor.open(f"{BILLING}creditaccount/{account.pk}/{name}/")

        assert not visitor.scrolls_sideways()
        button = page.locator(".buttons button").bounding_box()
        assert button is not None and button["x"] + button["width"] <= 360

    @pytest.mark.parametrize("name", ["creditaccount", "credittransaction", "credithold", "usage"])
    def test_the_lists_and_their_pages_fit(
        self, door: Door, finance: User, account: CreditAccount, name: str
    ) -> None:
        visitor = door(finance, **PHONE)
        page = visitor.open(f"{BILLING}{name}/")
        assert not visitor.scrolls_sideways()

        page.locator("#result_list th a, #result_list td a").first.click()
        page.wait_for_load_state("networkidle")

        assert f"{name}/" in page.url and "/change/" in page.url
        assert not visitor.scrolls_sideways()

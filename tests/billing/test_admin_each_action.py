import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client

from access import staff_actions
from billing.models import (
    CreditAccount,
    CreditTransaction,
    Usage,
    UsageOverride,
)
from billing.services import accounts, holds
from operations.services import erase_person
from tests.billing import books
from tests.billing.pages import ACCOUNTS, act, charge_of, form, hold_of, page_of, record, state


@pytest.mark.django_db
class TestCredits:
    @pytest.mark.parametrize(
        ("name", "type_", "amount", "sentence"),
        [
            ("grant", "grant", 25, "Granted 25 credits; the balance is 145."),
            ("purchase", "purchase", 25, "Recorded a purchase of 25 credits; the balance is 145."),
            ("adjust", "adjustment", 25, "Adjusted by +25 credits; the balance is 145."),
            ("adjust", "adjustment", -25, "Adjusted by −25 credits; the balance is 95."),
        ],
    )
    def test_move_by_one_entry(
        self,
        manager: Client,
        account: CreditAccount,
        name: str,
        type_: str,
        amount: int,
        sentence: str,
    ) -> None:
        page = act(manager, account, name, form(amount=amount))

        entry = CreditTransaction.objects.order_by("pk").last()
        assert entry is not None
        assert (entry.type, entry.amount, entry.description) == (type_, amount, "Ticket 17")
        assert entry.actor == "staff:staff0"
        assert sentence in page
        assert record() == f"{sentence} Reason: Ticket 17"
        assert books.drift() == []

    @pytest.mark.parametrize("name", ["grant", "purchase", "adjust"])
    @pytest.mark.parametrize("amount", ["", "0", "x", "1.5", "1e3", str(10**15 + 1), "9" * 30])
    def test_need_an_amount(
        self, manager: Client, account: CreditAccount, name: str, amount: str
    ) -> None:
        standing = state()

        assert "errors" in act(manager, account, name, form(amount=amount))

        assert state() == standing

    @pytest.mark.parametrize("name", ["grant", "purchase"])
    def test_come_in_by_positive_amounts(
        self, manager: Client, account: CreditAccount, name: str
    ) -> None:
        standing = state()

        assert "errors" in act(manager, account, name, form(amount=-5))

        assert state() == standing

    def test_are_refused_with_the_reason_and_the_form_can_be_sent_again(
        self, manager: Client, account: CreditAccount
    ) -> None:
        data = form(amount=-121)
        standing = state()

        page = act(manager, account, "adjust", data)

        assert "This needs 121 credits; 120 are available." in page
        assert 'value="-121"' in page
        assert state() == standing
        assert "the balance is 0" in act(manager, account, "adjust", data | {"amount": -120})


@pytest.mark.django_db
class TestRefund:
    @pytest.mark.parametrize(("amount", "given"), [("", 30), ("10", 10)])
    def test_gives_back_all_or_a_part(
        self, manager: Client, account: CreditAccount, amount: str, given: int
    ) -> None:
        charge = charge_of()

        page = act(manager, account, f"refund/{charge.pk}", form(amount=amount))

        refund = CreditTransaction.objects.get(type="refund")
        assert (refund.amount, refund.refunds, refund.actor) == (given, charge.uid, "staff:staff0")
        assert f"Refunded {given} credits" in page
        assert f"{given} given back" in page
        assert (f"../refund/{charge.pk}/" in page) == (given < 30)

    def test_of_more_than_was_taken_is_refused(
        self, manager: Client, account: CreditAccount
    ) -> None:
        standing = state()

        page = act(manager, account, f"refund/{charge_of().pk}", form(amount=31))

        assert "Of this charge of 30 credits 30 can still be given back." in page
        assert state() == standing

    def test_is_for_charges_of_the_person_alone(
        self, manager: Client, account: CreditAccount
    ) -> None:
        books.open_account("bob")
        books.charge(5, user_id="bob")
        purchase = CreditTransaction.objects.get(type="purchase")

        for pk in (charge_of("bob").pk, purchase.pk, 10**9):
            url = f"{ACCOUNTS}{account.pk}/refund/{pk}/"
            assert manager.get(url).status_code == 404
            assert manager.post(url, form()).status_code == 404


@pytest.mark.django_db
class TestRelease:
    def test_sets_the_credits_free(
        self, manager: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold = hold_of(20, now)

        page = act(manager, account, f"release/{hold.pk}", form())

        hold.refresh_from_db()
        assert hold.state == "released"
        assert "<strong>120</strong> available" in page

    def test_of_a_hold_that_has_ended_is_refused(
        self, manager: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold = hold_of(20, now)
        holds.release_hold(user_id="ann", hold_uid=hold.uid, actor="key:web", at=now)
        standing = state()

        page = act(manager, account, f"release/{hold.pk}", form())

        assert "This hold is released already." in page
        assert state() == standing


@pytest.mark.django_db
class TestTierAndLimits:
    def test_a_tier_brings_its_numbers(self, manager: Client, account: CreditAccount) -> None:
        act(manager, account, "tier", form(tier="enterprise"))

        usage = Usage.objects.get()
        assert (usage.tier, usage.daily_limit, usage.monthly_limit) == ("enterprise", None, None)
        assert books.account().tier == "enterprise"
        override = UsageOverride.objects.get()
        assert (override.actor, override.reason) == ("staff:staff0", "Ticket 17")
        assert record() == "Changed the tier to enterprise. Reason: Ticket 17"

    def test_an_unknown_tier_is_refused(self, manager: Client, account: CreditAccount) -> None:
        standing = state()

        assert "errors" in act(manager, account, "tier", form(tier="gold"))

        assert state() == standing

    @pytest.mark.parametrize(
        ("values", "daily", "monthly", "said"),
        [
            ({"daily_limit": 7}, 7, 100, "Set the daily limit to 7."),
            ({"daily_limit": 0}, 0, 100, "Set the daily limit to 0."),
            ({"monthly_unlimited": "on"}, 10, None, "Set the monthly limit to unlimited."),
            (
                {"daily_unlimited": "on", "monthly_limit": 5000}, None, 5000,
                "Set the daily limit to unlimited and the monthly limit to 5,000.",
            ),
        ],
    )  # fmt: skip
    def test_limits_change_as_far_as_they_are_given(
        self,
        manager: Client,
        account: CreditAccount,
        values: dict[str, Any],
        daily: int | None,
        monthly: int | None,
        said: str,
    ) -> None:
        page = act(manager, account, "limits", form(**values))

        usage = Usage.objects.get()
        assert (usage.daily_limit, usage.monthly_limit) == (daily, monthly)
        assert said in page

    @pytest.mark.parametrize(
        "values",
        [
            {}, {"daily_limit": 5, "daily_unlimited": "on"}, {"daily_limit": -1},
            {"monthly_limit": 2**31}, {"daily_limit": "x"},
        ],
    )  # fmt: skip
    def test_limits_that_make_no_sense_are_refused(
        self, manager: Client, account: CreditAccount, values: dict[str, Any]
    ) -> None:
        standing = state()

        act(manager, account, "limits", form(**values))

        assert state() == standing


@pytest.mark.django_db
class TestFreeze:
    def test_stops_charges_and_says_why(self, manager: Client, account: CreditAccount) -> None:
        page = act(manager, account, "freeze", form(reason="Stolen card"))

        assert books.account().frozen_at is not None
        assert "By staff:staff0. Reason: Stolen card" in page
        assert "../unfreeze/" in page and "../freeze/" not in page

    def test_shows_who_and_why_after_a_thousand_later_actions(
        self, manager: Client, account: CreditAccount
    ) -> None:
        act(manager, account, "freeze", form(reason="Stolen card"))
        with transaction.atomic():
            staff_actions.record(
                action="billing.grant", rows=[account] * 1000, actor="staff:dana",
                at=books.MOMENT, sentence="Granted 1 credit.",
            )  # fmt: skip

        page = manager.get(page_of(account)).content.decode()

        assert "By staff:staff0. Reason: Stolen card" in page

    def test_is_kept_without_its_words_when_the_person_is_erased(
        self, manager: Client, account: CreditAccount
    ) -> None:
        act(manager, account, "freeze", form(reason="Stolen card"))
        since = books.account().frozen_at

        erase_person(user_id="ann", actor="system", at=books.MOMENT, overruling="A court order")

        erased = CreditAccount.objects.get()
        assert (erased.frozen_at, erased.frozen_by) == (since, "staff:staff0")
        assert erased.frozen_reason == ""

    @pytest.mark.parametrize(
        "values", ["frozen_by = 'x'", "frozen_reason = 'x'", "frozen_at = last_refill_at",
                   "frozen_at = last_refill_at, frozen_by = 'x'"],
    )  # fmt: skip
    def test_has_who_and_why_or_is_none(self, account: CreditAccount, values: str) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            connection.cursor().execute(f"UPDATE billing_creditaccount SET {values}")

        assert books.account().frozen_at is None

    def test_outlives_the_account_of_who_did_it(
        self, manager: Client, account: CreditAccount, viewer: Client
    ) -> None:
        act(manager, account, "freeze", form(reason="Stolen card"))

        User.objects.filter(username="staff0").delete()

        page = viewer.get(page_of(account)).content.decode()
        assert "By staff:staff0. Reason: Stolen card" in page
        assert page.count("Froze the account.") == 1

    def test_is_lifted(self, manager: Client, account: CreditAccount) -> None:
        act(manager, account, "freeze", form())

        page = act(manager, account, "unfreeze", form(reason="It was hers"))

        assert books.account().frozen_at is None
        assert "Nothing stands in the way" in page

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("freeze", "This account is frozen already."),
            ("unfreeze", "This account is not frozen."),
        ],
    )
    def test_of_what_is_so_already_changes_nothing(
        self, manager: Client, account: CreditAccount, name: str, sentence: str
    ) -> None:
        if name == "freeze":
            accounts.freeze_account(
                user_id="ann", actor="staff:dana", reason="a case", at=books.MOMENT
            )
        standing = state()

        assert sentence in act(manager, account, name, form())

        assert state() == standing

import csv
import datetime
import io
import re
import threading
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from billing import services
from billing.models import (
    CreditAccount,
    CreditHold,
    CreditTransaction,
    LedgerCheckpoint,
    Tier,
    Usage,
    UsageOverride,
)
from common.idempotency import RequestKey
from tests.asserts import assert_statements
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
    for permission in permissions:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def manager() -> Client:
    """staff0, who may do everything to accounts."""
    return staff(*VIEWS, "manage_credits", "manage_usage")


@pytest.fixture
def viewer() -> Client:
    return staff(*VIEWS)


@pytest.fixture
def now() -> datetime.datetime:
    return timezone.now()


@pytest.fixture
def account(now: datetime.datetime) -> CreditAccount:
    """Ann with 50 credits, a purchase of 100 and a charge of 30."""
    books.open_account(at=now - datetime.timedelta(hours=2))
    services.open_usage(user_id="ann", tier=None, at=now)
    books.add("purchase", 100, at=now - datetime.timedelta(hours=1))
    books.charge(30, at=now - datetime.timedelta(minutes=30), description="Heat pumps")
    return books.account()


def charge_of(user_id: str = "ann") -> CreditTransaction:
    return CreditTransaction.objects.get(person__user_id=user_id, type="deduct")


def hold_of(amount: int, at: datetime.datetime, *, user_id: str = "ann") -> CreditHold:
    return services.place_hold(
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
        for model in (CreditAccount, CreditTransaction, CreditHold, Usage, UsageOverride, LogEntry)
    ]


def record() -> str:
    """What the one record in the admin's log says, without the token."""
    message = LogEntry.objects.get().change_message
    return re.sub(r" \(form [0-9a-f]{32}\.[0-9a-f]{16}\)$", "", message)


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
        services.freeze_account(user_id="bob", at=books.MOMENT)

        assert viewer.get(ACCOUNTS, query).content.decode().count("field-whose") == people


@pytest.mark.django_db
class TestAccountPage:
    def test_says_what_the_person_has(
        self, viewer: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold_of(20, now)
        hold_of(7, now - datetime.timedelta(hours=1))  # expired
        services.increment_usage(user_id="ann", amount=4, actor="key:tests", at=now)

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
        services.freeze_account(user_id="ann", at=now)
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
        services.change_usage(
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
            act(manager, account, "limits", form(daily_limit=amount))

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


@pytest.mark.django_db
class TestEachAct:
    @pytest.mark.parametrize(("name", "values"), EACH_ACT)
    def test_is_refused_without_its_permission(
        self, account: CreditAccount, now: datetime.datetime, name: str, values: dict[str, Any]
    ) -> None:
        url = f"{ACCOUNTS}{account.pk}/{with_target(name, now)}/"
        other = "manage_usage" if name in CREDIT_ACTS else "manage_credits"
        standing = state()

        for client in (
            staff(*VIEWS),
            staff(*VIEWS, other),
            staff("manage_credits", "manage_usage"),
        ):
            assert client.get(url).status_code == 403
            assert client.post(url, form(**values)).status_code == 403
        assert Client().post(url, form(**values)).status_code == 302
        assert state() == standing

    @pytest.mark.parametrize(("name", "values"), EACH_ACT)
    @pytest.mark.parametrize("reason", ["", "  \n ", None, "x" * 2001, "a\x00b"])
    def test_needs_a_reason(
        self,
        manager: Client,
        account: CreditAccount,
        now: datetime.datetime,
        name: str,
        values: dict[str, Any],
        reason: str | None,
    ) -> None:
        part = with_target(name, now)
        standing = state()

        data = {
            key: value for key, value in form(**values, reason=reason).items() if value != reason
        }
        if reason is not None:
            data["reason"] = reason
        page = act(manager, account, part, data)

        assert "errors" in page
        assert state() == standing

    @pytest.mark.parametrize(("name", "values"), EACH_ACT)
    def test_acts_once_with_one_form(
        self,
        manager: Client,
        account: CreditAccount,
        now: datetime.datetime,
        name: str,
        values: dict[str, Any],
    ) -> None:
        part, data = with_target(name, now), form(**values)
        act(manager, account, part, data)
        standing = state()

        page = act(manager, account, part, data)

        assert "It has acted once." in page
        assert state() == standing

    @pytest.mark.parametrize(("name", "values"), EACH_ACT)
    def test_is_recorded_with_actor_and_reason(
        self,
        manager: Client,
        account: CreditAccount,
        now: datetime.datetime,
        name: str,
        values: dict[str, Any],
    ) -> None:
        page = act(manager, account, with_target(name, now), form(**values, reason="Because & so"))

        entry = LogEntry.objects.get()
        assert (entry.user.username, entry.object_id) == ("staff0", str(account.pk))
        assert entry.object_repr == f"#{account.pk}"  # no person's id
        assert record().endswith("Reason: Because & so")
        assert "Because &amp; so" in page  # on the account's page
        assert "(form " not in page

    @pytest.mark.parametrize(("name", "values"), EACH_ACT)
    def test_shows_a_form_and_changes_nothing_by_it(
        self,
        manager: Client,
        account: CreditAccount,
        now: datetime.datetime,
        name: str,
        values: dict[str, Any],
    ) -> None:
        part = with_target(name, now)
        standing = state()

        pages = [
            manager.get(f"{ACCOUNTS}{account.pk}/{part}/", form(**values)).content.decode()
            for _ in range(2)
        ]

        tokens = {re.search(r'name="token" value="([0-9a-f-]{36})"', page)[1] for page in pages}  # type: ignore[index]
        assert len(tokens) == 2
        assert state() == standing

    def test_is_protected_against_forged_forms(
        self, manager: Client, account: CreditAccount
    ) -> None:
        forger = Client(enforce_csrf_checks=True)
        forger.cookies = manager.cookies
        standing = state()

        response = forger.post(f"{ACCOUNTS}{account.pk}/grant/", form(amount=5))

        assert response.status_code == 403
        assert state() == standing

    def test_refuses_other_values_in_a_form_that_has_acted(
        self, manager: Client, account: CreditAccount
    ) -> None:
        data = form(amount=5)
        act(manager, account, "grant", data)
        standing = state()

        page = act(manager, account, "grant", data | {"amount": 6})

        assert "This form has acted already, with other values." in page
        assert state() == standing

    def test_needs_the_token_of_the_form(self, manager: Client, account: CreditAccount) -> None:
        standing = state()

        page = act(manager, account, "grant", form(amount=5, token=""))

        assert "Open it anew" in page
        assert state() == standing

    def test_whose_record_fails_is_undone(
        self, manager: Client, account: CreditAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**columns: Any) -> None:
            raise RuntimeError

        standing = state()
        monkeypatch.setattr(LogEntry.objects, "create", fail)
        manager.raise_request_exception = False

        response = manager.post(f"{ACCOUNTS}{account.pk}/grant/", form(amount=5))

        assert response.status_code == 500
        assert state() == standing

    def test_knows_no_other_account(self, manager: Client) -> None:
        assert manager.get(f"{ACCOUNTS}999/grant/").status_code == 404
        assert manager.post(f"{ACCOUNTS}999/grant/", form(amount=5)).status_code == 404


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
        services.release_hold(user_id="ann", hold_uid=hold.uid, actor="key:web", at=now)
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
            services.freeze_account(user_id="ann", at=books.MOMENT)
        standing = state()

        assert sentence in act(manager, account, name, form())

        assert state() == standing


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.mark.parametrize(("name", "values"), [("grant", {"amount": 5}), *USAGE_ACTS.items()])
    def test_a_form_sent_eight_times_acts_once(
        self, account: CreditAccount, name: str, values: dict[str, Any]
    ) -> None:
        client, data, codes = staff(*VIEWS, "manage_credits", "manage_usage"), form(**values), []

        def send() -> None:
            own = Client()
            own.cookies = client.cookies
            try:
                codes.append(own.post(f"{ACCOUNTS}{account.pk}/{name}/", data).status_code)
            finally:
                connection.close()

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert codes == [302] * 8
        assert LogEntry.objects.count() == 1
        assert CreditTransaction.objects.filter(type="grant").count() == (name == "grant")
        assert UsageOverride.objects.count() == (name != "grant")


def exported(client: Client, **query: str) -> list[dict[str, str]]:
    response: Any = client.get(f"{LEDGER}export.csv", query)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.django_db
class TestLedger:
    def test_begins_with_the_newest(self, viewer: Client, account: CreditAccount) -> None:
        page = viewer.get(LEDGER).content.decode()

        assert re.findall(r"field-type[^>]*>\s*(\w+)", page) == ["Deduct", "Purchase", "Allocate"]

    @pytest.mark.parametrize(("term", "found"), [("ann", 3), ("{uid}", 1), ("an", 0), ("Heat", 0)])
    def test_finds_by_person_and_by_id(
        self, viewer: Client, account: CreditAccount, term: str, found: int
    ) -> None:
        page = viewer.get(LEDGER, {"q": term.format(uid=charge_of().uid)}).content.decode()

        assert page.count("field-whose") == found

    def test_finds_a_person_whose_id_is_a_uuid(self, viewer: Client) -> None:
        person = str(uuid.uuid4())
        books.open_account(person)

        assert viewer.get(LEDGER, {"q": person}).content.decode().count("field-whose") == 1

    def test_filters_by_type_and_time(self, viewer: Client, account: CreditAccount) -> None:
        books.open_account("bob", at=timezone.now() - datetime.timedelta(days=20))

        assert len(exported(viewer, type__exact="purchase")) == 1
        assert len(exported(viewer, created="7")) == 3
        assert viewer.get(LEDGER, {"created": "30"}).content.decode().count("field-whose") == 4

    def test_is_exported_as_it_is_filtered(self, viewer: Client, account: CreditAccount) -> None:
        entry = books.add("grant", 7, at=timezone.now(), description="=HYPERLINK(1)")
        books.open_account("bob")

        [row] = exported(viewer, q="ann", type__exact="grant")

        created_at = row.pop("created_at")
        assert created_at.endswith("Z")
        assert row == {
            "id": str(entry.uid), "user_id": "ann", "sequence": "4", "type": "grant",
            "amount": "7", "balance_after": "127", "description": "'=HYPERLINK(1)", "refunds": "",
            "hold": "", "actor": "key:tests",
        }  # fmt: skip
        assert {row["amount"] for row in exported(viewer, q="ann")} >= {"-30"}

    def test_shows_what_belongs_to_an_entry(
        self, manager: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold = hold_of(20, now)
        captured = services.capture_hold(
            user_id="ann", hold_uid=hold.uid, amount=15, actor="key:tests", at=now,
            request_key=RequestKey(None, ""),
        ).row.transaction  # fmt: skip
        act(manager, account, f"refund/{captured.pk}", form(amount=5))
        refund = CreditTransaction.objects.get(type="refund")

        page = manager.get(f"{LEDGER}{captured.pk}/change/").content.decode()
        of_refund = manager.get(f"{LEDGER}{refund.pk}/change/").content.decode()

        assert f'href="{HOLDS}{hold.pk}/change/"' in page
        assert f'href="{LEDGER}{refund.pk}/change/"' in page
        assert f'href="{page_of(account)}"' in page
        assert f'href="{ACCOUNTS}{account.pk}/refund/{captured.pk}/"' in page
        assert f'href="{LEDGER}{captured.pk}/change/"' in of_refund
        assert "/refund/" not in of_refund

    def test_offers_no_refund_without_permission(
        self, viewer: Client, account: CreditAccount
    ) -> None:
        page = viewer.get(f"{LEDGER}{charge_of().pk}/change/").content.decode()

        assert "/refund/" not in page


@pytest.mark.django_db
class TestHolds:
    def test_have_the_state_of_now(
        self, viewer: Client, account: CreditAccount, now: datetime.datetime
    ) -> None:
        hold_of(5, now)
        hold_of(6, now - datetime.timedelta(hours=1))
        released = hold_of(7, now)
        services.release_hold(user_id="ann", hold_uid=released.uid, actor="key:web", at=now)

        def amounts(**query: str) -> list[str]:
            page = viewer.get(HOLDS, query).content.decode()
            return re.findall(r"field-shown_amount[^>]*>\s*(\d+)", page)

        assert amounts() == ["7", "6", "5"]
        assert amounts(state="open") == ["5"]
        assert amounts(state="expired") == ["6"]
        assert amounts(state="released") == ["7"]
        assert amounts(state="captured") == []
        assert amounts(q=str(released.uid)) == ["7"]


TIER = {"key": "gold", "name": "Gold", "credit_allowance": "70", "daily_limit": "5",
        "monthly_limit": "", "refill_interval_hours": "12"}  # fmt: skip


@pytest.mark.django_db
class TestTiers:
    @pytest.fixture
    def keeper(self) -> Client:
        return staff("view_tier", "add_tier", "change_tier", "delete_tier")

    def test_are_added_and_changed(self, keeper: Client, account: CreditAccount) -> None:
        standing = books.account()
        keeper.post(f"{TIERS}add/", TIER)
        gold = Tier.objects.get(key="gold")
        keeper.post(f"{TIERS}{gold.pk}/change/", TIER | {"daily_limit": "6", "key": "silver"})
        free = Tier.objects.get(key="free")
        keeper.post(f"{TIERS}{free.pk}/change/", TIER | {"name": "Free", "credit_allowance": "999"})

        gold.refresh_from_db()
        free.refresh_from_db()
        assert (gold.key, gold.daily_limit, gold.monthly_limit) == ("gold", 6, None)
        assert (free.credit_allowance, free.is_default) == (999, True)
        assert books.account().max_credits == standing.max_credits == 50

    def test_say_that_editing_changes_nobody(self, keeper: Client) -> None:
        page = keeper.get(f"{TIERS}{Tier.objects.get(key='pro').pk}/change/").content.decode()

        assert "changes nobody who is here already" in page

    def test_have_one_default_that_another_one_takes_over(self, keeper: Client) -> None:
        pro = Tier.objects.get(key="pro")
        data = TIER | {"key": "pro", "name": "Pro"}

        assert keeper.post(f"{TIERS}{pro.pk}/change/", data | {"make_default": "on"})
        assert [tier.key for tier in Tier.objects.filter(is_default=True)] == ["pro"]

        keeper.post(f"{TIERS}{pro.pk}/change/", data)
        assert [tier.key for tier in Tier.objects.filter(is_default=True)] == ["pro"]

    @pytest.mark.parametrize(
        ("key", "sentence"),
        [("free", "This is the default tier."), ("pro", "People have this tier.")],
    )
    def test_that_are_needed_are_not_deleted(self, keeper: Client, key: str, sentence: str) -> None:
        services.open_usage(user_id="ann", tier="pro", at=books.MOMENT)
        tier = Tier.objects.get(key=key)

        response = keeper.post(f"{TIERS}{tier.pk}/delete/", {"post": "yes"}, follow=True)

        assert sentence in response.content.decode()
        assert Tier.objects.filter(key=key).exists()
        assert not LogEntry.objects.exists()

    def test_that_nobody_has_are_deleted(self, keeper: Client) -> None:
        tier = Tier.objects.create(key="old", name="Old")

        keeper.post(f"{TIERS}{tier.pk}/delete/", {"post": "yes"})

        assert not Tier.objects.filter(key="old").exists()

    def test_are_not_deleted_many_at_once(self, keeper: Client) -> None:
        pk = Tier.objects.create(key="old", name="Old").pk
        keeper.post(TIERS, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})

        assert Tier.objects.filter(key="old").exists()

    def test_are_only_read_without_permission(self, viewer: Client) -> None:
        pk = Tier.objects.get(key="pro").pk

        assert viewer.get(f"{TIERS}{pk}/change/").status_code == 200
        assert viewer.post(f"{TIERS}{pk}/change/", TIER).status_code == 403
        assert viewer.post(f"{TIERS}add/", TIER).status_code == 403
        assert viewer.post(f"{TIERS}{pk}/delete/", {"post": "yes"}).status_code == 403


# Each list with its statements: session, user, two kinds of permissions, count and rows; the lists
# with the filter of tiers read these, and the list of tiers counts all of its few rows once more.
LISTS = {
    "creditaccount": 7, "credittransaction": 6, "credithold": 6, "usage": 7, "usageoverride": 6,
    "ledgercheckpoint": 6, "tier": 7,
}  # fmt: skip


def make_rows(count: int) -> None:
    """Rows in every table of billing, of `count` persons."""
    now = timezone.now()
    for number in range(count):
        person = f"person-{number}-{uuid.uuid4().hex}"
        books.open_account(person, at=now)
        hold_of(5, now, user_id=person)
        services.change_usage(
            user_id=person, changes={"daily_limit": 5}, reason="x", actor="staff:x", at=now
        )
        LedgerCheckpoint.objects.create(
            person=books.person(person),
            sequence=1,
            balance=50,
            digest="0" * 64,
            archive="a",
            created_at=now,
        )


@pytest.mark.django_db
class TestEveryPage:
    @pytest.mark.parametrize(("name", "statements"), LISTS.items())
    def test_of_a_list_costs_the_same_at_any_length(
        self, viewer: Client, name: str, statements: int
    ) -> None:
        make_rows(1)
        with assert_statements(statements):
            viewer.get(f"{BILLING}{name}/")
        make_rows(20)

        with assert_statements(statements) as sent:
            assert viewer.get(f"{BILLING}{name}/").status_code == 200

        counts = [statement for statement in sent if "COUNT(*)" in statement]
        assert name == "tier" or all("LIMIT 10001" in statement for statement in counts)
        assert all("SUM(" not in statement for statement in counts)

    @pytest.mark.parametrize("permissions", [VIEWS, None])
    def test_opens(self, permissions: tuple[str, ...] | None) -> None:
        make_rows(1)
        if permissions is None:
            client = Client()
            client.force_login(User.objects.create_superuser("root"))
        else:
            client = staff(*permissions)

        for model in (CreditAccount, CreditTransaction, CreditHold, Usage, UsageOverride,
                      LedgerCheckpoint, Tier):  # fmt: skip
            url = f"{BILLING}{model._meta.model_name}/"
            row = model._default_manager.order_by("pk").last()
            assert row is not None
            assert client.get(url).status_code == 200, url
            assert client.get(f"{url}{row.pk}/change/").status_code == 200, url

    @pytest.mark.parametrize("name", [name for name in LISTS if name != "tier"])
    def test_has_no_form_that_changes_rows(self, name: str) -> None:
        make_rows(1)
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        standing = state()
        pk = CreditAccount.objects.get().pk if name == "creditaccount" else 1

        assert client.get(f"{BILLING}{name}/add/").status_code == 403
        for page in ("add", f"{pk}/change", f"{pk}/delete"):
            response = client.post(f"{BILLING}{name}/{page}/", {"post": "yes"})
            assert response.status_code in (302, 403)
        assert state() == standing

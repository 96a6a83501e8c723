import datetime
import re
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from access.models import StaffAction
from billing.models import (
    CreditAccount,
    CreditTransaction,
    UsageOverride,
)
from tests.billing.pages import (
    ACCOUNTS,
    CREDIT_ACTS,
    EACH_ACT,
    USAGE_ACTS,
    VIEWS,
    act,
    form,
    record,
    staff,
    state,
    with_target,
)


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
    def test_needs_a_reason(
        self,
        manager: Client,
        account: CreditAccount,
        now: datetime.datetime,
        name: str,
        values: dict[str, Any],
    ) -> None:
        part = with_target(name, now)
        standing = state()

        for reason in ("", "  \n ", None, "x" * 2001, "a\x00b"):
            data = form(**values, reason=reason)
            if reason is None:
                del data["reason"]
            assert "errors" in act(manager, account, part, data), reason
            assert state() == standing, reason

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

        action = StaffAction.objects.get()
        assert (action.actor, action.object_id) == ("staff:staff0", str(account.pk))
        assert (action.action, action.person_id) == (f"billing.{name}", account.person_id)
        assert record().endswith("Reason: Because & so")
        assert "Because &amp; so" in page  # on the account's page

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
        def fail(*arguments: Any, **options: Any) -> None:
            raise RuntimeError

        standing = state()
        monkeypatch.setattr(StaffAction, "save", fail)
        manager.raise_request_exception = False

        response = manager.post(f"{ACCOUNTS}{account.pk}/grant/", form(amount=5))

        assert response.status_code == 500
        assert state() == standing

    def test_knows_no_other_account(self, manager: Client) -> None:
        assert manager.get(f"{ACCOUNTS}999/grant/").status_code == 404
        assert manager.post(f"{ACCOUNTS}999/grant/", form(amount=5)).status_code == 404


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
        assert StaffAction.objects.count() == 1
        assert CreditTransaction.objects.filter(type="grant").count() == (name == "grant")
        assert UsageOverride.objects.count() == (name != "grant")

"""Paid views whose hold ends before they do, or is gone when they end."""

import datetime

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from billing import reports
from billing.models import CreditAccount, CreditHold, CreditTransaction
from billing.services import holds
from tests import processes
from tests.billing import paid_urls
from tests.billing.paid_calls import (
    ALLOWANCE,
    available,
    charges,
    paid_headers,
    states,
    unreachable,
)
from tests.billing.paid_urls import COST
from tests.client import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing.paid_urls")]


@pytest.fixture
def account(person: ApiClient) -> CreditAccount:
    """Ann's account with its first 50 credits."""
    person.get("/credits")
    return CreditAccount.objects.get()


def clock_moves_on(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    later = timezone.now() + datetime.timedelta(seconds=seconds)
    monkeypatch.setattr(timezone, "now", lambda: later)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What billing logged, besides the line that each request has."""
    return [record.message for record in caplog.records if record.name.startswith("billing")]


class TestAViewThatOutlastsItsHold:
    @pytest.fixture
    def outlasted(self, account: CreditAccount, monkeypatch: pytest.MonkeyPatch) -> None:
        seconds = django_settings.CREDITS_HOLD_SECONDS + 1
        monkeypatch.setattr(paid_urls, "during", lambda: clock_moves_on(monkeypatch, seconds))

    def test_is_charged_without_it(self, outlasted: None, person: ApiClient) -> None:
        response = person.get("/api/paid/plain")

        assert (charges(), available()) == ([-COST], ALLOWANCE - COST)
        assert paid_headers(response) == (str(COST), str(ALLOWANCE - COST))
        assert CreditTransaction.objects.get(type="deduct").hold is None

    def test_is_charged_without_it_when_the_hold_must_be_ended_first(
        self, outlasted: None, person: ApiClient
    ) -> None:
        person.post("/credits/transactions", {"type": "deduct", "amount": ALLOWANCE - COST})

        response = person.get("/api/paid/plain")

        assert paid_headers(response) == (str(COST), "0")
        assert states() == ["expired"]

    def test_answers_all_the_same_when_the_charge_is_refused(
        self,
        account: CreditAccount,
        person: ApiClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def spend_elsewhere() -> None:
            clock_moves_on(monkeypatch, django_settings.CREDITS_HOLD_SECONDS + 1)
            person.post("/credits/transactions", {"type": "deduct", "amount": ALLOWANCE})

        monkeypatch.setattr(paid_urls, "during", spend_elsewhere)

        response = person.get("/api/paid/plain")

        assert response.status_code == 200
        assert paid_headers(response) == ("0", "0")
        assert charges() == [-ALLOWANCE]
        assert ["a charge is refused" in text for text in said(caplog)] == [True]
        assert "ann" not in caplog.text

    def test_and_fails_leaves_the_credits_free(
        self, outlasted: None, person: ApiClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        person.get("/api/paid/plain/404")

        assert (charges(), available()) == ([], ALLOWANCE)
        assert said(caplog) == []


class TestAHoldThatIsGone:
    @pytest.mark.parametrize("state", ["captured", "released"])
    def test_is_not_charged_again(
        self,
        account: CreditAccount,
        person: ApiClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        state: str,
    ) -> None:
        captured = COST if state == "captured" else 0
        end = lambda: CreditHold.objects.update(state=state, captured_amount=captured)  # noqa: E731
        monkeypatch.setattr(paid_urls, "during", end)

        response = person.get("/api/paid/plain")

        assert response.status_code == 200
        assert (response["X-Credits-Charged"], charges()) == ("0", [])
        assert ["resolved meanwhile" in text for text in said(caplog)] == [True]

    @pytest.mark.parametrize(("status", "service"), [(200, "capture_hold"), (404, "release_hold")])
    def test_with_its_database_leaves_the_answer_as_it_is(
        self,
        account: CreditAccount,
        person: ApiClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        status: int,
        service: str,
    ) -> None:
        monkeypatch.setattr(holds, service, unreachable)

        response = person.get(f"/api/paid/plain/{status}")

        assert (response.status_code, response["X-Credits-Charged"]) == (status, "0")
        assert len(said(caplog)) == 1
        assert states() == ["open"]

    @pytest.mark.django_db(transaction=True)
    def test_with_its_process_ends_by_itself(self, account: CreditAccount, key: str) -> None:
        with processes.child("tests.billing.killed_payer", key) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.kill()
        now = timezone.now()
        then = now + datetime.timedelta(seconds=django_settings.CREDITS_HOLD_SECONDS)

        held = reports.credit_status("ann", tier=None, at=now)
        freed = reports.credit_status("ann", tier=None, at=then)

        assert (held.available_credits, held.held_credits) == (ALLOWANCE - COST, COST)
        assert (freed.available_credits, freed.held_credits) == (ALLOWANCE, 0)
        assert charges() == []

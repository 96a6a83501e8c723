"""Paid views: who pays, how much, and when."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.utils import timezone

from access.services import keys
from billing import middleware
from billing.models import CreditAccount, CreditHold, CreditTransaction
from billing.services import accounts, holds
from tests.asserts import assert_problem, assert_statements
from tests.billing import paid_urls
from tests.billing.paid_calls import (
    ALLOWANCE,
    available,
    charges,
    paid_headers,
    request_of,
    states,
    unreachable,
)
from tests.billing.paid_urls import COST
from tests.client import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing.paid_urls")]

PAID = [
    "plain", "plain/201", "twice", "template", "coroutine", "method", "dispatch", "class",
    "async-method", "ask", "ask/whole", "ask/both", "open",
]  # fmt: skip
RELEASED = [
    "plain/302", "plain/400", "plain/500", "coroutine/404", "ask/refuse", "failing",
    "failing-coroutine", "ask/fail", "ask/fail-to-render",
]  # fmt: skip
OTHER_DRIVERS = ("plain", "ask", "open", "ask/whole", "coroutine")


@pytest.fixture
def account(person: ApiClient) -> CreditAccount:
    """Ann's account with its first 50 credits."""
    person.get("/credits")
    return CreditAccount.objects.get()


class TestA2xxAnswer:
    @pytest.mark.parametrize("route", PAID)
    def test_is_charged_once(self, account: CreditAccount, person: ApiClient, route: str) -> None:
        response = person.get(f"/api/paid/{route}")

        assert response.status_code in (200, 201), response.content
        assert (states(), charges()) == (["captured"], [-COST])
        assert paid_headers(response) == (str(COST), str(ALLOWANCE - COST))

    def test_of_a_rest_framework_function_is_charged_once(
        self, account: CreditAccount, person: ApiClient
    ) -> None:
        response = person.post("/api/paid/api-function", {})

        assert response.status_code == 200
        assert charges() == [-COST]

    def test_says_its_route_and_actor_in_the_ledger(
        self, account: CreditAccount, person: ApiClient
    ) -> None:
        person.get("/api/paid/ask")

        entry = CreditTransaction.objects.get(type="deduct")
        assert (entry.description, entry.actor) == ("paid:ask", "key:application")

    def test_takes_the_persons_credits_and_no_others(
        self, account: CreditAccount, person: ApiClient, stranger: ApiClient
    ) -> None:
        stranger.get("/api/paid/plain")

        assert available() == ALLOWANCE

    def test_at_first_contact_opens_the_account_with_the_tier_of_the_header(
        self, person: ApiClient
    ) -> None:
        response = person.get("/api/paid/plain", x_user_tier="guest")

        assert paid_headers(response) == (str(COST), str(10 - COST))

    def test_to_a_request_with_an_idempotency_key_leaves_the_key_to_the_view(
        self, account: CreditAccount, person: ApiClient
    ) -> None:
        person.get("/api/paid/plain", idempotency_key="k")
        person.get("/api/paid/plain", idempotency_key="k")

        assert charges() == [-COST, -COST]
        assert not CreditHold.objects.exclude(idempotency_key=None).exists()
        assert not CreditTransaction.objects.exclude(idempotency_key=None).exists()


class TestAnyOtherEnd:
    @pytest.mark.parametrize("route", RELEASED)
    def test_sets_the_credits_free(
        self, account: CreditAccount, person: ApiClient, route: str
    ) -> None:
        response = person.get(f"/api/paid/{route}")

        assert not 200 <= response.status_code < 300
        assert (states(), charges(), available()) == (["released"], [], ALLOWANCE)

    def test_by_status_says_so(self, account: CreditAccount, person: ApiClient) -> None:
        response = person.get("/api/paid/plain/404")

        assert paid_headers(response) == ("0", str(ALLOWANCE))

    @pytest.mark.parametrize("route", RELEASED)
    def test_says_that_it_charged_nothing(
        self, account: CreditAccount, person: ApiClient, route: str
    ) -> None:
        assert person.get(f"/api/paid/{route}")["X-Credits-Charged"] == "0"

    @pytest.mark.parametrize("route", ["failing", "failing-coroutine", "ask/fail"])
    def test_by_an_exception_raises_it_again(
        self, account: CreditAccount, person: ApiClient, route: str
    ) -> None:
        person.client.raise_request_exception = True

        with pytest.raises(paid_urls.ViewFailed):
            person.get(f"/api/paid/{route}")

    def test_that_is_no_answer_at_all_sets_the_credits_free(
        self, account: CreditAccount, key: str
    ) -> None:
        view = middleware.credits(cost=COST)(lambda request: None)

        assert view(request_of(key)) is None
        assert states() == ["released"]

    def test_by_a_cancelled_call_sets_the_credits_free(
        self, account: CreditAccount, key: str
    ) -> None:
        @middleware.credits(cost=COST)
        async def waiting(request: Any) -> HttpResponse:
            await asyncio.sleep(60)
            return HttpResponse()

        async def cancel() -> None:
            call = asyncio.create_task(waiting(request_of(key)))
            while not await CreditHold.objects.aexists():
                await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        async_to_sync(cancel)()

        assert states() == ["released"]


class TestWhatIsFree:
    @pytest.mark.parametrize("route", ["free", "priced?cost=0"])
    def test_touches_nothing(self, route: str) -> None:
        with assert_statements(0):
            response = ApiClient(None, None).get(f"/api/paid/{route}")

        assert response.status_code == 200
        assert paid_headers(response) == ("0", None)

    @pytest.mark.django_db(transaction=True)
    def test_is_a_replay_of_the_views_own(self, account: CreditAccount, person: ApiClient) -> None:
        responses = [
            person.post("/api/paid/kept", {"title": "a"}, idempotency_key="k") for _ in range(2)
        ]

        assert [response.status_code for response in responses] == [201, 201]
        assert [paid_headers(response)[0] for response in responses] == [str(COST), "0"]
        assert (states(), charges()) == (["captured", "released"], [-COST])


class TestACost:
    def test_by_a_function_is_that_of_the_request(
        self, account: CreditAccount, person: ApiClient
    ) -> None:
        person.get("/api/paid/priced?cost=7")

        assert charges() == [-7]

    @pytest.mark.parametrize("cost", [-1, True, 1.5, "5", None, 10**15 + 1])
    def test_that_is_no_number_of_credits_is_refused_at_once(self, cost: Any) -> None:
        with pytest.raises(ValueError, match="A cost is a whole number"):
            middleware.credits(cost=cost)

    def test_by_a_coroutine_is_refused_at_once(self) -> None:
        async def cost(request: Any) -> int:
            return 1

        with pytest.raises(ValueError, match="not async"):
            middleware.credits(cost=cost)  # type: ignore[arg-type]

    def test_is_the_outermost_where_a_view_is_paid_twice(
        self, account: CreditAccount, person: ApiClient
    ) -> None:
        person.get("/api/paid/twice")

        assert charges() == [-COST]


class TestARefusal:
    @pytest.mark.parametrize("route", OTHER_DRIVERS)
    def test_without_credentials_is_the_apis(self, db: None, route: str) -> None:
        response = ApiClient(None, "ann").get(f"/api/paid/{route}")

        assert_problem(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("route", OTHER_DRIVERS)
    def test_with_a_wrong_key_is_the_apis(self, db: None, route: str) -> None:
        response = ApiClient("stw_0123456789ab_wrong", "ann").get(f"/api/paid/{route}")

        assert_problem(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("route", OTHER_DRIVERS)
    def test_without_the_scope_is_the_apis(self, db: None, route: str) -> None:
        key = keys.create_key(
            name="reader",
            scopes=["conversations:read", "billing:read"],
            actor="system",
            at=timezone.now(),
        ).key

        problem = assert_problem(
            ApiClient(key, "ann").get(f"/api/paid/{route}"), 403, "missing_scope"
        )

        assert problem["scope"] == "billing:charge"
        assert states() == []

    @pytest.mark.parametrize("route", OTHER_DRIVERS)
    def test_without_a_person_is_the_apis(self, key: str, route: str) -> None:
        response = ApiClient(key, None).get(f"/api/paid/{route}")

        assert_problem(response, 400, "user_id_required")

    def test_of_a_persons_id_is_the_apis(self, key: str) -> None:
        response = ApiClient(key, "a" * 129).get("/api/paid/plain")

        assert_problem(response, 400, "user_id_invalid")

    def test_of_an_unknown_tier_is_the_apis(self, person: ApiClient) -> None:
        assert_problem(person.get("/api/paid/plain", x_user_tier="x"), 400, "unknown_tier")

    @pytest.mark.parametrize("route", OTHER_DRIVERS)
    def test_of_too_few_credits_runs_no_view(
        self,
        account: CreditAccount,
        person: ApiClient,
        route: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        person.post("/credits/transactions", {"type": "deduct", "amount": ALLOWANCE - COST + 1})
        ran: list[int] = []
        monkeypatch.setattr(paid_urls, "during", lambda: ran.append(1))

        response = person.get(f"/api/paid/{route}")

        problem = assert_problem(response, 402, "insufficient_credits")
        assert (problem["needed"], problem["available"], problem["held"]) == (COST, COST - 1, 0)
        assert paid_headers(response) == ("0", str(COST - 1))
        assert (ran, states()) == ([], [])

    def test_of_too_few_credits_is_429_for_clients_of_the_original(
        self, account: CreditAccount, person: ApiClient, settings: Any
    ) -> None:
        settings.CREDITS_EXHAUSTED_STATUS = 429

        assert_problem(person.get("/api/paid/priced?cost=51"), 429, "credits_exhausted")

    def test_of_a_frozen_account_is_the_apis(
        self, account: CreditAccount, person: ApiClient
    ) -> None:
        accounts.freeze_account(
            user_id="ann", actor="staff:dana", reason="a case", at=timezone.now()
        )

        assert_problem(person.get("/api/paid/plain"), 409, "account_frozen")

    def test_by_the_database_is_the_apis(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(holds, "place_hold", unreachable)

        response = person.get("/api/paid/plain")

        assert_problem(response, 503, "database_unavailable")
        assert response["Retry-After"]


class TestWhileTheViewRuns:
    @pytest.mark.django_db(transaction=True)
    def test_no_transaction_is_open(self, account: CreditAccount, person: ApiClient) -> None:
        assert person.get("/api/paid/plain").json() == {"in_transaction": False}

    def test_the_credits_are_held(
        self, account: CreditAccount, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[int] = []
        monkeypatch.setattr(paid_urls, "during", lambda: seen.append(available()))

        person.get("/api/paid/plain")

        assert seen == [ALLOWANCE - COST]

    def test_of_a_late_body_the_credits_are_held_still(
        self, account: CreditAccount, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[list[str]] = []
        monkeypatch.setattr(paid_urls, "during", lambda: seen.append(states()))

        response = person.get("/api/paid/template")

        assert (response.content, seen) == (b"text", [["open"]])


class TestStatements:
    @pytest.mark.parametrize(
        ("route", "expected"),
        [
            # Authentication, hold, capture (2), balance.
            ("plain", 5), ("ask", 5), ("coroutine", 5),
            # REST framework reads the credentials once more.
            ("ask/whole", 6),
            # Authentication, hold, release, balance.
            ("plain/404", 4), ("ask/refuse", 4),
            # Authentication, hold, why not.
            ("priced?cost=51", 3),
        ],
    )  # fmt: skip
    def test_are_these_many(
        self, account: CreditAccount, person: ApiClient, route: str, expected: int
    ) -> None:
        with assert_statements(expected):
            person.get(f"/api/paid/{route}")

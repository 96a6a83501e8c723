"""Routes that settings.CREDITS_COSTS makes paid, and paid views under ASGI."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient

from billing import middleware, payments
from tests.asserts import assert_problem, assert_statements
from tests.billing import paid_urls
from tests.billing.paid_calls import ALLOWANCE, charges, paid_headers, states
from tests.billing.paid_urls import COST
from tests.client import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing.paid_urls")]


class TestTheMapOfCosts:
    @pytest.mark.parametrize(
        "route", ["unpaid", "ask-unpaid", "unpaid-status", "plain", "unpaid-stream"]
    )
    def test_makes_a_route_paid_once(self, key: str, settings: Any, route: str) -> None:
        settings.CREDITS_COSTS = {f"paid:{route}": 3}
        addresses = {
            "ask-unpaid": "ask/unpaid",
            "unpaid-status": "unpaid/204",
            "unpaid-stream": "unpaid-stream/whole",
        }

        response = ApiClient(key, "ann").get(f"/api/paid/{addresses.get(route, route)}")
        list(response)

        assert charges() == [-3]
        assert paid_headers(response) == ("3", str(ALLOWANCE - 3))

    def test_leaves_other_routes_unpaid(self, key: str, settings: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": 3, "paid:plain": 0}

        with assert_statements(0):
            response = ApiClient(None, None).get("/api/paid/unpaid/200")

        assert paid_headers(response) == (None, None)

    def test_refuses_as_the_api_does(self, key: str, settings: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": 51}

        assert_problem(ApiClient(None, None).get("/api/paid/unpaid"), 401, "unauthenticated")
        assert_problem(ApiClient(key, None).get("/api/paid/unpaid"), 400, "user_id_required")
        assert_problem(ApiClient(key, "ann").get("/api/paid/unpaid"), 402, "insufficient_credits")

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_sets_the_credits_free_after_another_status(
        self, key: str, settings: Any, status: int
    ) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid-status": 3}

        response = ApiClient(key, "ann").get(f"/api/paid/unpaid/{status}")

        assert (states(), paid_headers(response)) == (["released"], ("0", str(ALLOWANCE)))

    def test_sets_the_credits_free_after_an_exception(
        self, key: str, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": 3}
        monkeypatch.setattr(paid_urls, "during", fails)

        response = ApiClient(key, "ann").get("/api/paid/unpaid")

        assert (response.status_code, states()) == (500, ["released"])

    def test_takes_functions_too(self, key: str, settings: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": lambda request: len(request.path)}

        ApiClient(key, "ann").get("/api/paid/unpaid")

        assert charges() == [-len("/api/paid/unpaid")]

    def test_charges_once_where_the_middleware_stands_twice(self, key: str, settings: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": 3}
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "billing.middleware.CreditsMiddleware"]

        response = ApiClient(key, "ann").get("/api/paid/unpaid")

        assert (charges(), states()) == ([-3], ["captured"])
        assert paid_headers(response) == ("3", str(ALLOWANCE - 3))

    def test_that_is_empty_is_asked_before_no_view(self, settings: Any) -> None:
        settings.CREDITS_COSTS = {}

        unused = middleware.CreditsMiddleware(HttpResponse)  # type: ignore[arg-type]

        assert not hasattr(unused, "process_view")


def fails() -> None:
    raise paid_urls.ViewFailed


def asgi(key: str, path: str) -> Any:
    """The answer of the asynchronous handler."""
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": "ann"}
    client = AsyncClient(raise_request_exception=False)
    call: Callable[..., Any] = async_to_sync(client.get)
    return call(path, headers=headers)


class TestUnderASGI:
    @pytest.mark.parametrize("route", ["plain", "ask", "coroutine", "class", "template"])
    def test_a_2xx_answer_is_charged_once(self, key: str, route: str) -> None:
        response = asgi(key, f"/api/paid/{route}")

        assert response.status_code == 200
        assert (charges(), states()) == ([-COST], ["captured"])
        assert paid_headers(response) == (str(COST), str(ALLOWANCE - COST))

    @pytest.mark.parametrize("route", ["plain/404", "failing-coroutine", "ask/fail-to-render"])
    def test_any_other_end_sets_the_credits_free(self, key: str, route: str) -> None:
        asgi(key, f"/api/paid/{route}")

        assert (charges(), states()) == ([], ["released"])

    def test_the_map_of_costs_holds(self, key: str, settings: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": 3, "paid:unpaid-status": 3}

        assert asgi(key, "/api/paid/unpaid")["X-Credits-Charged"] == "3"
        assert asgi(key, "/api/paid/unpaid/404")["X-Credits-Charged"] == "0"
        assert_problem(asgi("wrong", "/api/paid/unpaid"), 401, "unauthenticated")
        assert (charges(), states()) == ([-3], ["captured", "released"])

    def test_routes_that_are_not_paid_meet_no_other_thread(
        self, key: str, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.CREDITS_COSTS = {"paid:ask": 3}
        monkeypatch.setattr(payments, "sync_to_async", fails)

        assert asgi(key, "/api/paid/unpaid").status_code == 200

"""Which methods of a paid view cost, and that the others never run it."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from tests.asserts import assert_problem, assert_statements
from tests.billing import paid_urls
from tests.billing.paid_calls import ALLOWANCE, charges, paid_headers, states
from tests.billing.paid_urls import COST
from tests.client import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing.paid_urls")]

MAPPED = {"paid:unpaid": COST, "paid:ask-unpaid": COST, "paid:unpaid-method": COST}
# Each way to make a view paid: functions, classes and REST framework's, by decorator and by map.
FUNCTIONS = ["plain", "coroutine", "unpaid"]
CLASSES = [
    "method", "dispatch", "class", "async-method", "ask", "ask/whole", "open", "ask/unpaid",
    "unpaid-method",
]  # fmt: skip
EVERY = [*FUNCTIONS, *CLASSES]


@pytest.fixture(autouse=True)
def ran(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One item for each time that a paid view ran."""
    settings.CREDITS_COSTS = MAPPED
    times: list[str] = []
    monkeypatch.setattr(paid_urls, "during", lambda: times.append("ran"))
    return times


@pytest.mark.parametrize("route", EVERY)
class TestHead:
    def test_costs_what_get_costs(self, person: ApiClient, ran: list[str], route: str) -> None:
        response = person.request("HEAD", f"/api/paid/{route}")

        assert (response.status_code, response.content) == (200, b"")
        assert paid_headers(response) == (str(COST), str(ALLOWANCE - COST))
        assert (states(), charges(), ran) == (["captured"], [-COST], ["ran"])

    def test_needs_credentials(self, ran: list[str], route: str) -> None:
        response = ApiClient(None, "ann").request("HEAD", f"/api/paid/{route}")

        assert (response.status_code, response["X-Credits-Charged"]) == (401, "0")
        assert ran == []

    def test_needs_credits(self, person: ApiClient, ran: list[str], route: str) -> None:
        person.post("/credits/transactions", {"type": "deduct", "amount": ALLOWANCE})

        response = person.request("HEAD", f"/api/paid/{route}")

        assert (response.status_code, response["X-Credits-Charged"]) == (402, "0")
        assert (states(), ran) == ([], [])


@pytest.mark.parametrize("route", EVERY)
class TestOptions:
    def test_runs_no_view_and_charges_nothing(
        self, person: ApiClient, ran: list[str], route: str
    ) -> None:
        person.get("/credits")

        response = person.request("OPTIONS", f"/api/paid/{route}")

        assert (response.status_code, response.content) == (200, b"")
        assert response["X-Credits-Charged"] == "0"
        assert (states(), charges(), ran) == ([], [], [])

    def test_sends_no_statement(self, ran: list[str], route: str) -> None:
        with assert_statements(0):
            response = ApiClient(None, None).request("OPTIONS", f"/api/paid/{route}")

        # REST framework's own answer, around a paid method, asks for credentials as ever.
        assert response.status_code == (401 if route == "ask" else 200)
        assert ran == []

    def test_of_a_browser_that_asks_first_is_answered_by_cors(
        self, settings: Any, ran: list[str], route: str
    ) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]

        with assert_statements(0):
            response = ApiClient(None, None).request(
                "OPTIONS",
                f"/api/paid/{route}",
                origin="https://shop.example",
                access_control_request_method="GET",
            )

        assert response["Access-Control-Allow-Origin"] == "https://shop.example"
        assert (response.status_code, response.content, ran) == (200, b"", [])


class TestAFunctionOfRESTFramework:
    """With `credits` above `api_view`; that one takes GET alone here, and no HEAD."""

    @pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("HEAD", 405), ("PUT", 405)])
    def test_runs_for_its_methods_alone(
        self, person: ApiClient, ran: list[str], method: str, status: int
    ) -> None:
        response = person.request(method, "/api/paid/api-function-within")

        assert (response.status_code, response["X-Credits-Charged"]) == (status, "0")
        assert response["Allow"] == "GET, OPTIONS"
        assert (states(), ran) == ([], [])

    def test_is_charged(self, person: ApiClient, ran: list[str]) -> None:
        response = person.get("/api/paid/api-function-within")

        assert (paid_headers(response)[0], ran) == (str(COST), ["ran"])


@pytest.mark.parametrize("route", CLASSES)
def test_options_of_a_class_names_its_methods(person: ApiClient, route: str) -> None:
    response = person.request("OPTIONS", f"/api/paid/{route}")

    assert {"GET", "HEAD", "OPTIONS"} <= set(response["Allow"].split(", "))
    assert "DELETE" not in response["Allow"]


@pytest.mark.parametrize("route", EVERY)
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND"])
class TestAMethodThatNoViewHas:
    def test_is_405_and_charges_nothing(
        self, person: ApiClient, ran: list[str], method: str, route: str
    ) -> None:
        person.get("/credits")

        response = person.request(method, f"/api/paid/{route}")

        assert response.status_code == 405
        if route not in ("method", "async-method"):  # where Django's class itself refuses
            assert_problem(response, 405, "method_not_allowed")
        assert "GET" in response["Allow"]
        assert response["X-Credits-Charged"] == "0"
        assert (states(), charges(), ran) == ([], [], [])


@pytest.mark.parametrize("route", [r for r in CLASSES if r != "ask"])
def test_a_method_that_the_class_has_not_is_405_and_charges_nothing(
    person: ApiClient, ran: list[str], route: str
) -> None:
    person.get("/credits")

    response = person.request("DELETE", f"/api/paid/{route}")

    assert (response.status_code, response["X-Credits-Charged"]) == (405, "0")
    assert (charges(), ran) == ([], [])
    assert "open" not in states()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("route", FUNCTIONS)
def test_every_other_method_of_a_function_costs(
    person: ApiClient, ran: list[str], method: str, route: str
) -> None:
    response = person.request(method, f"/api/paid/{route}")

    assert response["X-Credits-Charged"] == str(COST)
    assert (states(), ran) == (["captured"], ["ran"])


@pytest.mark.parametrize("route", EVERY)
class TestUnderASGI:
    @pytest.mark.parametrize(("method", "charged"), [("HEAD", COST), ("OPTIONS", 0), ("TRACE", 0)])
    def test_it_is_the_same(
        self, key: str, ran: list[str], route: str, method: str, charged: int
    ) -> None:
        headers = {"Authorization": f"Bearer {key}", "X-User-Id": "ann"}
        client = AsyncClient(raise_request_exception=False)

        async def call() -> Any:
            return await client.generic(method, f"/api/paid/{route}", headers=headers)

        response = async_to_sync(call)()

        assert response["X-Credits-Charged"] == str(charged)
        assert ran == (["ran"] if charged else [])

"""A function that gives a view's cost, and fails or gives none."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from tests.asserts import assert_problem, stored
from tests.billing import paid_urls
from tests.billing.paid_calls import charges, paid_headers, states
from tests.client import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing.paid_urls")]

KINDS = ["raises", *paid_urls.BAD_COSTS]


@pytest.fixture(autouse=True)
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One item for each time that a paid view ran."""
    times: list[str] = []
    monkeypatch.setattr(paid_urls, "during", lambda: times.append("ran"))
    return times


@pytest.mark.parametrize("kind", KINDS)
class TestACostThatIsNone:
    @pytest.mark.parametrize("route", ["badly-priced", "badly-priced-coroutine"])
    def test_is_400_and_holds_nothing(
        self, person: ApiClient, ran: list[str], route: str, kind: str
    ) -> None:
        person.get("/credits")
        before = stored()

        response = person.get(f"/api/paid/{route}?kind={kind}")

        assert_problem(response, 400, "cost_invalid")
        assert response["X-Credits-Charged"] == "0"
        assert (ran, stored()) == ([], before)

    def test_is_400_by_the_map_of_costs(
        self, person: ApiClient, ran: list[str], settings: Any, kind: str
    ) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": paid_urls.cost_of}

        response = person.get(f"/api/paid/unpaid?kind={kind}")

        assert_problem(response, 400, "cost_invalid")
        assert (ran, states(), charges()) == ([], [], [])

    def test_is_400_under_asgi(self, key: str, ran: list[str], kind: str) -> None:
        headers = {"Authorization": f"Bearer {key}", "X-User-Id": "ann"}
        client = AsyncClient(raise_request_exception=False)

        response = async_to_sync(client.get)(
            f"/api/paid/badly-priced-coroutine?kind={kind}", headers=headers
        )

        assert_problem(response, 400, "cost_invalid")
        assert (ran, states()) == ([], [])

    def test_is_logged_with_what_happened(
        self, person: ApiClient, caplog: pytest.LogCaptureFixture, kind: str
    ) -> None:
        person.get(f"/api/paid/badly-priced?kind={kind}")

        (record,) = (each for each in caplog.records if each.name == "billing.costs")
        assert (record.levelname, "badly-priced" in record.getMessage()) == ("WARNING", True)
        expected = KeyError if kind == "raises" else ValueError
        assert record.exc_info is not None and record.exc_info[0] is expected


class TestACostByTheBody:
    def test_is_that_of_the_body(self, person: ApiClient) -> None:
        response = person.post("/api/paid/priced-by-body", {"models": ["a", "b"]})

        assert paid_headers(response) == ("2", "48")

    @pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b'{"models": 3}'])
    def test_that_has_it_not_is_400(self, person: ApiClient, body: bytes) -> None:
        response = person.post("/api/paid/priced-by-body", raw=body)

        assert_problem(response, 400, "cost_invalid")
        assert states() == []

    def test_that_is_no_json_keeps_its_own_answer(self, person: ApiClient) -> None:
        response = person.post("/api/paid/priced-by-body", raw=b"{")

        assert_problem(response, 400, "malformed_json")
        assert response["X-Credits-Charged"] == "0"

    def test_is_free_where_it_is_zero(self, person: ApiClient) -> None:
        response = person.post("/api/paid/priced-by-body", {"models": []})

        assert (response.status_code, paid_headers(response)) == (200, ("0", None))
        assert states() == []

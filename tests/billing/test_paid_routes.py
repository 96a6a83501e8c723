"""What the system checks refuse of paid routes."""

from typing import Any

import pytest
from django.core.checks import run_checks

pytestmark = pytest.mark.urls("tests.billing.paid_urls")


def found(id_: str) -> list[str]:
    return [message.msg for message in run_checks() if message.id == id_]


@pytest.fixture
def atomic_requests(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ATOMIC_REQUESTS", True)


class TestAtomicRequests:
    @pytest.mark.parametrize("name", ["plain", "method", "ask"])
    def test_are_refused_with_a_decorated_view(self, atomic_requests: None, name: str) -> None:
        assert any(f"'paid:{name}'" in message for message in found("billing.E001"))

    @pytest.mark.parametrize("name", ["unpaid", "non-atomic"])
    def test_are_no_matter_elsewhere(self, atomic_requests: None, name: str) -> None:
        assert not any(f"'paid:{name}'" in message for message in found("billing.E001"))

    def test_are_refused_with_a_route_in_the_map(
        self, atomic_requests: None, settings: Any
    ) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": 1}

        assert any("'paid:unpaid'" in message for message in found("billing.E001"))

    def test_that_are_off_are_no_matter(self) -> None:
        assert found("billing.E001") == []


class TestTheMapOfCosts:
    def test_names_routes_that_there_are(self, settings: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": 1, "usage": 0, "paid:unpiad": 1}

        assert found("billing.E002") == [
            "CREDITS_COSTS names 'paid:unpiad'; no route has this name."
        ]

    @pytest.mark.parametrize("cost", [-1, "5", 1.5])
    def test_holds_numbers_of_credits(self, settings: Any, cost: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": cost}

        assert len(found("billing.E002")) == 1

    def test_may_hold_functions(self, settings: Any) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid": lambda request: 1}

        assert found("billing.E002") == []

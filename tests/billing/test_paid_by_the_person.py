"""A person who calls a paid view with their own token pays for their own call."""

from collections.abc import Iterator
from typing import Any

import pytest

from billing.models import CreditAccount, CreditHold, CreditTransaction
from tests.access.issuer import public_pem, rsa_key, seconds, token, trusting
from tests.asserts import assert_problem
from tests.billing.paid_calls import ALLOWANCE, charges, paid_headers
from tests.billing.paid_urls import COST
from tests.client import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing.paid_urls")]


@pytest.fixture(autouse=True)
def one_trusted_key() -> Iterator[None]:
    with trusting(public_pem(rsa_key("one"))):
        yield


def call(route: str, user_id: str | None = None, exp: Any = None, **headers: str) -> Any:
    signed = token(exp=exp or seconds(60))
    return ApiClient(signed, user_id).get(f"/api/paid/{route}", **headers)


class TestAPersonsOwnToken:
    @pytest.mark.parametrize("route", ["plain", "coroutine", "method", "ask"])
    def test_pays_for_the_persons_own_call(self, route: str) -> None:
        response = call(route)

        assert response.status_code == 200, response.content
        assert paid_headers(response) == (str(COST), str(ALLOWANCE - COST))
        assert charges() == [-COST]
        charged = CreditTransaction.objects.get(type="deduct")
        assert (charged.person.user_id, charged.actor) == ("ann", "self")

    def test_does_not_choose_the_tier_that_pays(self) -> None:
        call("plain", x_user_tier="enterprise")

        assert CreditAccount.objects.get().tier == "free"

    def test_that_has_expired_is_refused_before_the_view_runs(self) -> None:
        assert_problem(call("plain", exp=seconds(-60)), 401, "invalid_token")
        assert not CreditHold.objects.exists()

    def test_does_not_let_another_person_pay(self) -> None:
        assert_problem(call("plain", "bob"), 403, "person_mismatch")
        assert not CreditHold.objects.exists()

"""A service key is changed without a pause: the new one beside the old, then the old one ends."""

from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command

from access.models import ApiKey
from billing.models import CreditTransaction
from tests import processes
from tests.asserts import assert_problem
from tests.client import ApiClient

CHARGE = {"type": "deduct", "amount": 20}


def make(name: str, capsys: pytest.CaptureFixture[str], *, replace: bool = False) -> ApiClient:
    call_command("create_api_key", name, scopes=["all"], replace=replace)
    return ApiClient(capsys.readouterr().out.splitlines()[-1], "ann")


def states() -> list[str]:
    return [key.state for key in ApiKey.objects.order_by("pk")]


@pytest.mark.django_db
class TestAChangeOfKeys:
    def test_has_no_pause(self, capsys: pytest.CaptureFixture[str]) -> None:
        old = make("shop", capsys)
        made = old.post("/conversations", {"title": "Kept"}).json()["id"]

        new = make("shop", capsys, replace=True)
        both = [client.get(f"/conversations/{made}").status_code for client in (old, new)]
        call_command("revoke_api_key", "shop", "--replaced")

        assert both == [200, 200]
        assert_problem(old.get(f"/conversations/{made}"), 401, "unauthenticated")
        assert new.get(f"/conversations/{made}").status_code == 200
        assert states() == ["revoked", "active"]

    def test_lets_a_retry_with_the_new_key_be_one_act_with_the_old(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        old = make("shop", capsys)
        first = old.post("/credits/transactions", CHARGE, idempotency_key="k")
        new = make("shop", capsys, replace=True)
        call_command("revoke_api_key", "shop", "--replaced")

        again = new.post("/credits/transactions", CHARGE, idempotency_key="k")

        assert (again.status_code, again.json()) == (201, first.json())
        assert again["Idempotency-Replayed"] == "true"
        assert CreditTransaction.objects.filter(type="deduct").count() == 1
        assert first.json()["actor"] == "key:shop"

    def test_under_another_name_makes_another_caller(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for client in (make("shop-1", capsys), make("shop-2", capsys)):
            client.post("/credits/transactions", CHARGE, idempotency_key="k")

        assert CreditTransaction.objects.filter(type="deduct").count() == 2

    def test_may_use_the_old_name_again(self, capsys: pytest.CaptureFixture[str]) -> None:
        old = make("shop", capsys)
        first = old.post("/credits/transactions", CHARGE, idempotency_key="k")
        call_command("revoke_api_key", "shop")

        again = make("shop", capsys).post("/credits/transactions", CHARGE, idempotency_key="k")

        assert again.json() == first.json()
        assert again["Idempotency-Replayed"] == "true"

    def test_may_be_made_again_before_the_last_one_is_ended(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        clients = [make("shop", capsys), *(make("shop", capsys, replace=True) for _ in range(2))]

        assert [client.get("/credits").status_code for client in clients] == [200, 200, 200]
        assert states() == ["replaced", "replaced", "active"]

    def test_of_a_name_that_no_key_has_is_refused(self) -> None:
        with pytest.raises(CommandError, match="No unrevoked key is named 'shop'"):
            call_command("create_api_key", "shop", scopes=["all"], replace=True)

        assert not ApiKey.objects.exists()


@pytest.mark.django_db
class TestRevoking:
    def test_ends_the_replaced_keys_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        clients = [make("shop", capsys), make("shop", capsys, replace=True)]

        call_command("revoke_api_key", "shop")

        assert [client.get("/credits").status_code for client in clients] == [401, 401]
        assert states() == ["revoked", "revoked"]

    def test_of_replaced_keys_where_none_is_is_refused(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make("shop", capsys)

        with pytest.raises(CommandError, match="No replaced key is named 'shop'"):
            call_command("revoke_api_key", "shop", "--replaced")

        assert states() == ["active"]


@pytest.mark.django_db(transaction=True)
def test_of_many_changes_at_once_one_key_is_the_current_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make("shop", capsys)

    def change(number: int) -> None:
        with suppress(CommandError):  # another one was quicker
            call_command("create_api_key", "shop", scopes=["all"], replace=True)

    processes.at_once(change, clients=4)

    assert states().count("active") == 1
    assert set(states()) == {"active", "replaced"}

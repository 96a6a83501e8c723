"""A service key is changed without a pause: the new one beside the old, then the old one ends."""

import pytest
from django.core.management import call_command

from tests.asserts import assert_problem
from tests.client import ApiClient


def make(name: str, capsys: pytest.CaptureFixture[str]) -> ApiClient:
    call_command("create_api_key", name, scopes=["conversations:read", "conversations:write"])
    return ApiClient(capsys.readouterr().out.splitlines()[-1], "ann")


@pytest.mark.django_db
class TestAChangeOfKeys:
    def test_has_no_pause(self, capsys: pytest.CaptureFixture[str]) -> None:
        old = make("shop-1", capsys)
        made = old.post("/conversations", {"title": "Kept"}).json()["id"]

        new = make("shop-2", capsys)
        both = [client.get(f"/conversations/{made}").status_code for client in (old, new)]
        call_command("revoke_api_key", "shop-1")

        assert both == [200, 200]
        assert_problem(old.get(f"/conversations/{made}"), 401, "unauthenticated")
        assert new.get(f"/conversations/{made}").status_code == 200

    def test_may_use_the_old_name_again(self, capsys: pytest.CaptureFixture[str]) -> None:
        make("shop", capsys)
        call_command("revoke_api_key", "shop")

        assert make("shop", capsys).get("/conversations").status_code == 200

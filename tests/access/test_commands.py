from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from access.models import ApiKey, StaffAction
from access.scopes import SCOPES
from tests.client import ApiClient

pytestmark = pytest.mark.django_db


def command(name: str, *arguments: str) -> str:
    output = StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


class TestCreate:
    def test_prints_the_key_alone_on_the_last_line_and_it_works(self) -> None:
        key = command("create_api_key", "web", "--scopes", "all").splitlines()[-1]

        assert key.startswith("stw_")
        assert ApiClient(key, "ann").get("/conversations").status_code == 200

    def test_is_recorded_with_the_end_of_the_key(self) -> None:
        command("create_api_key", "web", "--scopes", "all")
        command("revoke_api_key", "web")

        key = str(ApiKey.objects.get().pk)
        done = StaffAction.objects.order_by("pk").values_list("actor", "action", "object_id")
        assert list(done) == [
            ("system", "access.create_key", key), ("system", "access.revoke_key", key),
        ]  # fmt: skip

    def test_gives_every_scope_for_all(self) -> None:
        command("create_api_key", "web", "--scopes", "all")

        assert ApiKey.objects.get().scopes == list(SCOPES)

    def test_gives_only_the_named_scopes(self) -> None:
        key = command("create_api_key", "web", "--scopes", "conversations:read").splitlines()[-1]

        assert ApiClient(key, "ann").get("/conversations").status_code == 200
        assert ApiClient(key, "ann").post("/conversations", {}).status_code == 403

    @pytest.mark.parametrize(
        "arguments",
        [
            ["web", "--scopes", "everything"],
            ["web"],
            ["", "--scopes", "all"],
            ["a\nb", "--scopes", "all"],
            ["web", "--scopes", "all", "--expires-in-days", "0"],
        ],
    )
    def test_refuses_bad_arguments(self, arguments: list[str]) -> None:
        with pytest.raises(CommandError):
            command("create_api_key", *arguments)
        assert not ApiKey.objects.exists()

    def test_refuses_a_name_in_use(self) -> None:
        command("create_api_key", "web", "--scopes", "all")

        with pytest.raises(CommandError, match="revoke it first"):
            command("create_api_key", "web", "--scopes", "all")
        assert ApiKey.objects.count() == 1


class TestList:
    def test_shows_names_states_and_scopes_but_no_key(self) -> None:
        key = command("create_api_key", "web", "--scopes", "cache:read").splitlines()[-1]
        command("create_api_key", "old", "--scopes", "all")
        command("revoke_api_key", "old")

        listed = command("list_api_keys")

        assert "cache:read" in listed
        assert listed.index("old") < listed.index("web")
        assert "revoked" in listed
        assert key.split("_", 2)[2] not in listed


class TestRevoke:
    def test_ends_the_key_at_once(self) -> None:
        key = command("create_api_key", "web", "--scopes", "all").splitlines()[-1]

        command("revoke_api_key", "web")

        assert ApiClient(key, "ann").get("/conversations").status_code == 401

    def test_refuses_an_unknown_name(self) -> None:
        with pytest.raises(CommandError, match="No unrevoked key"):
            command("revoke_api_key", "web")

import pytest
from django.utils import timezone

from access.scopes import SCOPES
from access.services import keys
from conversations.models import Conversation
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient


def caller(*scopes: str) -> ApiClient:
    new = keys.create_key(
        name=", ".join(scopes)[:40].replace(",", ""),
        scopes=scopes,
        actor="system",
        at=timezone.now(),
    )
    return ApiClient(new.key, "ann")


@pytest.mark.django_db
class TestAScope:
    def test_to_read_does_not_let_write(self) -> None:
        reader = caller("conversations:read")

        assert reader.get("/conversations").status_code == 200
        problem = assert_problem(reader.post("/conversations", {}), 403, "missing_scope")

        assert problem["scope"] == "conversations:write"
        assert not Conversation.objects.exists()

    def test_to_write_does_not_let_read(self) -> None:
        writer = caller("conversations:write")

        made = writer.post("/conversations", {}).json()

        for path in ("/conversations", f"/conversations/{made['id']}"):
            problem = assert_problem(writer.get(path), 403, "missing_scope")
            assert problem["scope"] == "conversations:read"

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_to_read_lets_nothing_be_changed(self, person: ApiClient, method: str) -> None:
        made = person.post("/conversations", {"title": "Heat"}).json()

        response = caller("conversations:read").request(
            method, f"/conversations/{made['id']}", {"title": "Cold"}
        )

        assert_problem(response, 403, "missing_scope")
        assert person.get(f"/conversations/{made['id']}").json()["title"] == "Heat"

    def test_of_every_other_kind_does_not_open_conversations(self) -> None:
        others = [scope for scope in SCOPES if not scope.startswith("conversations:")]
        stranger = caller(*others)

        assert_problem(stranger.get("/conversations"), 403, "missing_scope")
        assert_problem(stranger.post("/conversations", {}), 403, "missing_scope")
        assert not Conversation.objects.exists()

    def test_that_is_lacking_costs_one_statement(self) -> None:
        reader = caller("conversations:read")

        with assert_statements(1):
            reader.post("/conversations", {})

    def test_that_is_lacking_is_said_before_anything_of_the_body(self) -> None:
        response = caller("conversations:read").post("/conversations", raw=b"no json")

        assert_problem(response, 403, "missing_scope")


class TestAnOpenRoute:
    @pytest.mark.parametrize("path", ["/schema", "/schema?format=json", "/docs"])
    def test_needs_no_key(self, db: None, path: str) -> None:
        with assert_statements(0):
            response = ApiClient(None, None).get(path)

        assert response.status_code == 200

    @pytest.mark.parametrize("path", ["/schema", "/docs"])
    def test_is_no_matter_of_a_bad_key(self, db: None, path: str) -> None:
        assert ApiClient("stw_unknown_key", None).get(path).status_code == 200

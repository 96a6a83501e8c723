from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.scopes import SCOPES
from access.services import keys
from conversations.models import Conversation
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.common.broken_urls import SECRET


@pytest.fixture
def broken(settings: Any) -> Client:
    settings.ROOT_URLCONF = "tests.common.broken_urls"
    return Client(raise_request_exception=False)


class TestAnUnknownAddress:
    @pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/nothing", "/api/v2/conversations"])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    @pytest.mark.parametrize("debug", [False, True])
    def test_is_a_problem_below_api(
        self, settings: Any, client: Client, path: str, method: str, debug: bool
    ) -> None:
        settings.DEBUG = debug

        problem = assert_problem(client.generic(method, path), 404, "not_found")

        assert problem["instance"] == path
        assert problem["type"] == "urn:steward:problem:not_found"
        assert problem["detail"] == "No such address; /api/v1/docs shows them all."

    @pytest.mark.parametrize("path", ["/nothing", "/apiary", "/v1/conversations"])
    def test_is_a_page_elsewhere(self, client: Client, path: str) -> None:
        response = client.get(path)

        assert response.status_code == 404
        assert response["Content-Type"].startswith("text/html")

    def test_is_a_problem_when_a_view_raises_it(self, broken: Client) -> None:
        for path in ("/api/plain/absent", "/api/view/absent"):
            response = broken.get(path)

            assert assert_problem(response, 404, "not_found")["detail"] == "Not found."
            assert SECRET not in response.content.decode()


class TestABadHost:
    def test_is_a_problem_below_api(self, settings: Any, client: Client) -> None:
        settings.ALLOWED_HOSTS = ["steward.example"]

        response = client.get("/api/v1/conversations", headers={"Host": "evil.example"})

        assert_problem(response, 400, "bad_request")
        assert "evil.example" not in response.content.decode()

    def test_is_a_page_elsewhere(self, settings: Any, client: Client) -> None:
        settings.ALLOWED_HOSTS = ["steward.example"]

        response = client.get("/admin/", headers={"Host": "evil.example"})

        assert response.status_code == 400
        assert response["Content-Type"].startswith("text/html")


class TestAForbiddenAct:
    @pytest.mark.parametrize("path", ["/api/plain/forbidden", "/api/view/forbidden"])
    def test_is_a_problem_below_api(self, broken: Client, path: str) -> None:
        response = broken.get(path)

        assert_problem(response, 403, "permission_denied")
        assert SECRET not in response.content.decode()

    def test_is_a_page_elsewhere(self, broken: Client) -> None:
        response = broken.get("/pages/forbidden")

        assert response.status_code == 403
        assert response["Content-Type"].startswith("text/html")


class TestAMethodThatARouteDoesNotHave:
    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
    def test_is_a_problem_that_says_which_it_has(self, person: ApiClient, method: str) -> None:
        response = person.request(method, "/conversations")

        assert_problem(response, 405, "method_not_allowed")
        assert {"GET", "POST"} <= set(response["Allow"].split(", "))
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize("method", ["PUT", "OPTIONS"])
    def test_is_told_to_nobody_without_a_key(self, db: None, method: str) -> None:
        response = ApiClient(None, "ann").request(method, "/conversations")

        assert_problem(response, 401, "unauthenticated")

    def test_is_not_among_those_that_options_names(self, person: ApiClient) -> None:
        response = person.request("OPTIONS", "/conversations")

        assert (response.status_code, response.content) == (200, b"")
        assert response["Allow"] == "GET, POST, HEAD, OPTIONS"


class TestABodyOfAnotherType:
    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
    )
    def test_is_a_problem(self, person: ApiClient, content_type: str) -> None:
        response = person.post("/conversations", {"title": "Heat"}, content_type=content_type)

        assert_problem(response, 415, "unsupported_media_type")
        assert not Conversation.objects.exists()

    def test_is_no_matter_of_what_the_client_accepts(self, person: ApiClient) -> None:
        response = person.get("/conversations", accept="text/html")

        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"


class TestABug:
    @pytest.mark.parametrize("path", ["/api/plain/bug", "/api/view/bug", "/api/unknown-type"])
    def test_is_a_problem_that_names_no_internals(self, broken: Client, path: str) -> None:
        response = broken.get(path)

        assert_problem(response, 500, "internal_error")
        text = response.content.decode()
        assert not any(word in text for word in (SECRET, "RuntimeError", "Decimal", "Traceback"))

    def test_is_a_page_elsewhere(self, broken: Client) -> None:
        response = broken.get("/pages/bug")

        assert response.status_code == 500
        assert response["Content-Type"].startswith("text/html")
        assert SECRET not in response.content.decode()


class TestAnInvalidField:
    def test_is_named_with_what_is_wrong(self, person: ApiClient) -> None:
        response = person.post("/conversations", {"title": 5, "colour": "red"})

        problem = assert_problem(response, 400, "invalid_request")
        assert list(problem["errors"]) == ["title"]
        assert not Conversation.objects.exists()

    def test_is_named_when_it_is_unknown(self, person: ApiClient) -> None:
        response = person.post("/conversations", {"title": "Heat", "colour": "red"})

        problem = assert_problem(response, 400, "invalid_request")
        assert list(problem["errors"]) == ["colour"]
        assert not Conversation.objects.exists()

    def test_is_named_inside_a_list(self, broken: Client) -> None:
        response = broken.post(
            "/api/numbers", {"numbers": [1, "x"]}, content_type="application/json"
        )

        problem = assert_problem(response, 400, "invalid_request")
        assert list(problem["errors"]["numbers"]) == ["1"]


class TestAnotherPersonsRow:
    def test_is_told_as_if_it_were_not_there(self, person: ApiClient, stranger: ApiClient) -> None:
        theirs = person.post("/conversations", {}).json()["id"]
        nobodys = "00000000-0000-7000-8000-000000000000"

        of_theirs = assert_problem(stranger.get(f"/conversations/{theirs}"), 404, "not_found")
        of_nobodys = assert_problem(stranger.get(f"/conversations/{nobodys}"), 404, "not_found")

        del of_theirs["instance"], of_nobodys["instance"]
        assert of_theirs == of_nobodys


class TestARequestForNobody:
    def test_is_refused_on_a_personal_route(self, db: None) -> None:
        key = keys.create_key(
            name="application", scopes=SCOPES, actor="system", at=timezone.now()
        ).key

        response = ApiClient(key, None).post("/conversations", {})

        assert_problem(response, 400, "user_id_required")
        assert not Conversation.objects.exists()

"""What answers tell a browser."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.client import ApiClient

STRICT = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def directives(response: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


class TestAnAnswerOfTheApi:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/conversations", 200),
            ("POST", "/conversations", 201),
            ("GET", "/credits", 200),
            ("GET", "/nowhere", 404),
            ("PUT", "/conversations", 405),
            ("OPTIONS", "/conversations", 200),
        ],
    )
    def test_runs_nothing_and_is_kept_by_nobody(
        self, person: ApiClient, method: str, path: str, status: int
    ) -> None:
        response = person.request(method, path, {} if method == "POST" else None)

        assert response.status_code == status
        assert response["Content-Security-Policy"] == STRICT
        assert response["Cache-Control"] == "no-store"
        assert {name: response[name] for name in EVERYWHERE} == EVERYWHERE
        assert "geolocation=()" in response["Permissions-Policy"]

    def test_says_so_when_it_is_refused_as_well(self, db: None) -> None:
        response = ApiClient(None, None).get("/conversations")

        assert response["Content-Security-Policy"] == STRICT
        assert response["Cache-Control"] == "no-store"

    def test_says_so_when_the_body_is_too_large(self, person: ApiClient) -> None:
        response = person.post("/conversations", raw=b" " * 5_242_881)

        assert response.status_code == 413
        assert response["Content-Security-Policy"] == STRICT

    def test_that_is_a_file_runs_nothing(self, person: ApiClient) -> None:
        made = person.post("/conversations", {"title": "<script>alert(1)</script>"}).json()

        response = person.get(f"/conversations/{made['id']}/export?format=markdown")

        assert response["Content-Security-Policy"] == STRICT
        assert response["Content-Disposition"].startswith("attachment")


class TestThePageOfTheApi:
    def test_runs_its_own_scripts_alone(self, db: None) -> None:
        page = Client().get("/api/v1/docs")

        assert directives(page)["script-src"] == ["'self'"]
        assert b"<script>" not in page.content
        script = Client().get("/api/v1/docs?script=")
        assert script["Content-Type"].startswith("application/javascript")


class TestThePagesOfStaff:
    @pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/access/apikey/"])
    def test_run_their_own_scripts_and_are_kept_by_nobody(
        self, admin_client: Client, path: str
    ) -> None:
        page = admin_client.get(path, follow=True)

        assert directives(page)["script-src"] == ["'self'", "'unsafe-eval'"]
        assert directives(page)["frame-ancestors"] == ["'none'"]
        assert "no-store" in page["Cache-Control"]
        assert {name: page[name] for name in EVERYWHERE} == EVERYWHERE

    def test_keep_the_token_of_forms_from_scripts(self, db: None) -> None:
        cookie = Client().get("/admin/login/").cookies["csrftoken"]

        assert cookie["httponly"] is True
        assert cookie["samesite"] == "Lax"

    def test_take_no_form_without_its_token(self, db: None) -> None:
        User.objects.create_superuser("root", password="correct horse battery")
        client = Client(enforce_csrf_checks=True)

        response = client.post(
            "/admin/login/", {"username": "root", "password": "correct horse battery"}
        )

        assert response.status_code == 403
        assert "sessionid" not in response.cookies

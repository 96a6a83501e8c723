"""Pages of other origins: none may call the API, but those that the setting names."""

from typing import Any

import pytest
from django.test import Client, override_settings

from tests.client import ApiClient

ORIGIN = "https://app.example"
NEEDED = "authorization, content-type, idempotency-key, x-user-id, x-user-tier, x-request-id"


def preflight(method: str, origin: str = ORIGIN, path: str = "/api/v1/conversations") -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": NEEDED,
    }
    return Client().options(path, headers=headers)


def names(response: Any, field: str) -> set[str]:
    return {name.strip().lower() for name in response[field].split(",")}


class TestAPageOfAnOriginThatIsNamed:
    @pytest.fixture(autouse=True)
    def named(self, settings: Any) -> None:
        settings.CORS_ALLOWED_ORIGINS = [ORIGIN]

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    def test_may_ask_beforehand_without_credentials(self, db: None, method: str) -> None:
        response = preflight(method)

        assert response.status_code == 200
        assert response["Access-Control-Allow-Origin"] == ORIGIN
        assert method.lower() in names(response, "Access-Control-Allow-Methods")
        assert names(response, "Access-Control-Allow-Headers") >= set(NEEDED.split(", "))
        assert "Access-Control-Allow-Credentials" not in response

    def test_may_read_the_answer_and_its_headers(self, person: ApiClient) -> None:
        response = person.post("/conversations", {}, origin=ORIGIN)

        assert response["Access-Control-Allow-Origin"] == ORIGIN
        assert "origin" in names(response, "Vary")
        shown = names(response, "Access-Control-Expose-Headers")
        assert shown >= {
            "location", "retry-after", "idempotency-replayed", "ratelimit", "ratelimit-policy",
            "x-credits-charged", "www-authenticate", "content-disposition",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("path", "raw", "status"),
        [
            ("/conversations/search", b"", 400),
            ("/nowhere", b"", 404),
            ("/usage", b" " * 6_000_000, 413),
        ],
    )
    def test_may_read_refusals_as_well(
        self, person: ApiClient, path: str, raw: bytes, status: int
    ) -> None:
        response = person.request("GET", path, raw=raw, origin=ORIGIN)

        assert response.status_code == status
        assert response["Access-Control-Allow-Origin"] == ORIGIN

    def test_sees_nothing_of_the_admin(self, db: None) -> None:
        response = Client().get("/admin/login/", headers={"Origin": ORIGIN})

        assert "Access-Control-Allow-Origin" not in response


class TestAPageOfAnotherOrigin:
    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "https://app.example.evil", "http://app.example", "null", "https://["],
    )  # fmt: skip
    def test_may_not_call(self, person: ApiClient, origin: str) -> None:
        with override_settings(CORS_ALLOWED_ORIGINS=[ORIGIN]):
            asked = preflight("GET", origin)
            answered = person.get("/conversations", origin=origin)

        assert "Access-Control-Allow-Origin" not in asked
        assert "Access-Control-Allow-Origin" not in answered

    def test_may_not_call_while_none_is_named(self, person: ApiClient) -> None:
        assert "Access-Control-Allow-Origin" not in preflight("GET")
        assert "Access-Control-Allow-Origin" not in person.get("/conversations", origin=ORIGIN)

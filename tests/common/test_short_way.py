"""Calls of the API go past what is for pages, and nobody notices."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as given
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from common.api.short_way import ShortWay
from tests.client import ApiClient
from tests.common import broken_urls
from tests.conversations.recipes import make_conversation_of

ORIGIN = "https://app.example"
CALLS: list[tuple[str, str, dict[str, str]]] = [
    (method, f"/api/v1{path}", headers)
    for method in ("GET", "HEAD", "OPTIONS", "TRACE", "DELETE")
    for path in ("/usage", "/nowhere", "/", "/conversations/", "/schema", "/docs")
    for headers in (
        {},
        {"Origin": ORIGIN},
        {"Origin": "https://other.example"},
        {"X-Forwarded-Proto": "https"},
        {"Host": "other.example"},
        {"Host": "no host"},
        {"Transfer-Encoding": "chunked"},
        {"Steward-Repeated-Headers": "x-user-id"},
        {"Access-Control-Request-Method": "GET", "Origin": ORIGIN},
        {"Access-Control-Request-Method": "GET"},
        {"Authorization": "Bearer nobody's"},
        {"Cookie": "sessionid=abcdefghijklmnop; csrftoken=" + "x" * 32},
    )
]


def answer(client: ApiClient, call: tuple[str, str, dict[str, str]]) -> Any:
    method, path, headers = call
    response = client.request(method, path, **headers, **{"X-Request-ID": "one"})
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, list(response.items()), response.cookies.output(), content


class TestTheShortWay:
    @pytest.mark.parametrize("redirects", [False, True])
    def test_gives_the_answers_of_the_long_one(
        self, key: str, settings: Any, redirects: bool
    ) -> None:
        settings.ALLOWED_HOSTS = ["testserver"]
        settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
        settings.RATE_LIMIT_KEY = "100000/d"
        settings.SECURE_SSL_REDIRECT = redirects
        settings.SECURE_HSTS_SECONDS = 3600
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        short = ApiClient(key, "ann")
        short.get("/usage")

        answers = [answer(short, call) for call in CALLS]

        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
        long = ApiClient(key, "ann")
        for call, found in zip(CALLS, answers, strict=True):
            assert without_counts(found) == without_counts(answer(long, call)), call

    def test_is_taken_by_the_api_alone(self) -> None:
        taken: list[str] = []

        def long_way(request: HttpRequest) -> HttpResponse:
            taken.append(request.path)
            return HttpResponse()

        way = ShortWay(long_way)
        way.short_way = lambda request: HttpResponse()
        for path in ("/api/v1", "/api/v1/usage", "/api/v1/", "/api/shop/ask", "/admin/", "/"):
            request = HttpRequest()
            request.path = request.path_info = path
            way(request)

        assert taken == ["/api/v1", "/api/shop/ask", "/admin/", "/"]

    def test_has_no_middleware_that_pages_have_not(self) -> None:
        others = {"common.api.headers.CorsMiddleware", "common.api.headers.ApiAnswerMiddleware"}

        assert set(given.API_MIDDLEWARE) - set(given.MIDDLEWARE) == others

    def test_is_gone_by_a_call_without_a_session(self, key: str) -> None:
        client = Client(headers={"Authorization": f"Bearer {key}", "X-User-Id": "ann"})

        assert not hasattr(client.get("/api/v1/usage").wsgi_request, "session")
        client.cookies["sessionid"] = "abcdefghijklmnop"
        assert hasattr(client.get("/api/v1/usage").wsgi_request, "session")


def without_counts(found: tuple[int, list[tuple[str, str]], str, bytes]) -> Any:
    status, headers, cookies, content = found
    return status, sorted(item for item in headers if item[0] != "RateLimit"), cookies, content


class TestAnAddress:
    @pytest.fixture
    def way(self) -> ShortWay:
        return ShortWay(lambda request: HttpResponse())

    def test_leads_where_djangos_resolver_says_the_first_time_and_later(
        self, way: ShortWay
    ) -> None:
        for route in routes(get_resolver()):
            for _ in range(3):
                address = f"/{filled(route)}"
                found, right = resolved(way, address), get_resolver().resolve(address)

                assert (found.func, found.kwargs) == (right.func, right.kwargs), address
                assert (found.view_name, found.route) == (right.view_name, right.route)

    @pytest.mark.parametrize(
        "address", ["conversations/<id>", "conversations/%00", "conversations/{id}\n"]
    )
    def test_that_is_none_stays_none(self, way: ShortWay, address: str) -> None:
        one = str(uuid.uuid4())
        resolved(way, f"/api/v1/conversations/{one}")

        found = resolved(way, f"/api/v1/{address.replace('{id}', one)}")

        assert found.url_name == "unmatched"

    def test_of_other_routes_is_looked_for_among_those(self, way: ShortWay, settings: Any) -> None:
        assert resolved(way, "/api/plain/bug").view_name == "unmatched"

        settings.ROOT_URLCONF = "tests.common.broken_urls"

        assert resolved(way, "/api/plain/bug").func is broken_urls.plain_failure

    def test_with_an_id_in_capitals_is_the_same(self, person: ApiClient) -> None:
        conversation = str(make_conversation_of(1).uid)

        for shown in (conversation, conversation.upper(), conversation):
            assert person.get(f"/conversations/{shown}").json()["id"] == conversation


def resolved(way: ShortWay, address: str) -> Any:
    request = HttpRequest()
    request.path_info = address
    return way.resolve_request(request)


def routes(resolver: Any, before: str = "") -> Iterator[str]:
    """Those below /api/v1/, as they are written."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        elif isinstance(entry, URLPattern) and route.startswith("api/v1/"):
            yield route


def filled(route: str) -> str:
    parts = route.split("/")
    return "/".join(str(uuid.uuid4()) if part.startswith("<") else part for part in parts)

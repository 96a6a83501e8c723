"""Strange addresses and headers at what is open to strangers, over the wire to a real gunicorn.

A test's own client never sees what a server cannot send, or what it refuses by itself.
"""

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.operations.server import environment_of, prepared
from tests.web import PATIENCE_SECONDS, ROOT, Web, served

# What is open to strangers, with the parameters that something there might read.
OPEN = {
    "/api/v1/schema": ["version", "format", "lang"],
    "/api/v1/docs": ["version", "format", "lang", "script"],
    "/api/v1/nowhere": ["q"],
    "/health/live": ["format"],
    "/health/ready": ["format"],
    "/admin/": ["q"],
    "/admin/login/": ["next"],
    "/static/admin/css/base.css": ["v"],
    "/static/nowhere": ["v"],
    "/": ["q"],
    "/favicon.ico": ["q"],
}
TEXTS = [
    "%00", "a%00b", "%22", "%22;x=y", "%27", "%0d%0aX-Evil:%201", "%0a", "%ED%A0%80", "%FF",
    "%E2%80%A8", "..%2f", "%F0%9F%8C%B1",
]  # fmt: skip
HEADERS = [
    "Accept", "Cookie", "Origin", "X-Request-ID", "If-None-Match", "Range", "X-Forwarded-For",
    "Content-Type",
]  # fmt: skip
BYTES = [b"\x00", b"\xed\xa0\x80", b'";x=y', b"a=\xff", b"bytes=0-,0-"]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("strange")
    variables = environment_of(f"sqlite:///{folder}/records.sqlite3")
    prepared(variables)
    with served(variables, folder) as one:
        yield one


class Got:
    """An answer as it came over the wire."""

    def __init__(self, connection: socket.socket) -> None:
        response = http.client.HTTPResponse(connection)
        response.begin()
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def problem(self) -> tuple[int, str]:
        assert self.headers["content-type"] == "application/problem+json", self.body
        problem: dict[str, Any] = orjson.loads(self.body)
        assert {"type", "title", "status", "detail", "code", "instance"} <= set(problem)
        assert problem["status"] == self.status
        return self.status, problem["code"]


def send(web: Web, request: bytes) -> Got:
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        return Got(connection)


def get(web: Web, target: str, header: bytes = b"", method: str = "GET") -> Got:
    line = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    return send(web, line.encode() + header + b"\r\n")


def assert_sound(got: Got, *what: Any) -> None:
    assert 200 <= got.status < 500, what
    assert "x-evil" not in got.headers, what
    disposition = got.headers.get("content-disposition", 'inline; filename="a"')
    assert re.fullmatch(r'\w+; filename="[\w. -]*"', disposition), what


class TestAStrangeRequest:
    def test_to_what_is_open_is_answered(self, web: Web) -> None:
        for path, names in OPEN.items():
            for text in TEXTS:
                for name in names:
                    target = f"{path}?{name}={text}"
                    assert_sound(get(web, target), target)
                assert_sound(get(web, f"{path}{text}"), path, text)
            for name in HEADERS:
                for value in BYTES:
                    header = f"{name}: ".encode() + value + b"\r\n"
                    assert_sound(get(web, path, header), path, header)
            for method in ("OPTIONS", "POST", "PUT", "TRACE", "ODD"):
                assert_sound(get(web, path, b"Content-Length: 0\r\n", method), path, method)

    def test_changes_nothing_in_the_description(self, web: Web) -> None:
        plain = get(web, "/api/v1/schema")

        for text in TEXTS:
            got = get(web, f"/api/v1/schema?version={text}&lang={text}")
            assert (got.status, got.body) == (200, plain.body)
            assert got.headers["content-disposition"] == plain.headers["content-disposition"]


class TestWhatTheServerRefuses:
    @pytest.mark.parametrize("path", ["/api/v1/credits", "/admin/"])
    def test_is_a_problem_body(self, web: Web, path: str) -> None:
        begin = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".encode()
        refused = {
            b"\x00\r\n\r\n": (400, "bad_request"),
            begin.replace(b"1.1", b"9.9") + b"\r\n": (400, "bad_request"),
            begin + b"no colon\r\n\r\n": (400, "bad_request"),
            begin + b"X-A: \x00\r\n\r\n": (400, "bad_request"),
            begin + b"X-A: <script>\x7f\r\n\r\n": (400, "bad_request"),
            begin + b"Content-Length: x\r\n\r\n": (400, "bad_request"),
            begin + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n": (400, "bad_request"),
            begin + b"X-A: y\r\n" * 101 + b"\r\n": (431, "headers_too_large"),
            begin + b"X-A: " + b"y" * 9_000 + b"\r\n\r\n": (431, "headers_too_large"),
            begin + b"Expect: more\r\n\r\n": (417, "expectation_failed"),
            begin + b"Transfer-Encoding: odd\r\n\r\n": (501, "not_implemented"),
            b"GET " + path.encode() + b"?" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n":
                (414, "uri_too_long"),
        }  # fmt: skip

        for request, expected in refused.items():
            assert send(web, request).problem() == expected, request[:80]

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            (b"GET /api/v1/credits HTTP/1.1\r\nHost: a b\r\n", (400, "bad_request")),
            (b"GET /api/v1/no HTTP/1.1\r\nHost: a\r\n", (404, "not_found")),
            (b"GET /api HTTP/1.1\r\nHost: a\r\n", (404, "not_found")),
            (b"ODD /api/v1/schema HTTP/1.1\r\nHost: a\r\n", (405, "method_not_allowed")),
            (b"PUT /api/v1/docs HTTP/1.1\r\nHost: a\r\n", (405, "method_not_allowed")),
        ],
    )
    def test_by_django_is_one_too(
        self, web: Web, request_: bytes, expected: tuple[int, str]
    ) -> None:
        assert send(web, request_ + b"Connection: close\r\n\r\n").problem() == expected


class TestAConnection:
    def test_is_kept_for_the_next_request(self, web: Web) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE_SECONDS)
        connection.connect()
        first = connection.sock
        for _ in range(2):
            connection.request("GET", "/health/live")
            assert connection.getresponse().read()

        assert connection.sock is first
        connection.close()

    @pytest.mark.parametrize(
        ("given", "seconds"), [({}, 75), ({"WEB_KEEPALIVE_SECONDS": "20"}, 20)]
    )
    def test_is_kept_for_as_long_as_is_set(self, given: dict[str, str], seconds: int) -> None:
        gunicorn = str(Path(sys.executable).with_name("gunicorn"))
        told = subprocess.run(
            [gunicorn, "--print-config", "-c", "config/gunicorn.py", "config.wsgi"],
            cwd=ROOT, env=environment_of("sqlite:///unused.sqlite3") | given, capture_output=True,
            text=True, check=True,
        ).stdout  # fmt: skip

        assert re.search(rf"^keepalive +=? *{seconds}$", told, re.MULTILINE), told

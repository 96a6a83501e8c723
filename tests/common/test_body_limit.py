import http.client
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.test import Client

from common.api.body_limit import BoundedBody
from conversations.models import Conversation, Message
from tests import processes
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.web import Web, served

MEBIBYTE = 1024 * 1024


def body_of(byte_size: int) -> bytes:
    frame = orjson.dumps({"role": "user", "content": ""})
    return frame[:-2] + b"a" * (byte_size - len(frame)) + frame[-2:]


@pytest.fixture
def messages(person: ApiClient) -> str:
    """The address of a conversation's messages."""
    return f"/conversations/{person.post('/conversations', {}).json()['id']}/messages"


class TestABodyOfTheLargestSize:
    def test_is_taken(self, person: ApiClient, messages: str) -> None:
        response = person.post(messages, raw=body_of(5 * MEBIBYTE))

        assert response.status_code == 201, response.content
        assert len(response.json()["content"]) > 5 * MEBIBYTE - 100

    def test_is_five_mebibytes_unless_set(self) -> None:
        assert settings.MAX_BODY_BYTES == 5 * MEBIBYTE


class TestALargerBody:
    def test_is_refused_from_one_byte_more(self, person: ApiClient, messages: str) -> None:
        response = person.post(messages, raw=body_of(5 * MEBIBYTE + 1))

        assert assert_problem(response, 413, "payload_too_large")["max_bytes"] == 5 * MEBIBYTE
        assert not Message.objects.exists()


# Of each kind of address one: of the API, of staff, of nothing, of probes, and what is open to all.
ADDRESSES = [
    "/api/v1/conversations", "/api/v1/docs", "/api/nowhere", "/admin/login/", "/admin/", "/nowhere",
    "/admin/consent/policyversion/publish/", "/health/live", "/metrics", "/", "/favicon.ico",
]  # fmt: skip


class TestAnyAddress:
    @pytest.mark.parametrize("address", ADDRESSES)
    def test_refuses_a_body_that_is_too_large_or_has_no_length(
        self, client: Client, address: str
    ) -> None:
        form: dict[str, Any] = {"content_type": "multipart/form-data; boundary=x"}

        large = client.generic("POST", address, b"a" * (5 * MEBIBYTE + 1), **form)
        endless = client.generic("POST", address, b"a", headers={"Transfer-Encoding": "chunked"})

        assert (large.status_code, endless.status_code) == (413, 411)
        if not address.startswith(("/api", "/health", "/metrics")):
            assert b"at most 5242880 are taken" in large.content


# With a cookie, but not its token: the whole form is read before it is refused.
FORMS = ["/admin/login/", "/admin/", "/"]


def multipart(byte_size: int) -> bytes:
    """A form with a file of that size, in one field."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    return head + b"a" * byte_size + b"\r\n--x--\r\n"


class TestAServer:
    """gunicorn as it is deployed."""

    def test_writes_nothing_to_a_file_whoever_sends_what(
        self, transactional_db: None, tmp_path: Path
    ) -> None:
        folder = tmp_path / "temporary"
        folder.mkdir()
        given = processes.environment() | {"TMPDIR": str(folder)}
        with served(given, tmp_path) as web:
            # Also of a file that was made and removed again the folder keeps the time.
            before = folder.stat().st_mtime_ns
            for address in ADDRESSES:
                assert post_form(web, address, multipart(5 * MEBIBYTE)) == 413, address
            for address in FORMS:
                assert post_form(web, address, multipart(4 * MEBIBYTE)) == 403, address

            assert folder.stat().st_mtime_ns == before


def post_form(web: Web, address: str, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    try:
        headers = {
            "Content-Type": "multipart/form-data; boundary=x",
            "Cookie": f"csrftoken={'a' * 32}",
        }
        connection.request("POST", address, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


class TestAsgi:
    @pytest.mark.parametrize("mebibytes", [6, 40])
    @pytest.mark.parametrize("says_its_length", [True, False])
    def test_keeps_of_a_large_body_no_more_than_is_taken(
        self, monkeypatch: pytest.MonkeyPatch, mebibytes: int, says_its_length: bool
    ) -> None:
        written: list[int] = []
        write = tempfile.SpooledTemporaryFile.write

        def noted(file: Any, content: bytes) -> int:
            written.append(len(content))
            return write(file, content)

        monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", noted)

        status, body = async_to_sync(asgi_answer)(mebibytes, says_its_length)

        assert (status, orjson.loads(body)["code"]) == (413, "payload_too_large")
        assert sum(written) <= 5 * MEBIBYTE

    def test_passes_on_a_body_as_it_comes(self) -> None:
        got: list[Any] = []
        sent = [
            {"type": "http.request", "body": b"a", "more_body": True},
            {"type": "http.request", "body": b"b"},
            {"type": "http.disconnect"},
        ]

        async def application(scope: Any, receive: Any, send: Any) -> None:
            got.extend([await receive() for _ in sent])

        async def call() -> None:
            messages = iter(sent)

            async def receive() -> Any:
                return next(messages)

            await BoundedBody(application)({"type": "http", "headers": []}, receive, None)

        async_to_sync(call)()

        assert got == sent


async def asgi_answer(mebibytes: int, says_its_length: bool) -> tuple[int, bytes]:
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    if says_its_length:
        headers.append((b"content-length", str(mebibytes * MEBIBYTE).encode()))
    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/conversations", "query_string": b"",
        "headers": headers,
    }  # fmt: skip
    communicator = ApplicationCommunicator(BoundedBody(get_asgi_application()), scope)
    for number in range(mebibytes):
        more = number + 1 < mebibytes
        part = {"type": "http.request", "body": b" " * MEBIBYTE, "more_body": more}
        await communicator.send_input(part)
    start = await communicator.receive_output(60)
    body = await communicator.receive_output(60)
    await communicator.wait()
    return start["status"], body["body"]


class TestABodyWithoutALength:
    def test_is_refused_when_it_is_chunked(self, person: ApiClient) -> None:
        response = person.post("/conversations", {}, transfer_encoding="gzip, Chunked")

        assert_problem(response, 411, "length_required")
        assert not Conversation.objects.exists()

    def test_is_refused_when_its_length_is_no_number(self, person: ApiClient) -> None:
        response = person.client.post(
            "/api/v1/conversations", headers=person.headers, CONTENT_LENGTH="many"
        )

        assert_problem(response, 411, "length_required")
        assert not Conversation.objects.exists()


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture
def server() -> Iterator[http.client.HTTPConnection]:
    """A connection to a real server, over a real socket."""
    serving = make_server(
        "127.0.0.1", 0, get_wsgi_application(), ThreadingServer, handler_class=QuietHandler
    )
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield http.client.HTTPConnection("127.0.0.1", serving.server_port, timeout=30)
    serving.shutdown()
    thread.join()
    serving.server_close()


class TestAClientThatIsStillSending:
    @pytest.mark.parametrize("mebibytes", [6, 16])
    def test_reads_the_answer(self, server: http.client.HTTPConnection, mebibytes: int) -> None:
        server.request("POST", "/api/v1/conversations", body=b" " * mebibytes * MEBIBYTE)

        response = server.getresponse()

        assert response.status == 413
        assert orjson.loads(response.read())["code"] == "payload_too_large"
        server.close()

    def test_is_answered_before_it_sends_more_than_16_mebibytes(
        self, server: http.client.HTTPConnection
    ) -> None:
        server.putrequest("POST", "/api/v1/conversations")
        server.putheader("Content-Length", str(16 * MEBIBYTE + 1))
        server.endheaders()

        response = server.getresponse()

        assert response.status == 413
        assert orjson.loads(response.read())["code"] == "payload_too_large"
        server.close()

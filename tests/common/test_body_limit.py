import http.client
import socketserver
import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from conversations.models import Conversation, Message
from tests.asserts import assert_problem
from tests.client import ApiClient

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

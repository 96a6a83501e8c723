"""What goes to a collector of traces and to Sentry: a server's own, received over HTTP."""

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from operations.release import release
from tests import forks
from tests.client import ApiClient
from tests.processes import environment
from tests.web import PATIENCE_SECONDS, ROOT, Web, served

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "what ann said"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
VIEWS = f"""
from django.urls import path

def fault(request):
    words = {SECRET!r}
    try:
        raise KeyError(words)
    except KeyError as error:
        raise ValueError(words) from error

urlpatterns = [path("fault", fault)]
"""


class Receiver:
    """An HTTP server that keeps what it is sent: path and body."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[Any]:
        return [
            span
            for path, body in list(self.received)
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def events(self) -> list[Any]:
        lines = [
            json.loads(line)
            for path, body in list(self.received)
            if path == "/api/1/envelope/"
            for line in body.splitlines()
            if line
        ]
        return [line for line in lines if "exception" in line]

    def wait_for(self, look: Callable[[], Any]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not look():
            assert time.monotonic() < until, self.received
            time.sleep(0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def web(receiver: Receiver, tmp_path: Path) -> Iterator[Web]:
    (tmp_path / "faulty").mkdir()
    (tmp_path / "faulty" / "__init__.py").touch()
    (tmp_path / "faulty" / "urls.py").write_text(VIEWS)
    variables = {
        "EXTRA_APPS": "faulty",
        "PYTHONPATH": str(tmp_path),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.place}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "SENTRY_DSN": f"http://public@{receiver.place}/1",
    }
    with served(environment() | variables, tmp_path) as one:
        yield one


def attributes_of(span: Any) -> dict[str, Any]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}


class TestAServer:
    def test_sends_requests_statements_and_faults_and_nothing_of_persons(
        self, web: Web, receiver: Receiver, key: str
    ) -> None:
        headers = {"Authorization": f"Bearer {key}", "X_User_Id": "ann-the-person"}
        asked = web.get(
            "/api/v1/conversations/search?q=confidential", traceparent=PARENT, **headers
        )
        fault = web.get("/api/faulty/fault?q=confidential", **headers)
        assert (asked.status_code, fault.status_code) == (200, 500)
        receiver.wait_for(receiver.events)
        receiver.wait_for(lambda: {2, 3} <= {span.kind for span in receiver.spans()})
        receiver.wait_for(lambda: any(span.status.code == 2 for span in receiver.spans()))

        spans = receiver.spans()
        [search] = [span for span in spans if span.name == "GET /api/v1/conversations/search"]
        assert attributes_of(search)["http.response.status_code"] == 200
        assert attributes_of(search)["steward.request_id"] == asked["X-Request-ID"]
        assert (search.trace_id.hex(), search.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
        statements = [span for span in spans if span.parent_span_id == search.span_id]
        assert len(statements) == attributes_of(search)["steward.statements"]
        for statement in statements:
            assert statement.name == "SELECT"
            assert statement.trace_id == search.trace_id
            assert search.start_time_unix_nano <= statement.start_time_unix_nano
            assert statement.end_time_unix_nano <= search.end_time_unix_nano
            assert attributes_of(statement)["db.query.text"].startswith("SELECT ")
        [failed] = [span for span in spans if span.status.code == 2]
        assert failed.name == "GET /api/faulty/fault"

        [event] = receiver.events()
        assert [error["type"] for error in event["exception"]["values"]] == [
            "KeyError",
            "ValueError",
        ]
        assert event["release"] == release()
        assert event["tags"] == {"request_id": fault["X-Request-ID"]}
        for _, body in receiver.received:
            # The words stand in the view's own source, which Sentry shows beside the traceback.
            sent = body.replace(f"    words = {SECRET!r}".encode(), b"")
            for secret in (SECRET, "confidential", "ann-the-person", key):
                assert secret.encode() not in sent


class TestASettingWithoutItsPackage:
    @pytest.mark.parametrize(
        ("setting", "module", "package"),
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry", "opentelemetry-sdk"),
            ("SENTRY_DSN", "sentry_sdk", "sentry-sdk"),
        ],
    )
    def test_refuses_the_start_and_says_what_to_install(
        self, setting: str, module: str, package: str, tmp_path: Path
    ) -> None:
        # As it is where nothing of that name can be found.
        (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{module!r}] = None\n")
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env=os.environ | {setting: "http://public@127.0.0.1:9/1", "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )

        assert done.returncode == 1
        assert "operations.E007" in done.stderr
        assert f"pip install {package}" in done.stderr


class TestWithoutTheSettings:
    def test_nothing_is_imported_or_noted(self, person: ApiClient) -> None:
        code = (
            "import sys, config.wsgi;"
            "print(sorted({'opentelemetry', 'sentry_sdk'} & set(sys.modules)))"
        )
        done = forks.run(["-c", code], os.environ)

        assert done.stdout == "[]\n"

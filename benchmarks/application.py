"""Steward of any checkout in a process of its own, called without a network.

`Application` begins this file as a program in the checkout's folder, and sends it a line of JSON
for each request or command. It answers through the checkout's own `config.wsgi`, on a clock that
stands where the request says.
"""

import contextlib
import datetime
import importlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START = datetime.datetime(2026, 1, 12, 8, 30, tzinfo=datetime.UTC)
SECRET_KEY = "of the benchmarks, and long enough to be one of a site that is in use"


class Application:
    """The WSGI application of a module there; `do` returns what became of what it was sent."""

    def __init__(
        self, folder: Path, database_url: str, module: str = "config.wsgi", **settings: str
    ) -> None:
        given = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY}
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), module], cwd=folder, text=True,
            env=os.environ | given | settings,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True,
        )  # fmt: skip

    def do(self, **act: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(act) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise SystemExit(f"{self.log.read()[-5000:]}\nThe application ended at {act}.")
        return json.loads(line)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def new_database(name: str) -> Iterator[str]:
    """The URL of an empty database: on DATABASE_URL's server, or a file of SQLite without one."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        with tempfile.TemporaryDirectory(prefix="steward-benchmark-") as folder:
            yield f"sqlite:///{folder}/{name}.sqlite3"
        return
    import psycopg2

    name = f"{name}_{os.getpid()}"
    connection = psycopg2.connect(server)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        address, mark, options = server.partition("?")
        try:
            yield f"{address.rpartition('/')[0]}/{name}{mark}{options}"
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    connection.close()


# What runs in the checkout


def environ_of(act: dict[str, Any]) -> dict[str, Any]:
    """A request as a WSGI server hands it over; texts are latin-1, as there."""
    from urllib.parse import unquote_to_bytes

    path, _, query = act["path"].partition("?")
    body = act.get("body", "").encode("latin-1")
    environ = {
        "REQUEST_METHOD": act["method"], "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query, "SCRIPT_NAME": "", "SERVER_NAME": "steward.example",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip
    for name, value in act.get("headers", {}).items():
        written = name.upper().replace("-", "_")
        environ[written if written == "CONTENT_TYPE" else f"HTTP_{written}"] = value
    return environ


def answer(application: Any, act: dict[str, Any]) -> dict[str, Any]:
    began: list[Any] = []
    response = application(environ_of(act), lambda *arguments: began.append(arguments))
    content = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    status, headers = began[0][:2]
    return {
        "status": status,
        "headers": sorted(f"{name}: {value}" for name, value in headers),
        "body": content.decode("latin-1"),
    }


def measured(application: Any, requests: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """How many were answered, one after the other."""
    until = time.monotonic() + seconds
    for count, request in enumerate(itertools.cycle(requests), 1):
        status = answer(application, request)["status"]
        assert status[0] == "2", (request, status)
        if time.monotonic() > until:
            return {"count": count}
    raise SystemExit("There are no requests.")


def command(arguments: list[str]) -> dict[str, Any]:
    from django.core.management import call_command

    said = io.StringIO()
    call_command(*arguments, stdout=said)
    return {"said": said.getvalue()}


def shop() -> list[Any]:
    """Routes as an application of one's own has them: paid, and gated."""
    from django.http import HttpResponse, JsonResponse
    from django.urls import path
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from billing.middleware import credits
    from consent.gates import requires_consent

    @credits(cost=5)
    def ask(request: Any) -> HttpResponse:
        return JsonResponse({"answer": 42}, status=int(request.GET.get("status", 200)))

    @requires_consent("history_storage")
    def keep(request: Any) -> HttpResponse:
        return JsonResponse({"kept": True})

    class Answers(APIView):
        schema = None
        required_scopes = {None: "conversations:read", "ask": "conversations:read"}
        action = "ask"

        @credits(cost=3)
        def post(self, request: Any) -> Response:
            return Response({"asked": request.data, "by": request.user_id})

    return [
        path("api/shop/ask", ask),
        path("api/shop/keep", keep),
        path("api/shop/answers", Answers.as_view()),
    ]


def serve(module: str) -> None:
    """Answer each line on standard input with one on standard output."""
    sys.path[0] = os.getcwd()
    clock = steward() if module == "config.wsgi" else []
    application = importlib.import_module(module).application
    for line in sys.stdin:
        act = json.loads(line)
        if "at" in act:
            clock[:] = [START + datetime.timedelta(seconds=act["at"])]
        if "command" in act:
            done = command(act["command"])
        elif "measure" in act:
            done = measured(application, act["measure"], act["seconds"])
        else:
            done = answer(application, act)
        print(json.dumps(done), flush=True)


def steward() -> list[datetime.datetime]:
    """Sets the application up; returns its clock, which goes while it is empty."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings
    from django.utils import timezone

    clock: list[datetime.datetime] = []
    right = timezone.now
    timezone.now = lambda: clock[0] if clock else right()
    django.setup()
    from config import urls

    global urlpatterns
    urlpatterns = [*shop(), *urls.urlpatterns]
    settings.ROOT_URLCONF = "__main__"
    return clock


if __name__ == "__main__":
    serve(sys.argv[1])

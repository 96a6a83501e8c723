"""What Steward's hot routes cost against bare Django views that send the same statements.

`python -m benchmarks.overhead` calls both in this process, through the same middleware, in turns;
CPU time, the best of several rounds. Run it on a database made for it: it empties the tables.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from typing import Any

import django
import orjson

django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from access.models import ApiKey  # noqa: E402
from access.scopes import SCOPES  # noqa: E402
from access.services import keys  # noqa: E402
from billing import reports as billing_reports  # noqa: E402
from billing.api.views import transaction_response, usage_json  # noqa: E402
from billing.services import credits as billing_credits  # noqa: E402
from common.idempotency import RequestKey  # noqa: E402
from common.schema import database_triggers  # noqa: E402
from common.schema.triggers import all_triggers  # noqa: E402
from config import urls  # noqa: E402
from conversations.api.views import conversation_json, message_response  # noqa: E402
from conversations.models import Conversation  # noqa: E402
from conversations.services import messages  # noqa: E402

CALLS, ROUNDS = 40, 7
MESSAGE = b'{"role":"user","content":"Which pump is the right one for a deep well?"}'
CHARGE = b'{"type":"deduct","amount":1}'


# The bare views: the same statements through the same models and services, and nothing around them:
# no REST framework, no serializer, no scopes, no idempotency key, no headers of our own.

NO_KEY = RequestKey(None, "")


def known(request: HttpRequest) -> str:
    """The key's row, in one statement; and the person."""
    prefix = request.headers["Authorization"].split("_")[1]
    active = ApiKey.objects.active(at=timezone.now()).filter(prefix=prefix)
    _ = active.values_list("id", "name", "key_hash", "scopes").first()
    return request.headers["X-User-Id"]


def as_json(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type="application/json")


def credits(request: HttpRequest) -> HttpResponse:
    status = billing_reports.credit_status(known(request), tier=None, at=timezone.now())
    return as_json(asdict(status))


def usage(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    return as_json(usage_json(billing_reports.usage_of(known(request), tier=None, at=at), at))


def conversations(request: HttpRequest) -> HttpResponse:
    rows = Conversation.objects.for_user(known(request)).archived(False).as_rows()
    page = rows.order_by("-created_at", "-id")[:51]
    return as_json({"results": [conversation_json(row) for row in page], "next": None})


@csrf_exempt
def charge(request: HttpRequest) -> HttpResponse:
    user_id, given = known(request), orjson.loads(request.body)
    outcome = billing_credits.add_transaction(
        user_id=user_id,
        new=billing_credits.NewTransaction(type=given["type"], amount=-given["amount"]),
        actor="key:benchmark",
        at=timezone.now(),
        request_key=NO_KEY,
    )
    return as_json(transaction_response(outcome.row), 201)


@csrf_exempt
def append(request: HttpRequest, conversation_id: uuid.UUID) -> HttpResponse:
    outcome = messages.append_message(
        user_id=known(request),
        conversation_uid=conversation_id,
        message=messages.NewMessage(**orjson.loads(request.body)),
        actor="key:benchmark",
        at=timezone.now(),
        request_key=NO_KEY,
    )
    return as_json(message_response(outcome.row), 201)


urlpatterns = [
    path("api/bare/credits", credits),
    path("api/bare/usage", usage),
    path("api/bare/conversations", conversations),
    path("api/bare/credits/transactions", charge),
    path("api/bare/conversations/<uuid:conversation_id>/messages", append),
    *urls.urlpatterns,
]
handler = WSGIHandler()


def call(method: str, address: str, key: str, body: bytes = b"") -> tuple[str, bytes]:
    """One request as a server sends it; the connection stays with the thread."""
    location, _, query = address.partition("?")
    environment = {
        "REQUEST_METHOD": method, "PATH_INFO": location, "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": BytesIO(body), "wsgi.errors": BytesIO(), "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False, "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)), "HTTP_AUTHORIZATION": f"Bearer {key}",
        "HTTP_X_USER_ID": "ann", "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    statuses: list[str] = []
    response: Any = handler(environment, lambda status, headers: statuses.append(status))
    content = b"".join(response)
    response.close()
    return statuses[0], content


def seconds(act: Callable[[], Any]) -> float:
    begun = time.process_time()
    for _ in range(CALLS):
        act()
    return (time.process_time() - begun) / CALLS


def statements(act: Callable[[], Any]) -> int:
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        act()
    return len(sent)


def measure(name: str, method: str, route: str, key: str, body: bytes = b"") -> None:
    def ours() -> tuple[str, bytes]:
        return call(method, f"/api/v1/{route}", key, body)

    def bare() -> tuple[str, bytes]:
        return call(method, f"/api/bare/{route}", key, body)

    assert ours()[0][:3] == bare()[0][:3] in ("200", "201")
    number = statements(ours)
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(seconds(ours))
        theirs.append(seconds(bare))
    of_ours, of_bare = min(mine) * 1e6, min(theirs) * 1e6
    print(
        f"| {name} | {number} | {of_ours:.0f} | {of_bare:.0f} | {of_ours / of_bare:.2f} |",
        flush=True,
    )


def main() -> None:
    call_command("migrate", verbosity=0)
    database_triggers.drop(trigger for trigger in all_triggers() if trigger.rules)
    call_command("flush", interactive=False, verbosity=0)
    key = keys.create_key(name="benchmark", scopes=SCOPES, actor="system", at=timezone.now()).key
    print(f"{connection.vendor}, CPU microseconds a call, best of {ROUNDS} rounds of {CALLS}\n")
    print("| call | statements | Steward | bare view | ratio |\n|---|---|---|---|---|")
    made: list[str] = []
    for _ in range(50):
        _, content = call("POST", "/api/v1/conversations", key, b'{"title":"A pump"}')
        made.append(content.decode().partition('"id":"')[2][:36])
    call("GET", "/api/v1/credits", key)
    call("POST", "/api/v1/credits/transactions", key, b'{"type":"grant","amount":1000000}')
    call("POST", "/api/v1/usage/increment", key)
    measure("GET /credits", "GET", "credits", key)
    measure("GET /usage", "GET", "usage", key)
    measure("GET /conversations, 50 rows", "GET", "conversations", key)
    measure("POST /credits/transactions", "POST", "credits/transactions", key, CHARGE)
    measure("POST …/messages", "POST", f"conversations/{made[0]}/messages", key, MESSAGE)
    with override_settings(RATE_LIMIT_KEY="900000/s", RATE_LIMIT_PERSON="900000/s"):
        handler.load_middleware()
        measure("GET /credits with request rates", "GET", "credits", key)


if __name__ == "__main__":
    with override_settings(ROOT_URLCONF=__name__):
        handler.load_middleware()
        main()

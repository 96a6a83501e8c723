"""One line in the log for each request: what stands in it, and what never does."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from common import request_context
from operations import logs
from tests.asserts import assert_problem
from tests.client import ApiClient
from tests.common.broken_urls import SECRET
from tests.conversations.recipes import make_conversation_of

pytestmark = pytest.mark.django_db

TEXT = "arrhythmia"


class Log:
    """What is written meanwhile, in one of the two formats."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.stream = StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(formatter)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == "operations.requests"]


def collecting(formatter: logging.Formatter) -> Iterator[Log]:
    log = Log(formatter)
    root = logging.getLogger()
    level = root.level
    # Of Steward and Django everything that LOG_LEVEL=DEBUG would show.
    root.addHandler(log.handler)
    root.setLevel(logging.DEBUG)
    yield log
    root.setLevel(level)
    root.removeHandler(log.handler)


@pytest.fixture
def log() -> Iterator[Log]:
    yield from collecting(logs.JSONFormatter())


@pytest.fixture
def line_log() -> Iterator[Log]:
    yield from collecting(logs.LineFormatter())


class TestALine:
    def test_tells_who_asked_for_what_and_how_it_ended(self, person: ApiClient, log: Log) -> None:
        conversation = make_conversation_of(1)

        response = person.get(f"/conversations/{conversation.uid}")

        [line] = log.requests
        duration_ms = line.pop("duration_ms")
        assert isinstance(duration_ms, float) and duration_ms > 0
        assert line.pop("time").endswith("Z")
        assert line == {
            "level": "INFO",
            "logger": "operations.requests",
            "message": "GET /api/v1/conversations/{conversation_id} 200",
            "request_id": response["X-Request-ID"],
            "actor": "key:application",
            "user_id": "ann",
            "conversation_id": str(conversation.uid),
            "method": "GET",
            "route": "/api/v1/conversations/{conversation_id}",
            "status": 200,
            "statements": 3,
            "remote": "127.0.0.1",
        }

    def test_is_one_for_each_request_of_any_kind(
        self, person: ApiClient, log: Log, settings: Any
    ) -> None:
        settings.ROOT_URLCONF = "tests.common.broken_urls"
        settings.MAX_BODY_BYTES = 100
        asked = [
            person.get("/conversations"),
            person.post("/conversations", {"title": "Heat"}),
            person.post("/conversations", {"titel": "Heat"}),
            person.post("/conversations", raw=b"{"),
            person.post("/conversations", {"title": "x" * 200}),
            person.get("/nowhere"),
            person.delete("/conversations"),
            ApiClient(None, "ann").get("/conversations"),
            person.post("/credits/transactions", {"type": "deduct", "amount": 10**6}),
            person.get("/api/view/bug"),
            person.get("/api/view/unreachable"),
            person.get("/api/plain/bug"),
            person.client.get("/health/live"),
            person.client.get("/admin/login/"),
            person.client.get("/", headers={"Host": "in valid"}),
        ]

        assert [line["status"] for line in log.requests] == [
            response.status_code for response in asked
        ]
        assert {response.status_code for response in asked} == {
            200, 201, 400, 401, 402, 404, 405, 413, 500, 503,
        }  # fmt: skip
        ids = [line["request_id"] for line in log.requests]
        assert ids == [response["X-Request-ID"] for response in asked]
        assert len(set(ids)) == len(ids)

    def test_of_an_unknown_address_names_no_route(self, person: ApiClient, log: Log) -> None:
        person.get(f"/{TEXT}")
        person.client.get(f"/{TEXT}")

        assert [line["route"] for line in log.requests] == ["unmatched"] * 2

    def test_names_staff_by_their_session(self, log: Log) -> None:
        client = Client()
        client.force_login(User.objects.create_superuser("sam", password="x"))

        client.get("/admin/")

        assert log.requests[0]["actor"] == "staff:sam"

    def test_of_a_streamed_answer_is_written_at_its_end(self, log: Log) -> None:
        client = Client()
        client.force_login(User.objects.create_superuser("sam", password="x"))
        response: Any = client.get("/admin/billing/credittransaction/export.csv")
        assert response.streaming
        assert log.requests == []

        b"".join(response.streaming_content)

        assert [line["status"] for line in log.requests] == [200]
        assert log.requests[0]["statements"] > 2
        assert request_context.current.get() is None

    def test_is_an_error_when_the_fault_is_ours(
        self, person: ApiClient, log: Log, settings: Any
    ) -> None:
        settings.ROOT_URLCONF = "tests.common.broken_urls"
        person.get("/api/view/bug")
        person.get("/conversations/nowhere")

        assert [line["level"] for line in log.requests] == ["ERROR", "INFO"]

    def test_knows_the_address_that_the_proxy_saw(
        self, person: ApiClient, log: Log, settings: Any
    ) -> None:
        settings.PROXY_COUNT = 1

        person.get("/conversations", x_forwarded_for="6.6.6.6, 203.0.113.9")

        assert log.requests[0]["remote"] == "203.0.113.9"

    def test_for_people_holds_the_same(self, person: ApiClient, line_log: Log) -> None:
        person.get("/conversations")

        [line] = [one for one in line_log.text.splitlines() if "operations.requests" in one]
        assert "INFO operations.requests GET /api/v1/conversations 200 [request_id=" in line
        assert "user_id=ann" in line and "statements=2" in line


class TestTheRequestId:
    @pytest.mark.parametrize("given", ["a", "req-1/2:3", "!" * 128])
    def test_is_the_callers_own(self, person: ApiClient, given: str) -> None:
        assert person.get("/credits", x_request_id=given)["X-Request-ID"] == given

    @pytest.mark.parametrize("given", ["", "two words", "x" * 129, "ü", "a\tb", "a\x7f"])
    def test_is_a_new_one_where_that_is_unfit(self, person: ApiClient, given: str) -> None:
        first = person.get("/credits", x_request_id=given)["X-Request-ID"]
        second = person.get("/credits", x_request_id=given)["X-Request-ID"]

        assert len({first, second, given}) == 3
        assert request_context.REQUEST_ID.fullmatch(first)

    def test_stands_on_answers_of_middleware_as_well(
        self, person: ApiClient, settings: Any
    ) -> None:
        settings.MAX_BODY_BYTES = 10

        response = person.post("/conversations", {"title": "too long"}, x_request_id="mine")

        assert_problem(response, 413, "payload_too_large")
        assert response["X-Request-ID"] == "mine"

    def test_stands_on_every_line_of_the_request(
        self, person: ApiClient, log: Log, settings: Any
    ) -> None:
        settings.ROOT_URLCONF = "tests.common.broken_urls"

        person.get("/api/view/unreachable", x_request_id="mine")
        logging.getLogger("elsewhere").warning("Between requests")

        of_request, between = log.lines[:-1], log.lines[-1]
        assert len(of_request) == 2
        assert {line["request_id"] for line in of_request} == {"mine"}
        assert "request_id" not in between


class TestAnError:
    def test_carries_the_person_and_the_conversation(
        self, person: ApiClient, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError(TEXT)

        conversation = make_conversation_of(1)
        monkeypatch.setattr("conversations.services.messages.append_message", fail)

        response = person.post(
            f"/conversations/{conversation.uid}/messages", {"role": "user", "content": TEXT}
        )

        assert_problem(response, 500, "internal_error")
        [error] = [line for line in log.lines if "exception" in line]
        assert error["request_id"] == response["X-Request-ID"]
        assert (error["user_id"], error["actor"]) == ("ann", "key:application")
        assert error["conversation_id"] == str(conversation.uid)
        assert "conversations/api/views.py" in error["exception"]
        assert error["exception"].endswith(f"builtins.RuntimeError: {logs.LEFT_OUT}")

    def test_says_what_the_interpreter_says_of_code(self) -> None:
        assert logs.text_of(AttributeError("'NoneType' object has no attribute 'x'")) == (
            "'NoneType' object has no attribute 'x'"
        )


class TestNoLine:
    """Texts, keys, passwords and queries, in a run of all kinds of requests and faults."""

    @pytest.mark.parametrize("kind", ["log", "line_log"])
    def test_ever_holds_what_is_secret(
        self,
        request: pytest.FixtureRequest,
        key: str,
        person: ApiClient,
        settings: Any,
        kind: str,
    ) -> None:
        settings.ROOT_URLCONF = "tests.common.broken_urls"
        settings.DEBUG = False
        User.objects.create_superuser("sam", password="correct horse")
        log: Log = request.getfixturevalue(kind)
        conversation = person.post(
            "/conversations",
            {"title": TEXT, "messages": [{"role": "user", "content": TEXT}]},
            idempotency_key=TEXT,
        ).json()["id"]
        person.get(f"/conversations/search?q={TEXT}")
        person.get(f"/conversations?{TEXT}=1")
        person.patch(f"/conversations/{conversation}", {"title": TEXT, TEXT: TEXT})
        person.post(f"/conversations/{conversation}/messages", {"role": TEXT, "content": TEXT})
        person.post(f"/conversations/{conversation}/messages", raw=TEXT.encode())
        person.post(f"/conversations/{conversation}/messages", {"role": "user", "content": TEXT})
        person.get(f"/conversations/{conversation}/export?format=markdown")
        person.post("/credits/transactions", {"type": "deduct", "amount": 1, "description": TEXT})
        person.get(f"/{TEXT}")
        person.client.get(f"/?{TEXT}")
        for fault in ("bug", "unreachable", "closed", "absent", "forbidden"):
            person.get(f"/api/view/{fault}?{TEXT}")
            person.get(f"/api/plain/{fault}?{TEXT}")
        ApiClient(f"{key}x", "ann").get("/conversations")
        ApiClient("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmVk", "ann").get("/conversations")
        person.get("/conversations", x_request_id=key)
        client = Client(raise_request_exception=False)
        client.post("/admin/login/", {"username": "sam", "password": "correct horse"})
        client.post("/admin/login/", {"username": "sam", "password": "wrong horse"})

        written = log.text
        assert written.count("operations.requests") >= 25
        for secret in (TEXT, key, "horse", "hunter2", SECRET, "eyJhbGci", "stw_"):
            assert secret not in written, secret

    def test_quotes_a_row_that_the_database_refuses(self, log: Log) -> None:
        from django.db import IntegrityError, transaction

        from conversations.models import Conversation

        made = make_conversation_of(1)
        row = Conversation(
            uid=made.uid, person=made.person, title=TEXT, metadata={TEXT: 1},
            created_at=made.created_at, updated_at=made.updated_at, message_count=-1,
        )  # fmt: skip
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            logging.getLogger("anything").error("It failed", exc_info=error)

        assert TEXT not in log.text
        assert "IntegrityError" in log.text and "constraint" in log.text.lower()

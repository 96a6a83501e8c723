"""A header that stands for one thing comes once: as the server reads it from the wire."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.utils import timezone

from access.services import keys
from billing.models import CreditAccount
from common.api import headers
from tests import processes
from tests.asserts import stored
from tests.web import PATIENCE_SECONDS, Web, served

SENT = {
    "Authorization": "Bearer {key}",
    "X-User-Id": "ann",
    "X-User-Tier": "pro",
    "Idempotency-Key": "k",
}
BODY = b'{"type": "deduct", "amount": 1}'


def charge(web: Web, pairs: list[tuple[str, str]]) -> tuple[int, dict[str, Any]]:
    """The status and body of a charge with exactly these headers, in their order."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE_SECONDS)
    with closing(connection):
        connection.putrequest("POST", "/api/v1/credits/transactions")
        described = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]
        for name, value in described + pairs:
            connection.putheader(name, value)
        connection.endheaders(BODY)
        response = connection.getresponse()
        return response.status, orjson.loads(response.read())


@pytest.fixture
def pairs(transactional_db: None) -> list[tuple[str, str]]:
    key = keys.create_key(
        name="application", scopes=["billing:charge"], actor="system", at=timezone.now()
    ).key
    return [(name, value.format(key=key)) for name, value in SENT.items()]


class TestGunicorn:
    @pytest.fixture
    def web(self, pairs: Any, tmp_path: Path) -> Iterator[Web]:
        with served(processes.environment(), tmp_path) as web:
            yield web

    def test_refuses_each_that_comes_twice_and_takes_the_others(
        self, web: Web, pairs: list[tuple[str, str]]
    ) -> None:
        before = stored()
        for name, value in pairs:
            for other in (value, "other"):
                status, problem = charge(web, [*pairs, (name.upper(), other)])
                assert (status, problem["code"]) == (400, "header_repeated"), name
                assert name.lower() in problem["detail"]
        assert stored() == before

        # What a client says by itself of repeated headers does not count.
        forged = ("Steward-Repeated-Headers", "x-user-id")
        twice = [("Accept", "a/b"), ("Accept", "c/d")]
        assert charge(web, [*pairs, *twice, forged])[0] == 201

        # One header with a comma is one person.
        named = [(name, "cn=ann,ou=people" if name == "X-User-Id" else value)
                 for name, value in pairs]  # fmt: skip
        assert charge(web, named)[0] == 201
        people = CreditAccount.objects.order_by("person__user_id").values_list(
            "person__user_id", flat=True
        )
        assert list(people) == ["ann", "cn=ann,ou=people"]


class TestAsgi:
    @pytest.mark.parametrize("name", [name.lower() for name in SENT])
    def test_refuses_each_that_comes_twice(self, name: str) -> None:
        scope = {
            "type": "http", "method": "GET", "path": "/api/v1/credits", "query_string": b"",
            "headers": [(name.encode(), b"a"), (b"host", b"localhost"), (name.encode(), b"a")],
        }  # fmt: skip

        async def answer() -> tuple[int, bytes]:
            communicator = ApplicationCommunicator(get_asgi_application(), scope)
            await communicator.send_input({"type": "http.request", "body": b""})
            start = await communicator.receive_output(PATIENCE_SECONDS)
            body = await communicator.receive_output(PATIENCE_SECONDS)
            await communicator.wait()
            return start["status"], body["body"]

        status, body = async_to_sync(answer)()

        assert (status, orjson.loads(body)["code"]) == (400, "header_repeated")


def test_what_is_not_ours_may_come_twice() -> None:
    assert headers.repeated(["Cookie", "COOKIE", "X-User-Id", "Accept", "accept"]) == []
    assert headers.repeated(["x-user-id", "X-USER-ID", "Authorization"]) == ["x-user-id"]

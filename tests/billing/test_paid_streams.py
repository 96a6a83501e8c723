"""Streamed answers of paid views: taken when they end, or when their first part has gone out."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished
from django.db import close_old_connections

from billing.models import CreditHold
from tests.asserts import assert_statements
from tests.billing import paid_urls
from tests.billing.paid_calls import request_of
from tests.billing.paid_urls import COST
from tests.client import ApiClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.billing.paid_urls")]

ENDS = {
    "whole": "captured",
    "empty": "captured",
    "fails-later": "captured",
    "fails-at-once": "released",
}


def state() -> str:
    return CreditHold.objects.get().state


def read(response: Any) -> bytes:
    """What comes before the stream fails or ends."""
    got = b""
    try:
        for part in response:
            got += part
    except paid_urls.ViewFailed:
        got += b"!"
    return got


def close(response: Any) -> None:
    """Close it as a server does, but for the database's connection, which the test needs."""
    request_finished.disconnect(close_old_connections)
    try:
        response.close()
    finally:
        request_finished.connect(close_old_connections)


class TestAStream:
    def test_is_held_while_it_flows_and_taken_when_it_ends(self, person: ApiClient) -> None:
        response = person.get("/api/paid/stream/whole")

        flow = iter(response)
        assert (next(flow), state()) == (b"a", "open")
        assert (next(flow), state()) == (b"b", "open")
        assert list(flow) == []
        assert state() == "captured"

    @pytest.mark.parametrize(("kind", "expected"), ENDS.items())
    def test_that(self, person: ApiClient, kind: str, expected: str) -> None:
        read(person.get(f"/api/paid/stream/{kind}"))

        assert state() == expected

    def test_says_beforehand_what_it_costs(self, person: ApiClient) -> None:
        response = person.get("/api/paid/stream/whole")

        assert response["X-Credits-Charged"] == str(COST)
        assert response["X-Credits-Available"] == str(50 - COST)

    @pytest.mark.parametrize(
        ("kind", "parts", "expected"),
        [
            ("whole", 0, "released"),
            ("whole", 1, "captured"),
            ("begins-empty", 1, "released"),
            ("begins-empty", 2, "captured"),
        ],
    )
    def test_is_taken_when_closed_after_its_first_part(
        self, key: str, kind: str, parts: int, expected: str
    ) -> None:
        response = paid_urls.stream(request_of(key), kind)
        flow = iter(response)
        for _ in range(parts):
            next(flow)

        close(response)

        assert state() == expected

    def test_closed_twice_is_settled_once(self, key: str) -> None:
        response = paid_urls.stream(request_of(key), "whole")
        close(response)

        with assert_statements(0):
            close(response)

    def test_with_another_status_is_free_at_once(self, person: ApiClient) -> None:
        response = person.get("/api/paid/stream/absent")

        assert (state(), response["X-Credits-Charged"]) == ("released", "0")
        assert read(response) == b"a"

    def test_of_a_file_is_taken_when_it_ends(self, person: ApiClient) -> None:
        response = person.get("/api/paid/file")
        assert state() == "open"

        assert read(response) == b"ab"
        assert state() == "captured"

    def test_of_a_file_is_not_handed_to_the_server_to_send(self, key: str) -> None:
        # The server would send the file itself, and never say whether it did.
        assert paid_urls.file(request_of(key)).file_to_stream is None

    def test_takes_these_statements(self, person: ApiClient) -> None:
        person.get("/credits")

        with assert_statements(3):  # authentication, hold, balance
            response = person.get("/api/paid/stream/whole")
        with assert_statements(2):  # capture
            read(response)

    @pytest.mark.parametrize(("kind", "expected"), ENDS.items())
    def test_by_the_map_of_costs_that(
        self, key: str, settings: Any, kind: str, expected: str
    ) -> None:
        settings.CREDITS_COSTS = {"paid:unpaid-stream": 3}

        read(ApiClient(key, "ann").get(f"/api/paid/unpaid-stream/{kind}"))

        assert state() == expected


class TestAnAsyncStream:
    @pytest.mark.parametrize(("kind", "expected"), ENDS.items())
    def test_that(self, key: str, kind: str, expected: str) -> None:
        async def flow(response: Any) -> None:
            try:
                async for _ in response:
                    pass
            except paid_urls.ViewFailed:
                pass

        self.during(key, kind, flow)

        assert state() == expected

    def test_closed_before_its_first_part_is_free(self, key: str) -> None:
        self.during(key, "whole", leave)

        assert state() == "released"

    def test_closed_after_its_first_part_is_taken(self, key: str) -> None:
        async def read_one(response: Any) -> None:
            parts: AsyncIterator[bytes] = aiter(response)
            assert await anext(parts) == b"a"

        self.during(key, "whole", read_one)

        assert state() == "captured"

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        ("kind", "messages", "expected"), [("waits", 1, "released"), ("stays", 2, "captured")]
    )
    def test_whose_client_leaves_is_settled(
        self, key: str, kind: str, messages: int, expected: str
    ) -> None:
        async def serve() -> None:
            server = ApplicationCommunicator(ASGIHandler(), scope_of(key, kind))
            await server.send_input({"type": "http.request"})
            for _ in range(messages):  # the headers, then parts
                await server.receive_output(timeout=60)
            await server.send_input({"type": "http.disconnect"})
            await server.wait(timeout=60)

        async_to_sync(serve)()

        assert state() == expected

    def during(self, key: str, kind: str, act: Callable[[Any], Any]) -> None:
        async def serve() -> None:
            response = await paid_urls.async_stream(request_of(key), kind)
            await act(response)
            await sync_to_async(close)(response)  # as the ASGI handler does

        async_to_sync(serve)()


def scope_of(key: str, kind: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": f"/api/paid/async-stream/{kind}",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode()), (b"x-user-id", b"ann")],
    }


async def leave(response: Any) -> None:
    """The client went away."""

"""A client of a paid view that leaves, under ASGI, at each point where the call waits."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler

from billing import headers, reports
from billing.asgi import Settled
from billing.models import CreditAccount, CreditHold
from billing.services import holds
from common import declarations
from tests import processes
from tests.billing import paid_urls
from tests.billing.paid_calls import ALLOWANCE, states
from tests.billing.paid_urls import COST
from tests.client import ApiClient
from tests.web import Web, served

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.billing.paid_urls"),
]

PATIENCE_SECONDS = 60
# So many turns of the loop take a message to the one who waits for it, and a cancellation back.
TURNS = 50


class Gate:
    """A place where a thread stops until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def stop(self) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECONDS)

    def before(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def stopping(*given: Any, **named: Any) -> Any:
            self.stop()
            return act(*given, **named)

        return stopping

    def after(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def stopping(*given: Any, **named: Any) -> Any:
            result = act(*given, **named)
            self.stop()
            return result

        return stopping


@pytest.fixture(autouse=True)
def map_of_costs(settings: Any) -> None:
    settings.CREDITS_COSTS = {"paid:unpaid": COST, "paid:ask-unpaid": COST}


class Leaver:
    """Somebody new, with the first 50 credits, who calls a paid view and hangs up."""

    def __init__(self, key: str, route: str) -> None:
        self.user_id = f"ann-{route}"
        self.route = route
        self.key = key
        ApiClient(key, self.user_id).get("/credits")

    def leave(self, application: Any, gate: Gate) -> None:
        """Call, wait until the call has come to the gate, hang up, and only then open the gate."""
        asyncio.run(self._leave(application, gate))

    async def _leave(self, application: Any, gate: Gate) -> None:
        server = ApplicationCommunicator(application, self._scope())
        await server.send_input({"type": "http.request"})
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, gate.reached.wait, PATIENCE_SECONDS), self.route
        await server.send_input({"type": "http.disconnect"})
        for _ in range(TURNS):
            await asyncio.sleep(0)
        gate.opened.set()
        await server.wait(PATIENCE_SECONDS)

    def _scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": f"/api/paid/{self.route}",
            "query_string": b"",
            "headers": [
                (b"authorization", f"Bearer {self.key}".encode()),
                (b"x-user-id", self.user_id.encode()),
            ],
        }

    def end(self) -> str:
        """How the hold ended; nothing is held any more, and just what was captured is charged."""
        (state,) = CreditHold.objects.filter(person__user_id=self.user_id).values_list(
            "state", flat=True
        )
        account = CreditAccount.objects.get(person__user_id=self.user_id)
        taken = COST if state == "captured" else 0
        assert (account.balance, account.held) == (ALLOWANCE - taken, 0), self.route
        return str(state)


def ends(
    key: str,
    routes: Iterable[str],
    stop: Callable[[Gate, pytest.MonkeyPatch], None],
    around: Callable[[Any], Any] = Settled,
) -> dict[str, str]:
    """How the call of each route ends when its client leaves at the place where `stop` stops it."""
    found = {}
    for route in routes:
        leaver, gate = Leaver(key, route), Gate()
        with pytest.MonkeyPatch.context() as patch:
            stop(gate, patch)
            leaver.leave(around(ASGIHandler()), gate)
        found[route] = leaver.end()
    assert [said for check in declarations.checks() for said in check.find()] == []
    return found


COROUTINES = ["coroutine", "async-method", "class", "async-stream/whole"]
MAPPED = ["unpaid", "ask/unpaid"]
FREE_OF_CHARGE = dict.fromkeys([*COROUTINES, *MAPPED, "ask", "ask/whole"], "released")
# The thread of a view of Django's own cannot be stopped: its answer is made, and paid for.
MADE = {"plain": "captured", "method": "captured"}


class TestLeaving:
    def test_before_the_hold_holds_nothing_for_long(self, key: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(headers, "tier_named_in", gate.before(headers.tier_named_in))

        expected = FREE_OF_CHARGE | MADE
        assert ends(key, expected, stop) == expected

    @pytest.mark.parametrize("side", ["before", "after"])
    def test_while_the_hold_is_placed_sets_it_free(self, key: str, side: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(holds, "place_hold", getattr(gate, side)(holds.place_hold))

        expected = FREE_OF_CHARGE | MADE
        assert ends(key, expected, stop) == expected

    def test_while_the_hold_is_placed_sets_it_free_under_djangos_own_handler_too(
        self, key: str
    ) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(holds, "place_hold", gate.after(holds.place_hold))

        expected = dict.fromkeys([*COROUTINES, *MAPPED], "released")
        assert ends(key, expected, stop, around=lambda handler: handler) == expected

    def test_while_a_view_waits_sets_the_credits_free(self, key: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(paid_urls, "waiting", gate.reached.set)

        expected = {"waiting": "released", "async-stream/waits": "released"}
        assert ends(key, expected, stop) == expected

    def test_while_a_view_is_at_work_pays_for_an_answer_that_is_made(self, key: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(paid_urls, "during", gate.stop)

        # What is rendered or streamed later is not made by then.
        expected = MADE | dict.fromkeys([*MAPPED, "ask", "late-stream"], "released")
        assert ends(key, expected, stop) == expected

    def test_while_a_body_is_rendered_pays_for_it(self, key: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(paid_urls, "during", gate.stop)

        assert ends(key, ["template"], stop) == {"template": "captured"}

    @pytest.mark.parametrize("side", ["before", "after"])
    def test_while_the_credits_are_taken_takes_them_once(self, key: str, side: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(holds, "capture_hold", getattr(gate, side)(holds.capture_hold))

        expected = dict.fromkeys([*COROUTINES, *MAPPED, "ask", *MADE], "captured")
        assert ends(key, expected, stop) == expected

    def test_while_the_balance_is_read_takes_what_is_made(self, key: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(reports, "credit_status", gate.after(reports.credit_status))

        expected = dict.fromkeys(["coroutine", "class", *MAPPED, "ask", *MADE], "captured")
        # A stream is paid for at its end, to which nobody comes.
        expected |= {"async-stream/whole": "released", "stream/whole": "released"}
        assert ends(key, expected, stop) == expected

    def test_a_stream_after_its_first_part_pays_for_it(self, key: str) -> None:
        def stop(gate: Gate, patch: pytest.MonkeyPatch) -> None:
            patch.setattr(paid_urls, "waiting", gate.reached.set)

        assert ends(key, ["async-stream/stays"], stop) == {"async-stream/stays": "captured"}


WAITER = """
import asyncio

from django.http import HttpResponse
from django.urls import path

from billing.middleware import credits


@credits(cost=5)
async def wait(request):
    await asyncio.sleep(600)
    return HttpResponse()


urlpatterns = [path("wait", wait)]
"""


class TestAClientOfAServer:
    def test_that_hangs_up_gets_its_credits_back(self, key: str, tmp_path: Path) -> None:
        (tmp_path / "waiter").mkdir()
        (tmp_path / "waiter" / "__init__.py").touch()
        (tmp_path / "waiter" / "urls.py").write_text(WAITER)
        environment = processes.environment() | {
            "EXTRA_APPS": "waiter",
            "PYTHONPATH": str(tmp_path),
            "CREDITS_HOLD_SECONDS": "3600",
        }

        with served(environment, tmp_path, server=["uvicorn", "config.asgi:application"]) as web:
            with socket.create_connection(("127.0.0.1", web.port)) as client:
                client.sendall(
                    b"GET /api/waiter/wait HTTP/1.1\r\nHost: localhost\r\nX-User-Id: ann\r\n"
                    + f"Authorization: Bearer {key}\r\n\r\n".encode()
                )
                wait_for(["open"], web)
            wait_for(["released"], web)

        account = CreditAccount.objects.get()
        assert (account.balance, account.held) == (ALLOWANCE, 0)


def wait_for(expected: list[str], web: Web) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while states() != expected:
        assert time.monotonic() < until, web.log
        time.sleep(0.02)

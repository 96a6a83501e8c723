"""One maker for one miss, through gunicorn: the others wait for its answer or come back for it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db.models import Sum

from querycache.models import CacheEntry, CacheStatistics
from tests.querycache.server import Server, serve

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 40
MAKING_SECONDS = 0.3
QUESTION = {"query": "Which heat pump?", "wait_ms": 2000}


class Flight:
    """Forty clients with one question, and one who asks for something else meanwhile."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.makers: list[int] = []
        self.other_replies: list[int] = []
        self.is_made = threading.Event()
        self.together = threading.Barrier(CLIENTS)

    def ask(self, number: int) -> str:
        self.together.wait()
        for _ in range(20):
            reply = self.server.call("POST", "/cache/lookup", QUESTION)
            assert reply.status_code == 200, reply.content
            found = reply.json()
            if found["result"] is not None:
                return str(found["result"])
            lease = found["lease"]
            if lease is None:
                time.sleep(int(reply["Retry-After"]))
                continue
            self.makers.append(number)
            time.sleep(MAKING_SECONDS)
            answer = {"result": f"made by {number}", "lease": lease["token"]}
            path = f"/cache/entries/{found['key']}"
            assert self.server.call("PUT", path, answer).status_code == 201
            self.is_made.set()
        raise AssertionError("never served")

    def ask_other_things(self) -> None:
        while not self.is_made.is_set():
            self.other_replies.append(self.server.call("GET", "/conversations").status_code)


def test_forty_clients_have_one_maker_while_others_go_on_being_answered(
    key: str, tmp_path: Path
) -> None:
    with serve(key, tmp_path) as server, ThreadPoolExecutor(CLIENTS + 1) as pool:
        flight = Flight(server)
        other = pool.submit(flight.ask_other_things)

        served = list(pool.map(flight.ask, range(CLIENTS)))
        other.result()

    assert len(flight.makers) == 1
    assert set(served) == {f"made by {flight.makers[0]}"}
    assert flight.other_replies and set(flight.other_replies) == {200}
    assert CacheEntry.objects.count() == 1
    counts = CacheStatistics.objects.aggregate(
        **{name: Sum(name) for name in ("lookups", "hits", "misses", "stores", "coalesced")}
    )
    # The maker asks again for its own answer, so that each client has one hit.
    assert (counts["hits"], counts["stores"]) == (CLIENTS, 1)
    assert counts["lookups"] == counts["hits"] + counts["misses"]
    assert 1 <= counts["coalesced"] <= CLIENTS - 1


def test_a_killed_makers_lease_passes_on_and_its_late_store_is_refused(
    key: str, tmp_path: Path
) -> None:
    with serve(key, tmp_path, CACHE_LEASE_SECONDS="1") as server:
        first = server.call("POST", "/cache/lookup", QUESTION).json()
        path = f"/cache/entries/{first['key']}"

        # The first maker is never heard of again until it is too late.
        second = server.call("POST", "/cache/lookup", QUESTION).json()
        late = server.call("PUT", path, {"result": "late", "lease": first["lease"]["token"]})
        stored = server.call("PUT", path, {"result": "made", "lease": second["lease"]["token"]})
        found = server.call("POST", "/cache/lookup", QUESTION).json()

    assert second["lease"] is not None
    assert (late.status_code, late.json()["code"]) == (409, "lease_lost")
    assert stored.status_code == 201
    assert (found["status"], found["result"]) == ("hit", "made")

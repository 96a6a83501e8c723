"""What Prometheus sees: of one process here, of several in TestTwoWorkers."""

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from common.metrics import CACHE_LOOKUPS, METRICS, Counter, make_all
from operations import metrics
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of
from tests.operations.server import manage
from tests.processes import environment
from tests.web import Web, served

pytestmark = pytest.mark.django_db

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: bytes) -> Samples:
    found: Samples = {}
    for line in text.decode().splitlines():
        match = SAMPLE.match(line)
        if match:
            labels = frozenset(LABEL.findall(match[2] or ""))
            found[match[1], labels] = float(match[3])
    return found


def value(text: bytes, name: str, **labels: str) -> float:
    """One sample; 0 where it has never been counted."""
    return samples(text).get((f"steward_{name}", frozenset(labels.items())), 0)


class Difference:
    """How much a number of this process grew since then."""

    def __init__(self) -> None:
        self.before = metrics.exposition()

    def of(self, name: str, **labels: str) -> float:
        return value(metrics.exposition(), name, **labels) - value(self.before, name, **labels)


@pytest.fixture
def grown() -> Difference:
    make_all()
    return Difference()


class TestRequests:
    def test_are_counted_by_method_route_and_status(
        self, person: ApiClient, grown: Difference
    ) -> None:
        conversation = make_conversation_of(1)
        for _ in range(3):
            person.get(f"/conversations/{conversation.uid}")
        person.get(f"/conversations/{'0' * 8}-0000-7000-8000-{'0' * 12}")

        route = "/api/v1/conversations/{conversation_id}"
        assert grown.of("requests_total", method="GET", route=route, status="200") == 3
        assert grown.of("requests_total", method="GET", route=route, status="404") == 1
        assert grown.of("request_duration_seconds_count", method="GET", route=route) == 4
        assert grown.of("request_duration_seconds_sum", method="GET", route=route) > 0
        assert grown.of("statements_total") == 3 * 3 + 2

    def test_of_strange_methods_and_addresses_make_no_new_series(self, person: ApiClient) -> None:
        person.request("BREW", "/nowhere/0")
        before = set(samples(metrics.exposition()))

        for number in range(5):
            person.request(f"BREW{number}", f"/nowhere/{number}")

        assert set(samples(metrics.exposition())) == before

    def test_are_shown_in_prometheus_format(self, person: ApiClient) -> None:
        response = person.client.get("/metrics", headers=person.headers)

        assert response["Content-Type"].startswith("text/plain; version=0.0.4")
        assert b"# TYPE steward_requests_total counter" in response.content


@pytest.mark.django_db(transaction=True)
class TestCharges:
    def test_are_counted_once_committed(self, person: ApiClient, grown: Difference) -> None:
        deduct = {"type": "deduct", "amount": 3}
        person.post("/credits/transactions", deduct, idempotency_key="k")
        person.post("/credits/transactions", deduct, idempotency_key="k")
        person.post("/credits/transactions", {"type": "grant", "amount": 7})
        person.post("/credits/transactions/batch", {"transactions": [deduct, deduct]})
        hold = person.post("/credits/holds", {"amount": 5}).json()["id"]
        person.post(f"/credits/holds/{hold}/capture", {"amount": 4})

        assert grown.of("charges_total") == 4
        assert grown.of("credits_charged_total") == 3 + 3 + 3 + 4

    def test_that_are_refused_are_counted_apart(self, person: ApiClient, grown: Difference) -> None:
        person.post("/credits/transactions", {"type": "deduct", "amount": 51})
        person.post("/usage/increment", {"amount": 11})
        person.post("/credits/holds", {"amount": 51})

        assert grown.of("charges_total") == 0
        assert grown.of("refusals_total", code="insufficient_credits") == 2
        assert grown.of("refusals_total", code="quota_exceeded") == 1


@pytest.mark.django_db(transaction=True)
class TestImports:
    def test_are_counted_by_what_became_of_each_file(
        self, grown: Difference, tmp_path: Path
    ) -> None:
        sample = Path(__file__).resolve().parent.parent.parent / "demo" / "data"
        call_command("import_json", str(sample), "--user-id", "mei", "--dry-run", verbosity=0)
        assert grown.of("imports_total", outcome="created") == 0

        call_command("import_json", str(sample), "--user-id", "mei", verbosity=0)
        created = grown.of("imports_total", outcome="created")
        call_command("import_json", str(sample), "--user-id", "mei", verbosity=0)

        assert created > 10
        assert grown.of("imports_total", outcome="unchanged") == created


class TestACounterOfAnApp:
    def test_is_shown_with_its_labels(self, grown: Difference) -> None:
        CACHE_LOOKUPS.inc(outcome="hit")
        CACHE_LOOKUPS.inc(2, outcome="miss")

        assert grown.of("cache_lookups_total", outcome="hit") == 1
        assert grown.of("cache_lookups_total", outcome="miss") == 2

    def test_may_be_made_at_any_time(self) -> None:
        counter = Counter("late_things", "Made after the others.")
        try:
            counter.inc(3)
            assert value(metrics.exposition(), "late_things_total") == 3
        finally:
            METRICS.remove(counter)
            metrics.registry().unregister(
                metrics.registry()._names_to_collectors["steward_late_things"]
            )


@pytest.mark.django_db(transaction=True)
class TestACommand:
    @pytest.mark.parametrize(
        "command", [["check", "--database", "default"], ["migrate", "--check"], ["verify"]]
    )
    def test_that_counts_nothing_leaves_nothing_in_the_servers_folder(
        self, command: list[str], tmp_path: Path
    ) -> None:
        done = manage(environment() | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, *command)

        assert done.returncode == 0, done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_that_counts_is_shown_by_the_server(self, key: str, tmp_path: Path) -> None:
        folder = tmp_path / "metrics"
        variables = environment() | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
        sample = Path(__file__).resolve().parent.parent.parent / "demo" / "data"
        with served(variables, tmp_path, workers=1) as web:
            done = manage(variables, "import_json", str(sample), "--user-id", "mei")
            text = web.get("/metrics", Authorization=f"Bearer {key}").content

        assert done.returncode == 0, done.stderr
        assert value(text, "imports_total", outcome="created") > 10


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    THREADS, EACH = 6, 25

    def load(self, web: Web, key: str) -> None:
        """Requests of several threads, so that both workers get some."""

        def call(number: int) -> None:
            headers = {"Authorization": f"Bearer {key}", "X_User_Id": f"u{number}"}
            for _ in range(self.EACH):
                body = {"type": "deduct", "amount": 1}
                web.request("POST", "/api/v1/credits/transactions", body, **headers)

        threads = [threading.Thread(target=call, args=(n,)) for n in range(self.THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_show_together_what_the_client_counted(self, key: str, tmp_path: Path) -> None:
        total = self.THREADS * self.EACH
        with served(environment(), tmp_path, workers=2) as web:
            self.load(web, key)

            seen: list[Any] = []
            for _ in range(6):  # whichever worker answers
                text = web.get("/metrics", Authorization=f"Bearer {key}").content
                seen.append(
                    (
                        value(text, "charges_total"),
                        value(
                            text, "requests_total",
                            method="POST", route="/api/v1/credits/transactions", status="201",
                        ),
                    )
                )  # fmt: skip
            log = web.lines()

        assert set(seen) == {(total, total)}
        assert log == []  # lines for people, outside of production

    def test_keep_their_counts_when_one_is_killed(self, key: str, tmp_path: Path) -> None:
        with served(environment(), tmp_path, workers=2) as web:
            self.load(web, key)
            web.kill_workers()
            web.wait_until_it_answers()
            self.load(web, key)

            text = web.get("/metrics", Authorization=f"Bearer {key}").content

        assert value(text, "charges_total") == 2 * self.THREADS * self.EACH

    def test_begin_anew_with_the_server(self, key: str, tmp_path: Path) -> None:
        folder = tmp_path / "metrics"
        for _ in range(2):
            variables = environment() | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
            with served(variables, tmp_path, workers=2) as web:
                web.get("/api/v1/schema")
                text = web.get("/metrics", Authorization=f"Bearer {key}").content

            assert value(
                text, "requests_total", method="GET", route="/api/v1/schema", status="200"
            ) == 1  # fmt: skip

        assert len(list(folder.glob("counter_*.db"))) <= 2


@pytest.mark.django_db
def test_a_server_of_one_process_needs_no_folder() -> None:
    assert Client().get("/health/live").status_code == 200
    assert value(
        metrics.exposition(), "requests_total", method="GET", route="/health/live", status="200"
    )

import datetime
import json
import signal
import subprocess
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from django.utils import timezone

from common import declarations
from common.declarations import Task
from common.errors import NotFound
from common.locks import only_maintenance
from operations import logs
from operations.maintenance import BATCH_ITEMS
from operations.models import MaintenanceRun
from tests import forks
from tests.forks import Fork
from tests.operations.server import manage
from tests.processes import environment

pytestmark = pytest.mark.django_db

TABLE = "/admin/operations/maintenancerun/"


def maintain(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    output = StringIO()
    try:
        call_command("maintain", *arguments, stdout=output, stderr=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


class Heap:
    """Items to tidy, as a task: remembers the size of each batch."""

    def __init__(self, items: int, error: Exception | None = None) -> None:
        self.items = items
        self.error = error
        self.batches: list[int] = []

    def tidy(self, at: datetime.datetime, limit: int) -> int:
        taken = min(self.items, limit)
        if taken < limit and self.error:
            raise self.error
        self.items -= taken
        self.batches.append(taken)
        return taken

    def task(self, name: str) -> Task:
        return Task(name, name.title(), lambda at: self.items, self.tidy)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes these the only tasks there are."""

    def register(*tasks: Task) -> None:
        monkeypatch.setattr(declarations, "maintenance_tasks", lambda: list(tasks))

    return register


def kept() -> list[tuple[str, int, str]]:
    return list(MaintenanceRun.objects.order_by("pk").values_list("task", "items", "error"))


class TestARun:
    def test_works_in_batches_until_nothing_is_left(self, only: Any) -> None:
        heap = Heap(2 * BATCH_ITEMS + 3)
        only(heap.task("heap"))

        assert maintain()[0] == 0
        assert heap.batches == [BATCH_ITEMS, BATCH_ITEMS, 3]
        assert kept() == [("heap", 2 * BATCH_ITEMS + 3, "")]

    def test_is_kept_with_its_time(self, only: Any) -> None:
        only(Heap(1).task("heap"))
        before = timezone.now()

        maintain()

        row = MaintenanceRun.objects.get()
        assert before <= row.started_at <= timezone.now()
        assert 0 <= row.duration_seconds < 60

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (OperationalError("the disk is full"), "the disk is full"),
            (IntegrityError('null value\nDETAIL:  Failing row: (7, "ann")'), "null value"),
            (NotFound("There is no such thing."), logs.LEFT_OUT),
            (OSError("no space"), "no space"),
            (TypeError("a fault in the code"), "a fault in the code"),
            (KeyError("x"), logs.LEFT_OUT),
        ],
        ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
    )
    def test_that_fails_does_not_stop_the_others(
        self, only: Any, error: Exception, told: str
    ) -> None:
        first, last = Heap(BATCH_ITEMS + 1, error), Heap(2)
        only(first.task("a.fails"), last.task("b.works"))

        code, output = maintain()

        assert code == 1
        assert "BAD  a.fails" in output and "ok   b.works" in output
        [(name, items, sentence), second] = kept()
        assert (name, items) == ("a.fails", BATCH_ITEMS)
        assert sentence == f"{type(error).__name__}: {told}"
        assert second == ("b.works", 2, "")

    def test_of_a_report_keeps_the_count(self, only: Any) -> None:
        only(Task("report", "Report", lambda at: 7))

        assert maintain()[0] == 0
        assert kept() == [("report", 7, "")]

    def test_may_be_of_one_task(self, only: Any) -> None:
        one, other = Heap(1), Heap(1)
        only(one.task("one"), other.task("other"))

        maintain("--task", "other")

        assert kept() == [("other", 1, "")]
        assert one.items == 1

    def test_of_an_unknown_task_names_those_there_are(self, only: Any) -> None:
        only(Heap(1).task("one"), Heap(1).task("other"))

        with pytest.raises(CommandError, match="no task 'others'. Tasks: one, other.") as error:
            call_command("maintain", task="others")

        assert error.value.returncode == 2
        assert kept() == []

    def test_is_told_to_programs(self, only: Any) -> None:
        only(Heap(1, OSError("no space")).task("a"), Heap(2).task("b"))

        code, output = maintain("--json")

        document = json.loads(output)
        assert code == 1
        assert document["ran"] is True
        assert [(done["task"], done["items"], done["error"]) for done in document["tasks"]] == [
            ("a", 0, "OSError: no space"),
            ("b", 2, ""),
        ]

    def test_twice_changes_nothing_more(self) -> None:
        maintain()
        again = json.loads(maintain("--json")[1])["tasks"]

        left = {done["task"]: done["items"] for done in again}
        assert left.pop("operations.analyze") > 0
        assert set(left.values()) == {0}


class TestADryRun:
    def test_counts_and_writes_nothing(self, only: Any) -> None:
        heap = Heap(12)
        only(heap.task("heap"), Task("report", "Report", lambda at: 3))

        code, output = maintain("--dry-run")

        assert code == 0
        assert [line.split()[:2] for line in output.splitlines()[:2]] == [
            ["12", "heap"],
            ["3", "report"],
        ]
        assert output.splitlines()[-1] == "Dry run: nothing was written."
        assert (heap.items, kept()) == (12, [])

    def test_is_told_to_programs(self, only: Any) -> None:
        only(Heap(12).task("heap"))

        document = json.loads(maintain("--dry-run", "--json")[1])

        assert document == {"dry_run": True, "tasks": [{"task": "heap", "waiting": 12}]}


class TestOneRunner:
    def test_works_at_a_time(self, only: Any) -> None:
        heap = Heap(1)
        only(heap.task("heap"))

        with only_maintenance() as alone:
            code, output = maintain()
            document = json.loads(maintain("--json")[1])

        assert alone
        assert code == 0
        assert "Another runner is at work" in output
        assert document == {"ran": False, "tasks": []}
        assert (heap.items, kept()) == (1, [])

    def test_is_followed_by_the_next(self, only: Any) -> None:
        only(Heap(1).task("heap"))
        for _ in range(20):
            with only_maintenance() as alone:
                assert alone

        maintain()

        assert len(kept()) == 1

    def test_leaves_no_lock_behind_when_it_is_killed(self, only: Any) -> None:
        holder = forks.popen(
            [
                "-c",
                "import django; django.setup()\n"
                "from common.locks import only_maintenance\n"
                "with only_maintenance() as alone: print(alone, flush=True); input()",
            ],
            env=environment() | {"DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert holder.stdout and holder.stdout.readline() == "True\n"
        with only_maintenance() as alone:
            assert not alone

        holder.kill()
        holder.communicate()

        assert can_be_had()


def can_be_had() -> bool:
    """Whether the lock comes free; the server notices a dead client a little later."""
    for _ in range(1000):
        with only_maintenance() as alone:
            if alone:
                return True
    return False


class TestTheLoop:
    @pytest.fixture
    def loop(self) -> Iterator[Fork]:
        process = forks.popen(
            ["manage.py", "maintain", "--loop", "3600", "--json"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        yield process
        process.kill()
        process.communicate()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
    def test_ends_when_it_is_told_to(self, loop: Fork, sent: signal.Signals) -> None:
        assert loop.stdout
        done = json.loads(loop.stdout.readline())

        loop.send_signal(sent)
        _, errors = loop.communicate(timeout=60)

        assert (loop.returncode, errors) == (0, "")
        assert done["ran"] is True
        assert len(kept()) == len(declarations.maintenance_tasks())

    def test_goes_on_after_errors(self, only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        heap = Heap(1, OSError("no space"))
        only(heap.task("heap"))
        waits = iter([False, False, True])

        def wait(event: Any, seconds: float) -> None:
            assert seconds == 5
            if next(waits):
                event.set()

        monkeypatch.setattr("threading.Event.wait", wait)
        monkeypatch.setattr(signal, "signal", lambda *_: None)

        code, _ = maintain("--loop", "5")

        assert code == 0
        assert kept() == [("heap", 0, "OSError: no space")] * 3

    def test_takes_a_second_or_more(self) -> None:
        with pytest.raises(CommandError, match="1 second or more") as error:
            call_command("maintain", loop=0)

        assert error.value.returncode == 2


class TestWithoutADatabase:
    @pytest.mark.parametrize("arguments", [[], ["--json"]])
    def test_it_says_so(self, arguments: list[str]) -> None:
        nowhere = {"DATABASE_URL": "postgresql://steward:hunter2@127.0.0.1:1/none"}
        done = manage(environment() | nowhere, "maintain", *arguments)

        assert done.returncode == 1
        assert "The database is not available" in done.stderr
        assert "Traceback" not in done.stderr and "hunter2" not in done.stderr


class TestOwnTasks:
    def test_forget_runs_after_90_days(self) -> None:
        now = timezone.now()
        for days in (91, 89):
            MaintenanceRun.objects.create(
                task="old",
                started_at=now - datetime.timedelta(days=days),
                duration_seconds=1,
                items=0,
            )

        maintain("--task", "operations.runs")

        assert kept() == [("old", 0, ""), ("operations.runs", 1, "")]
        assert MaintenanceRun.objects.earliest("pk").started_at > now - datetime.timedelta(days=90)

    @pytest.mark.django_db(transaction=True)
    def test_analyze_every_table(self) -> None:
        MaintenanceRun.objects.create(
            task="x", started_at=timezone.now(), duration_seconds=1, items=0
        )

        maintain("--task", "operations.analyze")

        tables = set(connection.introspection.django_table_names(only_existing=True))
        assert kept()[-1] == ("operations.analyze", len(tables), "")
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT DISTINCT tbl FROM sqlite_stat1")
            else:
                cursor.execute(
                    "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public'"
                )
            assert "operations_maintenancerun" in {row[0] for row in cursor.fetchall()}


class TestInTheAdmin:
    @pytest.fixture
    def client(self) -> Client:
        user = User.objects.create_user("operator", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_maintenancerun"))
        client = Client()
        client.force_login(user)
        return client

    def test_runs_are_read(self, client: Client, only: Any) -> None:
        only(Heap(1, OSError("no space")).task("a.fails"), Heap(2).task("b.works"))
        maintain()

        page = client.get(TABLE).content.decode()
        failed = client.get(TABLE, {"failed": "yes"}).content.decode()
        of_task = client.get(TABLE, {"task": "b.works"}).content.decode()
        one = client.get(f"{TABLE}{MaintenanceRun.objects.earliest('pk').pk}/change/")

        rows = [MaintenanceRun.objects.get(task=name).pk for name in ("a.fails", "b.works")]
        shown = [[f"/{pk}/change/" in text for pk in rows] for text in (page, failed, of_task)]
        assert shown == [[True, True], [True, False], [False, True]]
        assert "OSError: no space" in one.content.decode()

    def test_runs_are_not_changed(self, client: Client, only: Any) -> None:
        only(Heap(1).task("heap"))
        maintain()
        url = f"{TABLE}{MaintenanceRun.objects.get().pk}/"

        assert client.post(f"{url}change/", {"items": 9}).status_code == 403
        assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"{TABLE}add/").status_code == 403
        assert kept() == [("heap", 1, "")]


def test_the_document_names_every_task() -> None:
    section = (settings.BASE_DIR / "docs" / "commands.md").read_text().split("## `maintain")[1]

    assert [
        task.name for task in declarations.maintenance_tasks() if f"`{task.name}`" not in section
    ] == []

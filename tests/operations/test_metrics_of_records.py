"""Numbers of what is stored: the last run of each task, of backup and verify, and open holds."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from common import declarations
from common.declarations import Task
from conversations.models import Conversation
from operations import metrics, stored
from operations.models import MaintenanceRun
from tests.asserts import assert_statements
from tests.billing import books
from tests.conversations.recipes import make_conversation_of
from tests.operations.backups import command
from tests.operations.test_metrics import samples, value

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "FRESH_SECONDS", -1.0)


def shown(name: str, text: bytes | None = None, **labels: str) -> float | None:
    """A number as it is shown now, or in `text`."""
    text = metrics.exposition() if text is None else text
    return samples(text).get((f"steward_{name}", frozenset(labels.items())))


def last_run(task: str, text: bytes | None = None) -> tuple[float | None, ...]:
    """Whether the last run succeeded, and what it found."""
    text = metrics.exposition() if text is None else text
    names = ("task_last_run_succeeded", "task_last_run_items")
    return tuple(shown(name, text, task=task) for name in names)


def since_the_last(kind: str, task: str) -> float:
    at = shown(f"task_last_{kind}_timestamp_seconds", task=task)
    assert at is not None
    return timezone.now().timestamp() - at


class TestATask:
    def test_that_never_ran_is_there(self) -> None:
        text = metrics.exposition()
        for task in ("backup", "verify", *(task.name for task in declarations.maintenance_tasks())):
            assert shown("task_last_run_timestamp_seconds", text, task=task) == 0
            assert shown("task_last_success_timestamp_seconds", text, task=task) == 0
            assert last_run(task, text) == (None, None)

    def test_tells_of_its_last_run_and_of_its_last_success(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outcomes: list[Any] = [4, OSError("no space")]

        def tidy(at: datetime.datetime, limit: int) -> int:
            outcome = outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return int(outcome)

        task = Task("a.heap", "A heap", lambda at: 0, tidy)
        monkeypatch.setattr(declarations, "maintenance_tasks", lambda: [task])

        assert command("maintain")[0] == 0
        assert last_run("a.heap") == (1, 4)
        assert since_the_last("success", "a.heap") < 60

        MaintenanceRun.objects.update(started_at=timezone.now() - datetime.timedelta(days=2))
        assert command("maintain")[0] == 1
        assert last_run("a.heap") == (0, 0)
        assert since_the_last("run", "a.heap") < 60
        assert since_the_last("success", "a.heap") > 24 * 3600
        seconds = shown("task_last_run_duration_seconds", task="a.heap")
        assert seconds is not None and 0 <= seconds < 60

    def test_of_an_earlier_release_and_a_repair_are_not_shown(self) -> None:
        for name in ("gone.task", "verify --repair: billing.held"):
            MaintenanceRun.objects.create(
                task=name, started_at=timezone.now(), duration_seconds=1, items=1
            )

        text = metrics.exposition().decode()

        assert "gone.task" not in text and "repair" not in text


class TestVerify:
    def test_succeeds_when_all_is_as_it_should_be(self) -> None:
        assert command("verify")[0] == 0

        assert last_run("verify") == (1, 0)
        assert since_the_last("success", "verify") < 60

    def test_fails_with_the_number_of_problems(self) -> None:
        make_conversation_of(1)
        Conversation.objects.update(message_count=7)

        code, said = command("verify")
        assert code == 1

        run = MaintenanceRun.objects.get()
        assert last_run("verify") == (0, run.items)
        assert f"{run.items} problems." in said and run.error == f"{run.items} problems"
        assert shown("task_last_success_timestamp_seconds", task="verify") == 0

    def test_that_could_not_run_is_no_success(self, refused: Callable[[str], Any]) -> None:
        with refused("billing_creditaccount"):
            assert command("verify")[0] == 2

        assert last_run("verify") == (0, 0)

    def test_ends_as_it_would_where_its_run_cannot_be_kept(
        self, refused: Callable[[str], Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        with refused("INSERT INTO"):
            code, said = command("verify")

        assert (code, "All is as it should be." in said) == (0, True)
        assert "verify: The run could not be kept" in caplog.text


@pytest.mark.django_db(transaction=True)
class TestABackup:
    def test_is_kept_whether_it_is_made_or_fails(self, tmp_path: Path) -> None:
        assert command("backup", tmp_path / "daily.zip")[0] == 0
        assert last_run("backup") == (1, 1)
        assert since_the_last("success", "backup") < 60

        (tmp_path / "thesis.zip").write_bytes(b"my thesis")
        assert command("backup", tmp_path / "thesis.zip")[0] == 1
        assert last_run("backup") == (0, 1)
        assert since_the_last("success", "backup") < 60


class TestHolds:
    def test_are_open_until_they_are_resolved_or_overdue(self) -> None:
        now = timezone.now()
        for user_id in ("ann", "bob"):
            books.open_account(user_id, at=now - datetime.timedelta(days=1))
        books.hold(1, user_id="bob", ttl_seconds=60, at=now - datetime.timedelta(hours=1))
        books.hold(1, ttl_seconds=3600, at=now)
        resolved = books.hold(1, ttl_seconds=3600, at=now)
        assert (shown("open_holds"), shown("overdue_holds")) == (2, 1)

        books.release(resolved, at=now)
        assert (shown("open_holds"), shown("overdue_holds")) == (1, 1)

        assert command("maintain", "--task", "billing.holds")[0] == 0
        assert (shown("open_holds"), shown("overdue_holds")) == (1, 0)


class TestTheDatabase:
    def test_is_asked_now_and_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stored, "FRESH_SECONDS", 60.0)
        fresh = stored.Stored()
        tasks = len(declarations.maintenance_tasks()) + 2

        with assert_statements(tasks + 2):
            list(fresh.collect())
        with assert_statements(0):
            again = list(fresh.collect())

        assert "steward_open_holds" in {metric.name for metric in again}

    def test_that_does_not_answer_leaves_its_numbers_out(
        self, refused: Callable[[str], Any]
    ) -> None:
        with refused("SELECT"):
            text = metrics.exposition()

        assert value(text, "database_answers") == 0
        assert b"steward_open_holds" not in text and b"steward_task_last" not in text
        assert value(text, "processes") == 1
        assert shown("database_answers") == 1


@pytest.fixture
def refused() -> Callable[[str], Any]:
    """Within it the database refuses every statement with these words."""

    def refuse(words: str) -> Any:
        def execute(run: Any, sql: str, *rest: Any) -> Any:
            if words in sql:
                raise OperationalError("it does not answer")
            return run(sql, *rest)

        return connection.execute_wrapper(execute)

    return refuse

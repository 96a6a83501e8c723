import json
import signal
import sys
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from common import declarations
from common.commands import WRONG_ARGUMENTS
from common.commands import Command as BaseCommand
from common.declarations import Task
from common.locks import only_maintenance
from operations.maintenance import run

FAILED = 1


class Command(BaseCommand):
    help = (
        "Tidies what is due: expired holds and consents, old cache entries and conversations."
        " No rule waits for it. Meant to run hourly; safe to run at any time and on several hosts:"
        " one works at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--loop", type=int, metavar="SECONDS", help="run again after so many seconds, for ever"
        )
        parser.add_argument("--task", metavar="NAME", help="this task alone")
        parser.add_argument(
            "--dry-run", action="store_true", help="count what is due, and write nothing"
        )
        parser.add_argument("--json", action="store_true", help="one JSON line a run, not a table")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json: bool = options["json"]
        self.stop = threading.Event()
        tasks = self._tasks(options["task"])
        if options["dry_run"]:
            self._foresee(tasks)
        elif options["loop"] is not None:
            self._loop(tasks, options["loop"])
        elif not self._run(tasks):
            sys.exit(FAILED)

    def _tasks(self, name: str | None) -> list[Task]:
        tasks = declarations.maintenance_tasks()
        if name is None:
            return tasks
        chosen = [task for task in tasks if task.name == name]
        if not chosen:
            known = ", ".join(task.name for task in tasks)
            raise CommandError(
                f"There is no task {name!r}. Tasks: {known}.", returncode=WRONG_ARGUMENTS
            )
        return chosen

    def _foresee(self, tasks: list[Task]) -> None:
        at = timezone.now()
        waiting = [{"task": task.name, "waiting": task.waiting(at)} for task in tasks]
        if self.as_json:
            self.stdout.write(json.dumps({"dry_run": True, "tasks": waiting}))
            return
        for task, found in zip(tasks, waiting, strict=True):
            self.stdout.write(f"{found['waiting']:>8}  {task.name:28}{task.title}")
        self.stdout.write("Dry run: nothing was written.")

    def _loop(self, tasks: list[Task], seconds: int) -> None:
        if seconds < 1:
            raise CommandError("--loop takes 1 second or more.", returncode=WRONG_ARGUMENTS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        while not self.stop.is_set():
            self._run(tasks)
            # Whoever reads a pipe wants to know now, not when a buffer is full.
            self.stdout.flush()
            self.stop.wait(seconds)

    def _run(self, tasks: list[Task]) -> bool:
        """One run of the tasks; False if any failed."""
        runs: list[dict[str, Any]] = []
        try:
            with only_maintenance() as alone:
                if alone:
                    runs = [self._run_one(task) for task in tasks if not self.stop.is_set()]
        except (DatabaseError, InterfaceError) as error:
            self.stderr.write(f"The database is not available: {error}".strip())
            return False
        self._tell(alone, runs)
        return not any(done["error"] for done in runs)

    def _run_one(self, task: Task) -> dict[str, Any]:
        kept = run(task, is_stopped=self.stop.is_set)
        if not self.as_json:
            state = "BAD" if kept.error else "ok"
            numbers = f"{kept.items:>8} in {kept.duration_seconds:.2f} s"
            self.stdout.write(f"{state:5}{kept.task:28}{numbers}  {kept.error}".rstrip())
        return {
            "task": kept.task,
            "items": kept.items,
            "duration_seconds": kept.duration_seconds,
            "error": kept.error,
        }

    def _tell(self, alone: bool, runs: list[dict[str, Any]]) -> None:
        if self.as_json:
            self.stdout.write(json.dumps({"ran": alone, "tasks": runs}))
        elif not alone:
            self.stdout.write("Another runner is at work; this one leaves it to it.")

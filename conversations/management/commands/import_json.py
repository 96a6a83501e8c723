import json
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from common.commands import WRONG_ARGUMENTS, progress
from common.commands import Command as BaseCommand
from common.models import validate_user_id
from conversations import import_trees, imports
from conversations.import_trees import FoundFile

STATUSES = ("created", "updated", "unchanged", "skipped", "failed")
# Why files are skipped that are named on the screen, too.
NAMED = {imports.REASONS["deleted"], imports.REASONS["erased"]}


class Command(BaseCommand):
    help = (
        "Imports a council application's files: a folder, a zip archive or one file. Run it as"
        " often as you like: what was imported before is left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        parser.add_argument("--user-id", metavar="U", help="whose the files are that name no owner")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, report the same")
        parser.add_argument(
            "--backup", action="store_true", help="copy the tree to an archive first"
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="one JSON line for each file's result"
        )
        parser.add_argument(
            "--on-conflict",
            choices=["skip", "update", "fail"],
            default="skip",
            help="when a file differs from the conversation under its id (default: skip)",
        )

        parser.add_argument(
            "--include-deleted",
            action="store_true",
            help="import conversations, too, that their file calls deleted",
        )

        parser.add_argument(
            "--include-erased",
            action="store_true",
            help="import files, too, of persons who were erased here",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        total = self._check(path, options["user_id"])
        with self._opened(options["report"]) as report:
            if options["backup"] and not options["dry_run"]:
                self._back_up(path)
            run = imports.Import(
                given_owner=options["user_id"],
                on_conflict=options["on_conflict"],
                dry_run=options["dry_run"],
                include_deleted=options["include_deleted"],
                include_erased=options["include_erased"],
            )
            results = progress(run.run(import_trees.open_tree(path)), total, "files", self.stdout)
            self._report(results, report)
        self._summary(run, options["dry_run"])
        if run.counts["failed"]:
            sys.exit(1)

    def _check(self, path: Path, user_id: str | None) -> int:
        """How many files there are; refuses arguments that cannot be right before any work."""
        try:
            if user_id is not None:
                validate_user_id(user_id)
            kinds = Counter(type(file) for file in import_trees.open_tree(path))
            ownerless = (
                None if user_id else imports.first_without_owner(import_trees.open_tree(path))
            )
        except ValidationError as error:
            raise CommandError(f"--user-id: {error.message}", returncode=WRONG_ARGUMENTS) from error
        except (OSError, zipfile.BadZipFile) as error:
            raise CommandError(
                f"Cannot read {path}: {error}", returncode=WRONG_ARGUMENTS
            ) from error
        if not kinds[FoundFile]:
            raise CommandError(f"There is no .json file in {path}.", returncode=WRONG_ARGUMENTS)
        if ownerless is not None:
            raise CommandError(
                f"{ownerless} names no owner and lies in nobody's folder."
                " Say whose such files are: --user-id U.",
                returncode=WRONG_ARGUMENTS,
            )
        return kinds.total()

    def _back_up(self, path: Path) -> None:
        try:
            archive = import_trees.back_up(path.resolve())
        except OSError as error:
            raise CommandError(f"The backup failed, so nothing was imported: {error}") from error
        self.stdout.write(f"Backup: {archive}")

    def _opened(self, report: Path | None) -> AbstractContextManager[TextIO | None]:
        try:
            return report.open("w", encoding="utf-8", errors="replace") if report else nullcontext()
        except OSError as error:
            raise CommandError(
                f"Cannot write {report}: {error}", returncode=WRONG_ARGUMENTS
            ) from error

    def _report(self, results: Iterator[imports.FileResult], lines: TextIO | None) -> None:
        for result in results:
            if lines:
                lines.write(json.dumps(result.as_json(), ensure_ascii=False) + "\n")
            if result.status == "skipped" and result.reason in NAMED:
                self.stdout.write(f"skipped: {result.path}: {result.reason}")
            if result.status == "failed":
                self.stderr.write(f"failed: {result.path}: {result.reason}")
            for note in result.replaced if result.status in ("created", "updated") else []:
                self.stdout.write(f"replaced: {result.path}: {note['replaced']} at {note['at']}")

    def _summary(self, run: imports.Import, dry_run: bool) -> None:
        parts = ", ".join(f"{run.counts[status]} {status}" for status in STATUSES)
        self.stdout.write(f"Read {run.counts['read']} files: {parts}.")
        if run.usage_files:
            self.stdout.write(f"Usage files among them: {run.usage_files}.")
        self.stdout.write(f"Persons: {len(run.persons)}.")
        if run.given:
            self.stdout.write(f"In nobody's folder, and {run.given_owner}'s: {run.given} files.")
        if run.counts["not_read"]:
            self.stdout.write(f"Not read, as no visible .json file: {run.counts['not_read']}.")
        if dry_run:
            self.stdout.write("Dry run: nothing was written.")

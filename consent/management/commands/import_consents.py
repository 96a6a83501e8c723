import datetime
from argparse import ArgumentParser
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from common.commands import Command as BaseCommand
from common.commands import progress
from consent import import_files
from consent.import_files import BadLine
from consent.services import imports

BATCH_PERSONS = 500
SHOWN_PROBLEMS = 20


class Command(BaseCommand):
    help = (
        "Import consents of the original, JSON lines of user_id, terms_accepted,"
        " marketing_consent, timestamp, updated_at. What a person answered here stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--include-erased",
            action="store_true",
            help="Import persons, too, who were erased here.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path, at = options["file"], timezone.now()
        if path.exists() and not path.is_file():
            # It is read twice: first whole, so that a bad line refuses all of it.
            raise CommandError(f"{path} is not a file.")
        try:
            total = self._refuse_bad_lines(path, at)
            counts = self._store(path, at, total, include_erased=options["include_erased"])
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        self.stdout.write(
            f"{total} persons: {counts['imported']} events imported, {counts['unchanged']} answers"
            " stood already and are unchanged."
        )
        if counts["erased"]:
            self.stdout.write(
                f"Skipped {counts['erased']} persons who were erased here; --include-erased imports"
                " them."
            )

    def _refuse_bad_lines(self, path: Path, at: datetime.datetime) -> int:
        """How many persons the file has; any bad line refuses the whole of it."""
        problems: list[str] = []
        first_lines: dict[str, int] = {}
        for number, line in import_files.lines(path):
            try:
                user_id = import_files.read_line(line, at=at).user_id
                if user_id in first_lines:
                    raise BadLine(f"its person stands in line {first_lines[user_id]} already")
                first_lines[user_id] = number
            except BadLine as error:
                problems.append(f"line {number}: {error}")
        if problems:
            for problem in problems[:SHOWN_PROBLEMS]:
                self.stderr.write(problem)
            if len(problems) > SHOWN_PROBLEMS:
                self.stderr.write(f"… and {len(problems) - SHOWN_PROBLEMS} more")
            raise CommandError(f"{len(problems)} bad lines; nothing was imported. Mend the file.")
        return len(first_lines)

    def _store(
        self, path: Path, at: datetime.datetime, total: int, *, include_erased: bool
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        lines = progress(import_files.lines(path), total, "persons", self.stdout)
        consents = (import_files.read_line(line, at=at) for _, line in lines)
        while batch := list(islice(consents, BATCH_PERSONS)):
            stored, erased = imports.store_imported(batch, at=at, include_erased=include_erased)
            for user_id in sorted(erased):
                self.stdout.write(f"skipped: {user_id}")
            counts += stored + Counter(erased=len(erased))
        return counts

import datetime
import hashlib
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from access.models import Person
from billing.archive_files import line_of
from billing.models import CreditAccount, CreditTransaction
from billing.services import archive
from common.commands import WRONG_ARGUMENTS, for_its_owner, progress
from common.commands import Command as BaseCommand

# As long as a client may well send a charge again: its key must be known until then.
RETRIED_DAYS = 30


class Command(BaseCommand):
    help = (
        "Moves entries of the ledger made before a date into a file of JSON lines, and leaves a"
        " checkpoint for each account. Idempotency keys of archived entries are forgotten, and"
        " archived charges cannot be refunded any more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="a file that does not exist yet"
        )
        parser.add_argument("--before", required=True, metavar="DATE", help="YYYY-MM-DD, in UTC")
        parser.add_argument(
            "--allow-recent",
            action="store_true",
            help=f"also entries younger than {RETRIED_DAYS} days, whose retries are charged again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        before = self._date(options["before"], allow_recent=options["allow_recent"])
        file: Path = options["file"]
        try:
            chosen = self._write(file, before)
        except OSError as error:
            raise CommandError(
                f"Cannot write {file}: {error}. Nothing was removed.", returncode=WRONG_ARGUMENTS
            ) from error
        # From here on the file is safe: what is removed now stands there.
        at = timezone.now()
        removed = 0
        for person, last, digest in progress(chosen, len(chosen), "accounts", self.stdout):
            removed += archive.replace_by_checkpoint(
                person=person, last=last, digest=digest, archive=str(file.resolve()), at=at
            )
        self.stdout.write(f"Archived {removed} entries of {len(chosen)} accounts to {file}.")

    def _date(self, text: str, *, allow_recent: bool) -> datetime.datetime:
        try:
            day = datetime.date.fromisoformat(text)
        except ValueError as error:
            raise CommandError(
                f"--before takes a date such as 2026-01-31, not {text!r}.",
                returncode=WRONG_ARGUMENTS,
            ) from error
        before = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
        if before > timezone.now():
            raise CommandError(
                f"--before {text} lies in the future: nothing would be left.",
                returncode=WRONG_ARGUMENTS,
            )
        latest = timezone.now() - datetime.timedelta(days=RETRIED_DAYS)
        if before > latest and not allow_recent:
            raise CommandError(
                f"--before {text} takes entries younger than {RETRIED_DAYS} days, and a charge that"
                f" is sent again after that is a new charge. Take {latest:%Y-%m-%d} or an earlier"
                " day, or say --allow-recent.",
                returncode=WRONG_ARGUMENTS,
            )
        return before

    def _write(
        self, file: Path, before: datetime.datetime
    ) -> list[tuple[Person, CreditTransaction, str]]:
        """Write all entries to the file and sync it; of each person the last one and the digest."""
        chosen = []
        with open(file, "xb", opener=for_its_owner) as lines:
            total = CreditAccount.objects.count()
            people = progress(archive.people_with_entries(), total, "accounts read", self.stdout)
            for person in people:
                digest, last = hashlib.sha256(), None
                for last in archive.entries_to_archive(person=person, before=before):
                    line = line_of(last, person.name)
                    digest.update(line)
                    lines.write(line)
                if last is not None:
                    chosen.append((person, last, digest.hexdigest()))
            lines.flush()
            os.fsync(lines.fileno())
        return chosen

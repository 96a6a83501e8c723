import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from common.commands import Command as BaseCommand
from operations import erased_again, restore
from operations.erased_again import Remembered
from operations.sigterm import end_on_sigterm


class Command(BaseCommand):
    help = "Puts a backup in the place of the database, brings it to this release, and verifies it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--replace", action="store_true", help="what is in the database now goes"
        )
        parser.add_argument(
            "--include-erased",
            action="store_true",
            help="leave persons in who were erased after the backup was made",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        end_on_sigterm()
        before = erased_again.remembered()
        try:
            manifest = restore.restore(options["file"], replace=options["replace"])
        except (OSError, DatabaseError, InterfaceError) as error:
            raise CommandError(f"Nothing was restored: {error}") from error
        self.stdout.write(
            f"Restored {manifest.database} as of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC,"
            f" release {manifest.version}."
        )
        # An older backup's tables become this release's; the triggers are made anew.
        call_command("migrate", verbosity=0, interactive=False)
        all_erased = self._erase_again(before, include_erased=options["include_erased"])
        try:
            call_command("verify", stdout=self.stdout, stderr=self.stderr)
        except SystemExit as end:
            self.stderr.write("It was restored, and it is not as it should be: see above.")
            sys.exit(end.code)
        if not all_erased:
            self.stderr.write("It was restored, with persons who were erased: see above.")
            sys.exit(1)

    def _erase_again(self, before: Remembered | None, *, include_erased: bool) -> bool:
        """Whether nobody is back who was erased after the backup, as far as can be told."""
        if before is None:
            self.stderr.write(
                "The database before could not be read, nor who was erased after the backup:"
                " erase them again."
            )
            return True
        again = erased_again.erase_again(before, include_erased=include_erased)
        if again.erased:
            self.stdout.write(
                f"Erased again: {again.erased} persons who were erased after the backup was made."
            )
        for user_id, reason in again.left:
            self.stderr.write(f"{user_id} was erased after the backup, and is back: {reason}")
        if again.unknown:
            self.stderr.write(
                f"Not repeated: {again.unknown} erasures after the backup, of persons who are not"
                " remembered. What the backup has of them is back: erase them again."
            )
        return include_erased or not again.left

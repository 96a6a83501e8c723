import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from common.commands import Command as BaseCommand
from operations import restore
from operations.ending import end_on_sigterm


class Command(BaseCommand):
    help = "Puts a backup in the place of the database, brings it to this release, and verifies it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--replace", action="store_true", help="what is in the database now goes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        end_on_sigterm()
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
        try:
            call_command("verify", stdout=self.stdout, stderr=self.stderr)
        except SystemExit as end:
            self.stderr.write("It was restored, and it is not as it should be: see above.")
            sys.exit(end.code)

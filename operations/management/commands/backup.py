from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from common.commands import WRONG_ARGUMENTS
from common.commands import Command as BaseCommand
from operations import backup
from operations.maintenance import BACKUP, kept
from operations.models import MaintenanceRun
from operations.sigterm import end_on_sigterm

MIB = 1024 * 1024


class Command(BaseCommand):
    help = "Makes a backup of the whole database in one file, while it is in use."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="or a folder, where it gets a name by its time"
        )
        parser.add_argument("--keep", type=int, metavar="N", help="remove all but the newest N")
        parser.add_argument(
            "--keep-days", type=int, metavar="D", help="remove those older than D days"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keep, keep_days = options["keep"], options["keep_days"]
        if any(number is not None and number < 1 for number in (keep, keep_days)):
            raise CommandError("--keep and --keep-days take 1 or more.", returncode=WRONG_ARGUMENTS)
        end_on_sigterm()
        at = timezone.now()
        file: Path = options["file"]
        if file.is_dir():
            file = file / f"steward-{at:%Y%m%d-%H%M%S}.zip"
        try:
            with kept(MaintenanceRun(task=BACKUP, started_at=at, items=1)):
                made = backup.make(file, at=at)
            self.stdout.write(
                f"{file}: {file.stat().st_size / MIB:.1f} MiB, release {made.version},"
                f" {made.engine} {made.server_version}."
            )
            for old in backup.outdated(file, made, keep=keep, keep_days=keep_days):
                old.unlink(missing_ok=True)
                self.stdout.write(f"Removed {old}.")
        except (OSError, DatabaseError, InterfaceError) as error:
            raise CommandError(f"The backup failed: {error}") from error

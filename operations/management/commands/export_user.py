from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from common.commands import Command as BaseCommand
from common.commands import for_its_owner
from common.models import validate_user_id
from operations import privacy


class Command(BaseCommand):
    help = "Write everything that is held about a person into a file, as one JSON document."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user_id")
        parser.add_argument("file", type=Path, help="A file that does not exist yet.")

    def handle(self, *args: Any, **options: Any) -> None:
        user_id, file = options["user_id"], options["file"]
        try:
            validate_user_id(user_id)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        rows = sum(sum(tables.values()) for tables in privacy.counts(user_id).values())
        try:
            with ExitStack() as unfinished, open(file, "xb", opener=for_its_owner) as document:
                unfinished.callback(file.unlink)
                document.writelines(privacy.export(user_id, at=timezone.now()))
                unfinished.pop_all()
        except FileExistsError as error:
            raise CommandError(f"{file} exists already; name a new file.") from error
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from error
        self.stdout.write(f"{rows} rows of {user_id} in {file}, {file.stat().st_size} bytes.")

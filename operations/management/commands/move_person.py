from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from access import actors
from access.services import persons
from common import privacy
from common.commands import Command as BaseCommand
from common.models import validate_user_id


class Command(BaseCommand):
    help = "Let all records of a person belong to another id, one without records of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user_id", metavar="FROM")
        parser.add_argument("to", metavar="TO")
        either = parser.add_mutually_exclusive_group(required=True)
        either.add_argument("--yes", action="store_true", help="Do it.")
        either.add_argument("--dry-run", action="store_true", help="List what would go over.")

    def handle(self, *args: Any, **options: Any) -> None:
        user_id, to = options["user_id"], options["to"]
        try:
            validate_user_id(to)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        with transaction.atomic():
            persons.move_person(user_id=user_id, to=to, actor=actors.SYSTEM, at=timezone.now())
            self._print_rows_of(to)
            transaction.set_rollback(options["dry_run"])
        self.stdout.write("Dry run: nothing was written." if options["dry_run"] else "Moved.")

    def _print_rows_of(self, user_id: str) -> None:
        counts = {table.label: table.rows_of(user_id).count() for table in privacy.tables()}
        self.stdout.write(f"Rows of {user_id}: {sum(counts.values())}")
        for label, rows in sorted(counts.items()):
            if rows:
                self.stdout.write(f"  {rows:>8}  {label}")

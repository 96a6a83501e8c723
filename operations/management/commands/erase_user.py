from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from access import actors
from common.commands import Command as BaseCommand
from common.models import validate_user_id
from operations import privacy, services

TITLES = {"erased": "Rows that go", "kept": "Rows that stay without a name"}


class Command(BaseCommand):
    help = "Forget a person. It cannot be undone; docs/privacy.md says what goes and what stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user_id")
        either = parser.add_mutually_exclusive_group(required=True)
        either.add_argument("--yes", action="store_true", help="Do it.")
        either.add_argument("--dry-run", action="store_true", help="List what would go.")
        parser.add_argument(
            "--frozen",
            metavar="REASON",
            help="Why, though the person's account is frozen; it is kept, without their id.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user_id, frozen = options["user_id"], options["frozen"]
        if frozen is not None and not frozen.strip():
            raise CommandError("--frozen needs a reason.")
        try:
            validate_user_id(user_id)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if options["dry_run"]:
            self._print(privacy.counts(user_id))
            self.stdout.write("Dry run: nothing was written.")
            return
        erasure = services.erase_person(
            user_id=user_id,
            actor=actors.SYSTEM,
            at=timezone.now(),
            overruling=(frozen or "").strip(),
        )
        self._print(erasure.counts)
        self.stdout.write(f"Erased. What stays is named {erasure.reference}.")

    def _print(self, counts: dict[str, dict[str, int]]) -> None:
        for kind, tables in counts.items():
            self.stdout.write(f"{TITLES[kind]}: {sum(tables.values())}")
            for table, rows in sorted(tables.items()):
                self.stdout.write(f"  {rows:>8}  {table}")

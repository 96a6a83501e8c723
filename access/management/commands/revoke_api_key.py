from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone

from access import actors, staff_actions
from access.services import keys
from common.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Revokes the service keys with this name, at once and for good."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--replaced",
            action="store_true",
            help="those alone that another key has replaced",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        with transaction.atomic():
            rows = keys.revoke_key(name=options["name"], only_replaced=options["replaced"], at=at)
            staff_actions.record(
                action="access.revoke_key", rows=rows, actor=actors.SYSTEM, at=at,
                sentence=f"Revoked the key {options['name']!r}.",
            )  # fmt: skip
        for row in rows:
            self.stdout.write(f"Revoked the key {row.name!r} ({row.prefix}).")

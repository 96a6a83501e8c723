from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from access import services
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
        for row in services.revoke_key(
            name=options["name"], only_replaced=options["replaced"], at=timezone.now()
        ):
            self.stdout.write(f"Revoked the key {row.name!r} ({row.prefix}).")

from typing import Any

from django.core.management.base import CommandParser

from access import services
from common.commands import Command as BaseCommand


class Command(BaseCommand):
    help = "Revokes the service key with this name, at once and for good."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        row = services.revoke_key(name=options["name"])
        self.stdout.write(f"Revoked the key {row.name!r} ({row.prefix}).")

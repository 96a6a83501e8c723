import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from access import actors, staff_actions
from access.scopes import SCOPES
from access.services import keys
from common.commands import WRONG_ARGUMENTS
from common.commands import Command as BaseCommand

EVERY_SCOPE = "all"


class Command(BaseCommand):
    help = "Makes a service key and prints it, once, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the application that will use it")
        parser.add_argument(
            "--scopes",
            nargs="+",
            required=True,
            choices=[EVERY_SCOPE, *SCOPES],
            metavar="SCOPE",
            help=f"{EVERY_SCOPE}, or any of: {', '.join(SCOPES)}",
        )
        parser.add_argument(
            "--expires-in-days", type=int, metavar="DAYS", help="the key ends by itself after that"
        )

        parser.add_argument(
            "--replace",
            action="store_true",
            help="beside the key of this name, which goes on until revoke_api_key --replaced",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires_in_days"]
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError("--expires-in-days takes 1 to 36500.", returncode=WRONG_ARGUMENTS)
        at = timezone.now()
        with transaction.atomic():
            new = keys.create_key(
                name=options["name"],
                scopes=SCOPES if EVERY_SCOPE in options["scopes"] else options["scopes"],
                actor=actors.SYSTEM,
                at=at,
                replaces=options["replace"],
                expires_at=at + datetime.timedelta(days=days) if days else None,
            )
            sentence = f"Made the key {new.row.name!r} ({new.row.prefix})."
            staff_actions.record(
                action="access.create_key", rows=[new.row], actor=actors.SYSTEM, at=at,
                sentence=sentence,
            )  # fmt: skip
        self.stdout.write(f"Key {new.row.name!r} with {', '.join(new.row.scopes)}.")
        self.stdout.write("It is shown this once; keep it like a password.")
        self.stdout.write(new.key)

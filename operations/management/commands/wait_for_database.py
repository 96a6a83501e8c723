import random
import time
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, connection

from operations import start

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86_400:
        raise ArgumentTypeError("give 0 to 86400 seconds")
    return value


class Command(BaseCommand):
    help = "Waits until the database answers; ends with 1 if it does not in time."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--timeout",
            type=seconds,
            default=60.0,
            metavar="SECONDS",
            help="how long to wait (default: 60); 0: try once",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        timeout = options["timeout"]
        database = start.database_in_use()
        begun = time.monotonic()
        pause, tries = FIRST_PAUSE_SECONDS, 1
        while (error := failure()) is not None:
            waited = time.monotonic() - begun
            if waited >= timeout:
                raise CommandError(
                    f"{database} did not answer within {waited:.1f} s (tries: {tries})."
                    f" The last error: {error}. Is the server up, does DATABASE_URL name it, and"
                    " may this host reach it?"
                )
            # Not all processes at once when the server is back.
            nap = min(pause * random.uniform(0.8, 1.2), timeout - waited)  # noqa: S311
            self.say(f"{database} does not answer yet: {error}. Next try in {nap:.1f} s.")
            time.sleep(nap)
            pause, tries = min(pause * 2, LONGEST_PAUSE_SECONDS), tries + 1
        self.say(f"{database} answers, after {time.monotonic() - begun:.1f} s (tries: {tries}).")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def failure() -> str | None:
    """Why the database does not answer, in one line; None when it does."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        return " ".join(str(error).split()) or type(error).__name__
    finally:
        connection.close()
    return None

"""What all commands share: domain errors become a sentence and an exit code; long work shows."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError

from common.errors import DomainError

Item = TypeVar("Item")
LINE_EVERY = 1000
# The exit code of arguments that cannot be right, as argparse has it.
WRONG_ARGUMENTS = 2


class Command(BaseCommand):
    """A command whose `handle` may raise domain errors."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DomainError as error:
            raise CommandError(error.message) from error


def for_its_owner(path: str, flags: int) -> int:
    """Open for `open(…, opener=for_its_owner)`: a new file has people's texts, for nobody else."""
    return os.open(path, flags, 0o600)


def progress(items: Iterable[Item], total: int, noun: str, stdout: Any) -> Iterator[Item]:
    """Pass `items` on, with a progress bar on a terminal and a line now and then elsewhere."""
    if not stdout.isatty():
        for count, item in enumerate(items, start=1):
            yield item
            if count % LINE_EVERY == 0:
                stdout.write(f"{count} of {total} {noun}")
        return
    from rich.progress import track  # costs 160 ms, which only a person at a terminal pays

    yield from track(items, description=noun, total=total, transient=True)

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands import Command as BaseCommand
from common.commands import for_its_owner, progress
from conversations import export
from conversations.council import folder_name
from conversations.models import Conversation


class Command(BaseCommand):
    help = (
        "Writes every conversation to DIR/conversations/<user>/<id>.json, in the council"
        " application's shape; import_json reads it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = options["folder"] / "conversations"
        total = Conversation.objects.count()
        conversations = Conversation.objects.select_related("person").in_batches()
        written = 0
        try:
            for conversation in progress(conversations, total, "conversations", self.stdout):
                self._write(root, conversation)
                written += 1
        except OSError as error:
            raise CommandError(
                f"Stopped after {written} of {total} conversations: {error}"
            ) from error
        self.stdout.write(f"Wrote {written} conversations to {root}.")

    def _write(self, root: Path, conversation: Conversation) -> None:
        folder = root / folder_name(conversation.person.name)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{conversation.uid}.json"
        # Written beside and moved: a stopped export leaves no half a file.
        unfinished = file.with_suffix(".unfinished")
        with open(unfinished, "wb", opener=for_its_owner) as pieces:
            pieces.writelines(export.as_json(conversation))
        os.replace(unfinished, file)

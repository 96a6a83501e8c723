from typing import Any

from common.commands import Command as BaseCommand
from common.commands import progress
from conversations.models import Conversation, Message
from conversations.services import search


class Command(BaseCommand):
    help = "Makes the search words of all conversations and messages anew, and their index."

    def handle(self, *args: Any, **options: Any) -> None:
        for model in (Conversation, Message):
            total = model.objects.count()
            noun = str(model._meta.verbose_name_plural)
            changed = sum(progress(search.reindex(model), total, noun, self.stdout))
            self.stdout.write(f"{total} {noun}: {changed} had other words.")

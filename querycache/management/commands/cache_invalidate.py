from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from common.commands import Command as BaseCommand
from querycache import services
from querycache.models import DEFAULT_NAMESPACE, Namespace


class Command(BaseCommand):
    help = "Ends cached answers by tag, by model, or all of a namespace. The next look-up obeys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--namespace", metavar="N", default=DEFAULT_NAMESPACE)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--tag", metavar="T", action="append", help="may be given several times")
        what.add_argument("--model", metavar="M", help="the model that answered")
        what.add_argument("--all", action="store_true", help="everything in the namespace")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["namespace"]
        if not Namespace.objects.filter(name=name).exists():
            raise CommandError(f"There is no namespace named {name!r}.")
        tags, model = options["tag"] or [], options["model"]
        if "" in (*tags, model):
            raise CommandError("Name a tag or a model.")
        epoch = services.invalidate(namespace=name, tags=tags, model=model, at=timezone.now())
        what = f"the model {model}" if model else f"the tags {', '.join(tags)}" if tags else "all"
        self.stdout.write(f"Invalidated {what} in {name}, which is in epoch {epoch}.")

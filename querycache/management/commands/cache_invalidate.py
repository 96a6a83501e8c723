from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from access import actors, staff_actions
from common.commands import Command as BaseCommand
from querycache.models import DEFAULT_NAMESPACE, Namespace
from querycache.services import namespaces


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
        namespace = Namespace.objects.filter(name=name).first()
        if namespace is None:
            raise CommandError(f"There is no namespace named {name!r}.")
        tags, model = options["tag"] or [], options["model"]
        if "" in (*tags, model):
            raise CommandError("Name a tag or a model.")
        with transaction.atomic():
            epoch = namespaces.invalidate(namespace=name, tags=tags, model=model, at=timezone.now())
            kind = "a model" if model else "tags" if tags else "everything"
            # Without the names: a tag may hold a person's id.
            staff_actions.record(
                action="querycache.invalidate", rows=[namespace], actor=actors.SYSTEM,
                at=timezone.now(), sentence=f"Invalidated {kind}.",
            )  # fmt: skip
        what = f"the model {model}" if model else f"the tags {', '.join(tags)}" if tags else "all"
        self.stdout.write(f"Invalidated {what} in {name}, which is in epoch {epoch}.")

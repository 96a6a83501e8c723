from typing import Any

import orjson
from django.core.management.base import CommandParser
from django.utils import timezone

from common.commands import Command as BaseCommand
from querycache import reports
from querycache.models import Namespace


class Command(BaseCommand):
    help = "Prints the numbers of the cache's namespaces: hits, misses, size, credits saved."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--namespace", metavar="N", help="this one alone; without it, all")
        parser.add_argument("--json", action="store_true", help="one JSON object, by namespace")

    def handle(self, *args: Any, **options: Any) -> None:
        named = options["namespace"]
        names = (
            [named] if named else Namespace.objects.order_by("name").values_list("name", flat=True)
        )
        at = timezone.now()
        numbers = {name: reports.statistics(name, at=at) for name in names}
        if options["json"]:
            shown = orjson.dumps(numbers, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2)
            self.stdout.write(shown.decode())
            return
        for name, values in numbers.items():
            self.stdout.write(name)
            for title, value in values.items():
                self.stdout.write(f"  {title.replace('_', ' ')}: {'-' if value is None else value}")

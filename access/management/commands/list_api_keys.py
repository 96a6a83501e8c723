import datetime
from typing import Any

from access.models import ApiKey
from common.commands import Command as BaseCommand


def shown(moment: datetime.datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "-"


class Command(BaseCommand):
    help = (
        "Lists the service keys: name, prefix, state, last use, scopes. Never the keys themselves."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [("NAME", "PREFIX", "STATE", "CREATED", "LAST USED", "EXPIRES", "SCOPES")]
        for key in ApiKey.objects.order_by("name", "id"):
            rows.append(
                (
                    key.name,
                    key.prefix,
                    key.state,
                    shown(key.created_at),
                    shown(key.last_used_at),
                    shown(key.expires_at),
                    " ".join(key.scopes),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

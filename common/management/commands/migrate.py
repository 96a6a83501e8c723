from typing import Any

from django.core.management.commands import migrate

from common import guards


class Command(migrate.Command):
    """Django's migrate, which leaves no table without its guards when a migration fails.

    They go before migrations on SQLite (guards.drop_before_migrate) and come back with the signal
    after them, which a failed migration never sends.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        finally:
            guards.create(guards.registered(), options["database"])

from typing import Any

from django.core.management.commands import migrate
from django.db.migrations import Migration

from common import guards, migration_lock


class Command(migrate.Command):
    """Django's migrate, once however many processes start it, and never half.

    Others wait, and find nothing left to do. Each migration is a transaction on both engines: one
    that fails is undone as a whole, and named. The guards go before migrations on SQLite
    (guards.drop_before_migrate) and come back with the signal after them, which a failed migration
    never sends.
    """

    under_way: Migration | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        using = options["database"]
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with migration_lock.held(using, self.say_that_it_waits):
            ended = False
            try:
                super().handle(*args, **options)
                ended = True
            finally:
                if self.under_way is not None:
                    self.say_what_failed(self.under_way)
                if not ended:
                    # The signal after migrations, which makes them otherwise, was not sent.
                    guards.create(guards.registered(), using)

    def migration_progress_callback(
        self, action: str, migration: Any = None, fake: bool = False
    ) -> None:
        if action in ("apply_start", "unapply_start"):
            self.under_way = migration
        elif action in ("apply_success", "unapply_success"):
            self.under_way = None
        super().migration_progress_callback(action, migration, fake)

    def say_that_it_waits(self) -> None:
        self.stdout.write("Another process is migrating this database; waiting for its end.")
        self.stdout.flush()

    def say_what_failed(self, migration: Migration) -> None:
        kept = (
            "Nothing of it was kept; those before it stand."
            if migration.atomic
            else "It is no transaction: look at what it has done before you try again."
        )
        self.stderr.write(f"\nThe migration {migration} failed. {kept} The reason follows.")

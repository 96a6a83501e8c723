from contextlib import ExitStack
from typing import Any

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections, transaction
from django.db.migrations import Migration

from common import locks
from common.schema import database_triggers
from common.schema.triggers import all_triggers


class Command(migrate.Command):
    """Django's migrate, once however many processes start it, and never half.

    Others wait, and find nothing left to do. Each migration is a transaction: one that fails is
    undone as a whole, and named. On SQLite all of them are one transaction, from before the
    triggers go (a table that Django makes anew loses them without a word) until they stand again:
    nobody writes meanwhile, and when it is killed the database is as it was.
    """

    under_way: Migration | None = None
    using: str
    until_the_end: ExitStack
    is_one_transaction = False

    def handle(self, *args: Any, **options: Any) -> None:
        self.using = options["database"]
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with locks.only_migration(self.using, self.say_that_it_waits):
            ended = False
            with ExitStack() as self.until_the_end:
                try:
                    super().handle(*args, **options)
                    ended = True
                finally:
                    if self.under_way is not None:
                        self.say_what_failed(self.under_way)
                    # What failed on SQLite is undone as a whole, the dropping of them included.
                    if ended or not self.is_one_transaction:
                        database_triggers.create(all_triggers(), self.using)

    def migration_progress_callback(
        self, action: str, migration: Any = None, fake: bool = False
    ) -> None:
        if action in ("apply_start", "unapply_start"):
            if connections[self.using].vendor == "sqlite" and not self.is_one_transaction:
                self.begin_one_transaction()
            self.under_way = migration
        elif action in ("apply_success", "unapply_success"):
            self.under_way = None
        super().migration_progress_callback(action, migration, fake)

    def begin_one_transaction(self) -> None:
        connection: Any = connections[self.using]
        # SQLite refuses to do this within a transaction, and Django to migrate without it.
        connection.disable_constraint_checking()
        self.until_the_end.callback(connection.enable_constraint_checking)
        try:
            self.until_the_end.enter_context(transaction.atomic(self.using))
        except OperationalError as error:
            raise CommandError(
                f"Others write to the database all the time ({error}). Nothing was changed."
                " Run migrate again."
            ) from error
        self.is_one_transaction = True
        database_triggers.drop(all_triggers(), self.using)

    def say_that_it_waits(self) -> None:
        self.stdout.write("Another process is migrating this database; waiting for its end.")
        self.stdout.flush()

    def say_what_failed(self, migration: Migration) -> None:
        if self.is_one_transaction:
            kept = "Nothing of it was kept, nor of those before it."
        elif migration.atomic:
            kept = "Nothing of it was kept; those before it stand."
        else:
            kept = "It is no transaction: look at what it has done before you try again."
        self.stderr.write(f"\nThe migration {migration} failed. {kept} The reason follows.")

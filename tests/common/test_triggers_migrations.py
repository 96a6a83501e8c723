from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import pre_migrate

from common.schema import database_triggers
from common.schema.triggers import Trigger, all_triggers
from tests.billing.books import charge, open_account
from tests.common.proofs import drop_trigger, execute, refused, rows, write_proofs
from tests.guarded.models import Proof

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def a_later_release(settings: Any) -> Iterator[None]:
    """tests.guarded has one more migration; it is undone in the end."""
    settings.MIGRATION_MODULES = {"guarded": "tests.common.later_migrations"}
    yield
    migrate("0001")


def migrate(name: str) -> None:
    call_command("migrate", "guarded", name, verbosity=0)


def constraints() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, "guarded_proof"))


@pytest.mark.usefixtures("a_later_release")
class TestAMigrationOfAGuardedTable:
    def test_leaves_rows_and_triggers_in_place(self) -> None:
        before = write_proofs()

        migrate("0002")

        assert "guarded_proof_amount_positive" in constraints()
        assert rows() == before
        assert database_triggers.missing() == []
        with refused():
            execute("UPDATE guarded_proof SET amount = 6")
        with refused():
            execute("DELETE FROM guarded_proof")

    def test_brings_a_constraint_that_holds(self) -> None:
        write_proofs()
        migrate("0002")

        with pytest.raises(IntegrityError, match="amount_positive"), transaction.atomic():
            Proof.objects.create(user_id="ann", sequence=3, amount=0)

        assert len(rows()) == 3

    def test_leaves_rows_and_triggers_in_place_when_it_is_undone(self) -> None:
        before = write_proofs()
        migrate("0002")

        migrate("0001")

        assert "guarded_proof_amount_positive" not in constraints()
        assert rows() == before
        assert database_triggers.missing() == []

    def test_that_fails_leaves_rows_and_triggers_in_place(self) -> None:
        Proof.objects.create(user_id="ann", sequence=1, amount=-1)
        before = rows()

        with pytest.raises(IntegrityError):
            migrate("0002")

        assert rows() == before
        assert database_triggers.missing() == []


@pytest.mark.usefixtures("a_later_release")
class TestAMigrateOnSQLite:
    def test_holds_foreign_keys_afterwards(self) -> None:
        if connection.vendor == "postgresql":  # which never stops to
            return
        migrate("0002")

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA foreign_keys")
            assert cursor.fetchone() == (1,)

    def test_that_finds_no_gap_between_writers_changes_nothing(self) -> None:
        if connection.vendor == "postgresql":  # which locks no more than the tables it changes
            return
        before = write_proofs()
        with beside() as writer, connection.cursor() as cursor:
            writer.execute("UPDATE billing_creditaccount SET tier = 'free'")
            cursor.execute("PRAGMA busy_timeout = 50")

            with pytest.raises(CommandError, match="Others write to the database all the time"):
                migrate("0002")

        assert "guarded_proof_amount_positive" not in constraints()
        assert rows() == before
        assert database_triggers.missing() == []


class TestAMigrateWithNothingToDo:
    def test_leaves_the_triggers_up_for_those_who_write_meanwhile(self) -> None:
        missing: list[Trigger] = []

        def look(**kwargs: Any) -> None:
            missing.extend(database_triggers.missing())

        pre_migrate.connect(look)
        try:
            call_command("migrate", verbosity=0)
        finally:
            pre_migrate.disconnect(look)

        assert missing == []
        assert database_triggers.missing() == []

    def test_lets_others_read_and_write(self) -> None:
        open_account()
        with beside() as other:
            # As a backup does, all the while.
            other.execute("SELECT count(*) FROM billing_credittransaction")
            other.execute("SELECT count(*) FROM guarded_proof")
            with assert_no_lock_taken():
                call_command("migrate", verbosity=0)

            assert charge(1).balance_after == 49


class TestAMigrateThatMendsATrigger:
    def test_lets_others_read(self) -> None:
        write_proofs()
        drop_trigger("guarded_proof_no_delete")
        with beside() as other:
            other.execute("SELECT count(*) FROM guarded_proof")

            call_command("migrate", verbosity=0)

        assert database_triggers.missing() == []

    def test_of_a_function_lets_others_write(self) -> None:
        if connection.vendor == "sqlite":  # which has no functions, and locks no table
            return
        write_proofs()
        execute("ALTER FUNCTION guarded_proof_no_delete() RESET search_path")
        with beside() as other:
            other.execute("LOCK guarded_proof IN ROW EXCLUSIVE MODE")

            call_command("migrate", verbosity=0)

        assert database_triggers.missing() == []

    def test_says_so_when_a_table_stays_in_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if connection.vendor == "sqlite":
            return
        monkeypatch.setattr(database_triggers, "LOCK_TIMEOUT_SECONDS", 0.1)
        drop_trigger("guarded_proof_no_delete")
        drop_trigger("guarded_proof_no_update")
        with beside() as other:
            other.execute("LOCK guarded_proof IN ROW EXCLUSIVE MODE")

            with pytest.raises(CommandError, match="in use for 0.1 s.*None was changed"):
                call_command("migrate", verbosity=0)

        assert len(database_triggers.missing()) == 2
        call_command("migrate", verbosity=0)
        assert database_triggers.missing() == []


class TestAMigrateThatMendsTheLedger:
    TRIGGER = "billing_credittransaction_no_update"

    @pytest.fixture(autouse=True)
    def torn(self) -> Iterator[None]:
        open_account()
        database_triggers.drop(one for one in all_triggers("billing") if one.name == self.TRIGGER)
        yield
        database_triggers.create(all_triggers())

    def test_goes_on_beside_a_backup_and_so_do_charges(self) -> None:
        with beside() as other:
            other.execute("SELECT count(*) FROM billing_credittransaction")
            call_command("migrate", verbosity=0)

            assert database_triggers.missing() == []
            assert charge(1).balance_after == 49

    def test_gives_up_where_somebody_writes_all_the_while_and_charges_go_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if connection.vendor == "sqlite":  # where no charge goes on beside such a writer
            return
        monkeypatch.setattr(database_triggers, "LOCK_TIMEOUT_SECONDS", 0.1)
        with beside() as other:
            other.execute("LOCK billing_credittransaction IN ROW EXCLUSIVE MODE")
            with pytest.raises(CommandError, match="Run migrate again when that has ended"):
                call_command("migrate", verbosity=0)

            assert [one.name for one in database_triggers.missing()] == [self.TRIGGER]
            assert charge(1).balance_after == 49


@contextmanager
def beside() -> Iterator[Any]:
    """The cursor of a connection of its own, in a transaction that is undone in the end."""
    own = connection.copy()
    own.settings_dict["POOL"] = None
    try:
        own.ensure_connection()
        with own.cursor() as cursor:
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("ROLLBACK")
    finally:
        own.close()


@contextmanager
def assert_no_lock_taken() -> Iterator[None]:
    """The block makes and drops nothing, and locks no table beyond what a reader does."""
    statements: list[str] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        statements.append(sql.lstrip().upper())
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield
    assert [one for one in statements if one.startswith(("CREATE", "DROP", "ALTER", "LOCK"))] == []


class TestATransactionalTest:
    @pytest.mark.parametrize("turn", ["first", "second"])
    def test_begins_with_an_empty_table_and_all_triggers(self, turn: str) -> None:
        assert rows() == []
        assert database_triggers.missing() == []

        write_proofs()

        with refused():
            execute("DELETE FROM guarded_proof")

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import pre_migrate

from common import guards
from common.guards import Guard
from tests.common.proofs import execute, refused, rows, write_proofs
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
    def test_leaves_rows_and_guards_in_place(self) -> None:
        before = write_proofs()

        migrate("0002")

        assert "guarded_proof_amount_positive" in constraints()
        assert rows() == before
        assert guards.missing() == []
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

    def test_leaves_rows_and_guards_in_place_when_it_is_undone(self) -> None:
        before = write_proofs()
        migrate("0002")

        migrate("0001")

        assert "guarded_proof_amount_positive" not in constraints()
        assert rows() == before
        assert guards.missing() == []

    def test_that_fails_leaves_rows_and_guards_in_place(self) -> None:
        Proof.objects.create(user_id="ann", sequence=1, amount=-1)
        before = rows()

        with pytest.raises(IntegrityError):
            migrate("0002")

        assert rows() == before
        assert guards.missing() == []


class TestAMigrateWithNothingToDo:
    def test_leaves_the_guards_up_for_those_who_write_meanwhile(self) -> None:
        missing: list[Guard] = []

        def look(**kwargs: Any) -> None:
            missing.extend(guards.missing())

        pre_migrate.connect(look)
        try:
            call_command("migrate", verbosity=0)
        finally:
            pre_migrate.disconnect(look)

        assert missing == []
        assert guards.missing() == []


class TestATransactionalTest:
    @pytest.mark.parametrize("turn", ["first", "second"])
    def test_begins_with_an_empty_table_and_all_guards(self, turn: str) -> None:
        assert rows() == []
        assert guards.missing() == []

        write_proofs()

        with refused():
            execute("DELETE FROM guarded_proof")

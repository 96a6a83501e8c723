import pytest
from django.core import checks
from django.core.management import call_command
from django.db import connection

from common import guards
from tests.common.proofs import drop_guard, execute, refused, write_proofs

NAMES = ["guarded_proof_no_update", "guarded_proof_no_delete", "guarded_proof_no_replace"]

USELESS = (
    {
        "switched off": ["ALTER TABLE guarded_proof DISABLE TRIGGER guarded_proof_no_delete"],
        "switched off with all": ["ALTER TABLE guarded_proof DISABLE TRIGGER USER"],
        "for replicas alone": [
            "ALTER TABLE guarded_proof ENABLE REPLICA TRIGGER guarded_proof_no_delete"
        ],
        "on another table": [
            "DROP TRIGGER guarded_proof_no_delete ON guarded_proof",
            "CREATE TRIGGER guarded_proof_no_delete BEFORE DELETE ON auth_group"
            " FOR EACH ROW EXECUTE FUNCTION guarded_proof_no_delete()",
        ],
    }
    if connection.vendor == "postgresql"
    else {
        "on another table": [
            "DROP TRIGGER guarded_proof_no_delete",
            "CREATE TRIGGER guarded_proof_no_delete BEFORE DELETE ON auth_group"
            " BEGIN SELECT RAISE(ABORT, 'is refused'); END",
        ],
    }
)


def warnings() -> list[str]:
    messages = checks.run_checks(databases=["default"])
    return [message.msg for message in messages if message.id == "common.W001"]


@pytest.mark.django_db
class TestTheSystemCheck:
    def test_says_nothing_when_all_guards_stand(self) -> None:
        assert {guard.name for guard in guards.registered("guarded")} == set(NAMES)
        assert warnings() == []

    @pytest.mark.parametrize("name", NAMES)
    def test_names_a_missing_guard(self, name: str) -> None:
        execute(
            f"DROP TRIGGER {name} ON guarded_proof"
            if connection.vendor == "postgresql"
            else f"DROP TRIGGER {name}"
        )

        assert warnings() == [f"The trigger {name} is missing on table guarded_proof."]

    @pytest.mark.parametrize("statements", USELESS.values(), ids=USELESS)
    def test_names_a_guard_that_guards_nothing(self, statements: list[str]) -> None:
        for statement in statements:
            execute(statement)

        assert f"The trigger {NAMES[1]} is missing on table guarded_proof." in warnings()

    def test_does_not_ask_a_database_that_it_was_not_told_to(self) -> None:
        drop_guard(NAMES[0])

        assert [m.id for m in checks.run_checks() if m.id == "common.W001"] == []


@pytest.mark.django_db(transaction=True)
class TestMigrate:
    def test_makes_missing_guards_anew(self) -> None:
        write_proofs()
        for name in NAMES:
            drop_guard(name)
        assert len(warnings()) == 3

        call_command("migrate", verbosity=0)

        assert warnings() == []
        with refused():
            execute("DELETE FROM guarded_proof")

    def test_may_run_again_and_again(self) -> None:
        for _ in range(2):
            call_command("migrate", verbosity=0)

        assert warnings() == []

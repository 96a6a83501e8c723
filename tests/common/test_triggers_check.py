import pytest
from django.core import checks
from django.core.management import call_command
from django.db import connection

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from tests.common.proofs import drop_trigger, execute, refused, write_proofs

NAMES = ["guarded_proof_no_update", "guarded_proof_no_delete", "guarded_proof_no_replace"]

DROPPED = f"DROP TRIGGER {NAMES[1]}"
FUNCTION = f"CREATE OR REPLACE FUNCTION {NAMES[1]}() RETURNS trigger LANGUAGE plpgsql {{}} AS $$"
DOES_NOTHING = "BEGIN RETURN OLD; END $$"
PINNED = "SET search_path = public, pg_temp"

# What makes the trigger useless, and what is said of it.
USELESS: dict[str, tuple[list[str], str]] = (
    {
        "switched off": (
            [f"ALTER TABLE guarded_proof DISABLE TRIGGER {NAMES[1]}"],
            "is switched off",
        ),
        "switched off with all": (
            ["ALTER TABLE guarded_proof DISABLE TRIGGER USER"],
            "is switched off",
        ),
        "for replicas alone": (
            [f"ALTER TABLE guarded_proof ENABLE REPLICA TRIGGER {NAMES[1]}"],
            "is switched off",
        ),
        "on another table": (
            [
                f"{DROPPED} ON guarded_proof",
                f"CREATE TRIGGER {NAMES[1]} BEFORE DELETE ON auth_group"
                f" FOR EACH ROW EXECUTE FUNCTION {NAMES[1]}()",
            ],
            "is missing",
        ),
        "a function that lets all through": (
            [FUNCTION.format(PINNED) + DOES_NOTHING],
            "has a function that is not Steward's",
        ),
        "a function that pins no search_path": (
            [f"ALTER FUNCTION {NAMES[1]}() RESET search_path"],
            "has a function that is not Steward's",
        ),
        "a function that pins another": (
            [f"ALTER FUNCTION {NAMES[1]}() SET search_path = pg_temp, public"],
            "has a function that is not Steward's",
        ),
        "a function with its owner's rights": (
            [f"ALTER FUNCTION {NAMES[1]}() SECURITY DEFINER"],
            "has a function that is not Steward's",
        ),
        "another function": (
            [
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$" + DOES_NOTHING,
                f"CREATE OR REPLACE TRIGGER {NAMES[1]} BEFORE DELETE ON guarded_proof"
                " FOR EACH ROW EXECUTE FUNCTION nothing()",
            ],
            "has a function that is not Steward's",
        ),
        "the function of another schema": (
            [
                "CREATE SCHEMA elsewhere",
                f"CREATE FUNCTION elsewhere.{NAMES[1]}() RETURNS trigger LANGUAGE plpgsql"
                f" {PINNED} AS $$" + DOES_NOTHING,
                f"CREATE OR REPLACE TRIGGER {NAMES[1]} BEFORE DELETE ON guarded_proof"
                f" FOR EACH ROW EXECUTE FUNCTION elsewhere.{NAMES[1]}()",
            ],
            "has a function that is not Steward's",
        ),
        "under a condition": (
            [
                f"CREATE OR REPLACE TRIGGER {NAMES[1]} BEFORE DELETE ON guarded_proof"
                f" FOR EACH ROW WHEN (false) EXECUTE FUNCTION {NAMES[1]}()",
            ],
            "fires when it should not, or does not when it should",
        ),
        "for statements": (
            [
                f"{DROPPED} ON guarded_proof",
                f"CREATE TRIGGER {NAMES[1]} BEFORE DELETE ON guarded_proof"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {NAMES[1]}()",
            ],
            "fires when it should not, or does not when it should",
        ),
        "at another event": (
            [
                f"{DROPPED} ON guarded_proof",
                f"CREATE TRIGGER {NAMES[1]} BEFORE INSERT ON guarded_proof"
                f" FOR EACH ROW EXECUTE FUNCTION {NAMES[1]}()",
            ],
            "fires when it should not, or does not when it should",
        ),
    }
    if connection.vendor == "postgresql"
    else {
        "on another table": (
            [
                DROPPED,
                f"CREATE TRIGGER {NAMES[1]} BEFORE DELETE ON auth_group"
                " BEGIN SELECT RAISE(ABORT, 'is refused'); END",
            ],
            "is missing",
        ),
        "another text": (
            [
                DROPPED,
                f"CREATE TRIGGER {NAMES[1]} BEFORE DELETE ON guarded_proof BEGIN SELECT 1; END",
            ],
            "is not as Steward makes it",
        ),
        "under a condition": (
            [
                DROPPED,
                f"CREATE TRIGGER {NAMES[1]} BEFORE DELETE ON guarded_proof WHEN OLD.amount < 0"
                " BEGIN SELECT RAISE(ABORT, 'is refused'); END",
            ],
            "is not as Steward makes it",
        ),
    }
)
# What no trigger of ours is, and lets them see or do something else.
STRANGE: dict[str, tuple[list[str], str]] = {
    "a trigger": (
        [
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$"
            "BEGIN RETURN NULL; END $$",
            "CREATE TRIGGER swallow BEFORE INSERT ON guarded_proof"
            " FOR EACH ROW EXECUTE FUNCTION nothing()",
        ]
        if connection.vendor == "postgresql"
        else [
            "CREATE TRIGGER swallow BEFORE INSERT ON guarded_proof BEGIN SELECT RAISE(IGNORE); END"
        ],
        "table guarded_proof has the trigger swallow, which is not Steward's",
    ),
    "a view in the table's place": (
        [
            "ALTER TABLE guarded_proof RENAME TO behind",
            "CREATE VIEW guarded_proof AS SELECT * FROM behind",
        ],
        "table guarded_proof: there is no such table; run migrate",
    ),
}
if connection.vendor == "postgresql":
    STRANGE |= {
        "a rule": (
            ["CREATE RULE aside AS ON DELETE TO guarded_proof DO INSTEAD NOTHING"],
            "table guarded_proof has the rule aside",
        ),
        "a child": (
            ["CREATE TABLE child () INHERITS (guarded_proof)"],
            "table guarded_proof has the child child, whose rows no trigger of it sees",
        ),
        "a parent": (
            [
                "CREATE TABLE parent (user_id varchar(128) NOT NULL)",
                "ALTER TABLE guarded_proof INHERIT parent",
            ],
            "table guarded_proof is a child of parent",
        ),
        "row level security": (
            ["ALTER TABLE guarded_proof ENABLE ROW LEVEL SECURITY"],
            "table guarded_proof hides rows by row level security",
        ),
        "an operator": (
            [
                "CREATE FUNCTION never(varchar, text) RETURNS bool LANGUAGE sql AS 'SELECT false'",
                "CREATE OPERATOR ~ (LEFTARG = varchar, RIGHTARG = text, FUNCTION = never)",
            ],
            "The operator ~(character varying,text) stands in the schema of the tables.",
        ),
        "a function of PostgreSQL's name": (
            ["CREATE FUNCTION sum(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'"],
            "The function sum(text) has the name of one of PostgreSQL's own.",
        ),
        "no triggers at all": (
            ["SET LOCAL session_replication_role = replica"],
            "session_replication_role is replica: no trigger fires.",
        ),
    }


def warnings() -> list[str]:
    messages = checks.run_checks(databases=["default"])
    return [message.msg for message in messages if message.id == "common.W001"]


def clean_up() -> None:
    """Take away what the statements above leave besides the trigger."""
    if connection.vendor == "postgresql":
        execute(f"DROP TRIGGER IF EXISTS {NAMES[1]} ON auth_group")
        execute("DROP SCHEMA IF EXISTS elsewhere CASCADE")
        execute("DROP FUNCTION IF EXISTS nothing()")


@pytest.mark.django_db
class TestTheSystemCheck:
    def test_says_nothing_when_all_triggers_stand(self) -> None:
        assert {trigger.name for trigger in all_triggers("guarded")} == set(NAMES)
        assert warnings() == []

    @pytest.mark.parametrize("name", NAMES)
    def test_names_a_missing_trigger(self, name: str) -> None:
        execute(
            f"DROP TRIGGER {name} ON guarded_proof"
            if connection.vendor == "postgresql"
            else f"DROP TRIGGER {name}"
        )

        assert warnings() == [f"The trigger {name} is missing on table guarded_proof."]

    @pytest.mark.parametrize(("statements", "what"), USELESS.values(), ids=USELESS)
    def test_names_a_trigger_that_guards_nothing(self, statements: list[str], what: str) -> None:
        for statement in statements:
            execute(statement)

        assert f"The trigger {NAMES[1]} {what} on table guarded_proof." in warnings()

    def test_does_not_ask_a_database_that_it_was_not_told_to(self) -> None:
        drop_trigger(NAMES[0])

        assert [m.id for m in checks.run_checks() if m.id == "common.W001"] == []


@pytest.mark.django_db
class TestVerify:
    def test_says_nothing_when_all_is_as_it_should_be(self) -> None:
        assert list(database_triggers.problems()) == []

    @pytest.mark.parametrize(("statements", "what"), USELESS.values(), ids=USELESS)
    def test_names_a_trigger_that_guards_nothing(self, statements: list[str], what: str) -> None:
        for statement in statements:
            execute(statement)

        sentence = f"table guarded_proof: the trigger {NAMES[1]} {what}; run migrate"
        assert sentence in list(database_triggers.problems())

    @pytest.mark.parametrize(("statements", "sentence"), STRANGE.values(), ids=STRANGE)
    def test_names_what_is_strange(self, statements: list[str], sentence: str) -> None:
        for statement in statements:
            execute(statement)

        assert sentence in list(database_triggers.problems())


@pytest.mark.django_db(transaction=True)
class TestMigrate:
    def test_makes_missing_triggers_anew(self) -> None:
        write_proofs()
        for name in NAMES:
            drop_trigger(name)
        assert len(warnings()) == 3

        call_command("migrate", verbosity=0)

        assert warnings() == []
        with refused():
            execute("DELETE FROM guarded_proof")

    @pytest.mark.parametrize("statements", [one for one, _ in USELESS.values()], ids=USELESS)
    def test_mends_a_trigger_that_guards_nothing(self, statements: list[str]) -> None:
        write_proofs()
        for statement in statements:
            execute(statement)

        call_command("migrate", verbosity=0)
        clean_up()

        assert list(database_triggers.problems()) == []
        with refused():
            execute("DELETE FROM guarded_proof")

    def test_may_run_again_and_again(self) -> None:
        for _ in range(2):
            call_command("migrate", verbosity=0)

        assert warnings() == []

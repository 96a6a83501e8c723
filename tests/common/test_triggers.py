from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F

from tests.common.proofs import COLUMNS, drop_trigger, execute, refused, rows, write_proofs
from tests.guarded.models import Proof

pytestmark = pytest.mark.django_db

UPDATE = "UPDATE guarded_proof SET {} WHERE user_id = 'ann' AND sequence = 1"
INSERT = (
    f"INSERT {{}} INTO guarded_proof ({COLUMNS})"
    " SELECT {}, {}, {}, 99, '', NULL, '{{}}', '{{}}' FROM guarded_proof WHERE sequence = 2"
)
UPSERT = INSERT.format("", "id", "user_id", "sequence") + " AND true"

# What each trigger is for: the attacks that it alone keeps off.
ATTACKS: dict[str, dict[str, str]] = {
    "guarded_proof_no_update": {
        "id": UPDATE.format("id = id + 1000"),
        "user_id": UPDATE.format("user_id = 'eve'"),
        "sequence": UPDATE.format("sequence = 9"),
        "amount": UPDATE.format("amount = 6"),
        "note": UPDATE.format("note = 'another'"),
        "remark": UPDATE.format("remark = NULL"),
        "details": UPDATE.format("details = '{}'"),
        "evidence": UPDATE.format("evidence = '{}'"),
        "nothing at all": UPDATE.format("amount = amount"),
    },
    "guarded_proof_no_delete": {
        "one row": "DELETE FROM guarded_proof WHERE user_id = 'ann' AND sequence = 1",
        "all rows": "DELETE FROM guarded_proof",
    },
    "guarded_proof_no_replace": {},
}
if connection.vendor == "sqlite":
    ATTACKS["guarded_proof_no_update"] |= {
        "or replace": "UPDATE OR REPLACE guarded_proof SET sequence = 1 WHERE sequence = 2",
        "or ignore": "UPDATE OR IGNORE guarded_proof SET amount = 6",
        "or fail": "UPDATE OR FAIL guarded_proof SET amount = 6",
        "by rowid": "UPDATE guarded_proof SET _rowid_ = _rowid_ + 1000",
    }
    ATTACKS["guarded_proof_no_replace"] = {
        "by id": INSERT.format("OR REPLACE", "id", "'eve'", "1"),
        "by unique key": INSERT.format("OR REPLACE", "NULL", "user_id", "sequence"),
        "by both": INSERT.format("OR REPLACE", "id", "user_id", "sequence"),
        "by REPLACE": INSERT.format("", "id", "'eve'", "1").replace("INSERT", "REPLACE", 1),
        "by rowid": INSERT.format("OR REPLACE", "id", "'eve'", "1").replace("(id,", "(rowid,"),
    }
else:
    ATTACKS["guarded_proof_no_update"] |= {
        "merge": (
            "MERGE INTO guarded_proof AS old USING (SELECT 'ann' AS user_id) AS new"
            " ON old.user_id = new.user_id WHEN MATCHED THEN UPDATE SET amount = 6"
        ),
        "upsert": UPSERT + " ON CONFLICT (user_id, sequence) DO UPDATE SET amount = 6",
    }
    ATTACKS["guarded_proof_no_replace"] = {
        "truncate": "TRUNCATE guarded_proof",
        "truncate cascade": "TRUNCATE guarded_proof CASCADE",
        "truncate restart": "TRUNCATE guarded_proof RESTART IDENTITY",
    }

EACH_ATTACK = [
    pytest.param(trigger, sql, id=f"{trigger.removeprefix('guarded_proof_')}: {name}")
    for trigger, attacks in ATTACKS.items()
    for name, sql in attacks.items()
]
THROUGH_THE_ORM: dict[str, Callable[[], Any]] = {
    "update": lambda: Proof.objects.update(amount=6),
    "update with an expression": lambda: Proof.objects.update(amount=F("amount") + 1),
    "save": lambda: Proof.objects.get(user_id="ann", sequence=1).save(),
    "bulk_update": lambda: Proof.objects.bulk_update(
        [Proof(pk=row["id"], amount=6) for row in rows()], ["amount"]
    ),
    "update_or_create": lambda: Proof.objects.update_or_create(
        {"amount": 6}, user_id="ann", sequence=1
    ),
    "bulk_create with update_conflicts": lambda: Proof.objects.bulk_create(
        [Proof(user_id="ann", sequence=1, amount=6)],
        update_conflicts=True,
        update_fields=["amount"],
        unique_fields=["user_id", "sequence"],
    ),
    "delete": lambda: Proof.objects.all().delete(),
    "delete of one row": lambda: Proof.objects.get(user_id="ann", sequence=1).delete(),
    "raw delete": lambda: Proof.objects.all()._raw_delete("default"),
}


@pytest.fixture
def proofs() -> list[dict[str, Any]]:
    return write_proofs()


@pytest.mark.usefixtures("proofs")
class TestAGuardedTable:
    @pytest.mark.parametrize(("trigger", "sql"), EACH_ATTACK)
    def test_refuses_raw_sql(self, trigger: str, sql: str) -> None:
        with refused():
            execute(sql)

    @pytest.mark.parametrize("act", THROUGH_THE_ORM.values(), ids=THROUGH_THE_ORM)
    def test_refuses_the_orm(self, act: Callable[[], Any]) -> None:
        with refused():
            act()

    @pytest.mark.parametrize("change", ["UPDATE", "DELETE"])
    def test_refuses_what_comes_by_a_foreign_key(self, change: str) -> None:
        execute("CREATE TABLE parent (id bigint PRIMARY KEY)")
        execute("INSERT INTO parent (id) VALUES (7)")
        execute(
            "ALTER TABLE guarded_proof ADD COLUMN parent_id bigint"
            " REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE"
        )
        execute(
            f"INSERT INTO guarded_proof ({COLUMNS.removeprefix('id, ')}, parent_id)"
            " VALUES ('eve', 1, 1, '', '', '{}', '{}', 7)"
        )

        with refused():
            execute("DELETE FROM parent" if change == "DELETE" else "UPDATE parent SET id = 8")

    def test_refuses_to_be_flushed(self) -> None:
        before = rows()

        with pytest.raises(CommandError), transaction.atomic():
            call_command("flush", interactive=False, verbosity=0)

        assert rows() == before

    def test_takes_new_rows(self, proofs: list[dict[str, Any]]) -> None:
        Proof.objects.create(user_id="ann", sequence=3, amount=1)
        Proof.objects.bulk_create([Proof(user_id="bob", sequence=2, amount=1)])

        assert rows()[:3] == proofs
        assert len(rows()) == 5


@pytest.mark.usefixtures("proofs")
class TestEachTrigger:
    @pytest.mark.parametrize(("trigger", "sql"), EACH_ATTACK)
    def test_is_what_keeps_its_attack_off(self, trigger: str, sql: str) -> None:
        before = rows()
        drop_trigger(trigger)

        met = execute(sql)

        assert rows() != before or (met > 0 and "amount = amount" in sql)

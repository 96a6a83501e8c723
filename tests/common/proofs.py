"""Rows of the guarded table, as every test of the triggers needs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from tests.guarded.models import Proof

ERASED = "erased-0f63c050-e27d-485c-be80-48a12fdc445b"
COLUMNS = "id, user_id, sequence, amount, note, remark, details, evidence"


def write_proofs() -> list[dict[str, Any]]:
    """Ann's two rows and Bob's; returns all of the table."""
    for user_id, sequence in (("ann", 1), ("ann", 2), ("bob", 1)):
        Proof.objects.create(
            user_id=user_id,
            sequence=sequence,
            amount=5,
            note="a note",
            remark="a remark",
            details={"mail": "ann@example.org"},
            evidence={"b": 1.0, "a": "x"},
        )
    return rows()


def rows() -> list[dict[str, Any]]:
    return list(Proof.objects.order_by("id").values())


def execute(sql: str, parameters: list[Any] | None = None) -> int:
    """Raw SQL; returns how many rows it met."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


@contextmanager
def refused() -> Iterator[None]:
    """The block is refused by a trigger, and the table stays as it is."""
    before = rows()
    assert before
    with (
        pytest.raises(IntegrityError, match="rows are kept as they were made"),
        transaction.atomic(),
    ):
        yield
    assert rows() == before


def drop_trigger(name: str) -> None:
    chosen = [trigger for trigger in all_triggers("guarded") if trigger.name == name]
    assert len(chosen) == 1
    database_triggers.drop(chosen)

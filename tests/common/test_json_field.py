import json
import math
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.guarded.models import Proof

pytestmark = pytest.mark.django_db


def stored(proof: Proof) -> str:
    """The text that stands in the database."""
    text = "evidence::text" if connection.vendor == "postgresql" else "evidence"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {text} FROM guarded_proof WHERE id = %s", [proof.pk])
        return str(cursor.fetchone()[0])


class TestAJSONColumn:
    def test_is_of_a_type_that_keeps_the_text(self) -> None:
        on_postgresql = connection.vendor == "postgresql"
        columns = (
            "SELECT data_type FROM information_schema.columns"
            " WHERE table_name = 'guarded_proof' AND column_name = 'evidence'"
            if on_postgresql
            else "SELECT type FROM pragma_table_info('guarded_proof') WHERE name = 'evidence'"
        )
        with connection.cursor() as cursor:
            cursor.execute(columns)

            # Not `jsonb`, which sorts keys and rewrites numbers.
            assert cursor.fetchall() == [("json" if on_postgresql else "TEXT",)]

    @pytest.mark.parametrize(
        "value",
        [
            {"b": 1, "a": 2, "B": 3, "": 4},
            {"one": 1.0, "tiny": 1e-300, "large": 1.5e300, "minus zero": -0.0, "third": 1 / 3},
            {"long": 2**63 - 1, "low": -(2**63), "unsafe": 2**53 + 1},
            ["日本", "😀", '"\\/\n', "\u2028"],
            [],
            0,
            "text",
            False,
        ],
    )
    def test_gives_back_what_it_was_given(self, value: Any) -> None:
        proof = Proof.objects.create(user_id="ann", sequence=1, amount=1, evidence=value)

        assert json.dumps(Proof.objects.get(pk=proof.pk).evidence) == json.dumps(value)

    def test_is_written_compactly_in_utf_8(self) -> None:
        proof = Proof.objects.create(
            user_id="ann", sequence=1, amount=1, evidence={"b": ["日本", 1.0], "a": None}
        )

        assert stored(proof) == '{"b":["日本",1.0],"a":null}'

    @pytest.mark.parametrize(
        "value",
        [math.nan, math.inf, 2**63, -(2**63) - 1, 2**64, "\ud800", "a\0b", {"a\0": 1}, {1: 2}],
        ids=repr,
    )
    def test_refuses_what_cannot_be_stored_as_it_is(self, value: Any) -> None:
        with pytest.raises((TypeError, ValueError)), transaction.atomic():
            Proof.objects.create(user_id="ann", sequence=1, amount=1, evidence=[value])

        assert not Proof.objects.exists()

    def test_holds_nothing_but_json_even_by_raw_sql(self) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO guarded_proof (user_id, sequence, amount, note, details, evidence)"
                " VALUES ('ann', 1, 1, '', '{}', 'no json')"
            )

        assert not Proof.objects.exists()

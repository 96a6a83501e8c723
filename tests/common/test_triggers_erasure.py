import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection

from tests.common.proofs import ERASED, execute, refused, rows, write_proofs
from tests.guarded.models import Proof

pytestmark = pytest.mark.django_db

EMPTY = "note = '', remark = NULL, details = '{}'"
ERASE = "UPDATE guarded_proof SET user_id = '{}', {} WHERE user_id = 'ann'"
NOT_ERASED_NAMES = {
    "another person": "eve",
    "nobody": "",
    "the prefix alone": "erased-",
    "no uuid": "erased-ann",
    "a uuid alone": ERASED.removeprefix("erased-"),
    "a uuid cut off": ERASED[:-1],
    "a uuid and more": ERASED + "0",
    "a uuid and a line break": ERASED + "\n",
    "something before": "x" + ERASED,
    "capital letters": ERASED.upper(),
    "capital digits": "erased-" + ERASED.removeprefix("erased-").upper(),
    "no dashes": ERASED.replace("-", ""),
    "no hex digit": ERASED[:-1] + "g",
}
OTHER_COLUMNS = {
    "id": "id = id + 1000",
    "sequence": "sequence = sequence + 10",
    "amount": "amount = 6",
    "evidence": "evidence = '{}'",
    "the form of the evidence": 'evidence = \'{"b": 1.0, "a": "x"}\'',
}
TEXTS_LEFT = {
    "a note": "remark = NULL, details = '{}'",
    "another note": "note = 'x', remark = NULL, details = '{}'",
    "a blank note": "note = ' ', remark = NULL, details = '{}'",
    "a remark": "note = '', details = '{}'",
    "an empty remark": "note = '', remark = '', details = '{}'",
    "details": "note = '', remark = NULL",
    "other details": "note = '', remark = NULL, details = '{\"a\": 1}'",
    "a list of details": "note = '', remark = NULL, details = '[]'",
}


@pytest.fixture(autouse=True)
def proofs() -> list[dict[str, Any]]:
    return write_proofs()


def erased(row: dict[str, Any], user_id: str) -> dict[str, Any]:
    return row | {"user_id": user_id, "note": "", "remark": None, "details": {}}


class TestTheErasure:
    def test_is_let_through_by_the_orm(self, proofs: list[dict[str, Any]]) -> None:
        name = f"erased-{uuid.uuid4()}"

        count = Proof.objects.filter(user_id="ann").update(
            user_id=name, note="", remark=None, details={}
        )

        assert count == 2
        assert rows() == [erased(proofs[0], name), erased(proofs[1], name), proofs[2]]

    def test_is_let_through_by_raw_sql(self, proofs: list[dict[str, Any]]) -> None:
        assert execute(ERASE.format(ERASED, EMPTY)) == 2

        assert rows() == [erased(proofs[0], ERASED), erased(proofs[1], ERASED), proofs[2]]

    def test_is_let_through_when_there_is_nothing_to_empty(self) -> None:
        Proof.objects.create(user_id="eve", sequence=1, amount=1)

        assert Proof.objects.filter(user_id="eve").update(user_id=ERASED) == 1

    @pytest.mark.parametrize("user_id", ["ERASED-ann", "Erased-", "erased", "日本"])
    def test_is_let_through_whatever_the_person_is_called(self, user_id: str) -> None:
        Proof.objects.create(user_id=user_id, sequence=1, amount=1)

        assert Proof.objects.filter(user_id=user_id).update(user_id=ERASED) == 1

    @pytest.mark.parametrize("name", NOT_ERASED_NAMES.values(), ids=NOT_ERASED_NAMES)
    def test_is_refused_under_another_name(self, name: str) -> None:
        with refused():
            execute(ERASE.format(name, EMPTY))

    @pytest.mark.parametrize("change", OTHER_COLUMNS.values(), ids=OTHER_COLUMNS)
    def test_is_refused_with_another_column_changed(self, change: str) -> None:
        with refused():
            execute(ERASE.format(ERASED, f"{EMPTY}, {change}"))

    @pytest.mark.parametrize("change", TEXTS_LEFT.values(), ids=TEXTS_LEFT)
    def test_is_refused_with_a_text_left(self, change: str) -> None:
        with refused():
            execute(ERASE.format(ERASED, change))

    def test_is_refused_a_second_time(self) -> None:
        execute(ERASE.format(ERASED, EMPTY))

        with refused():
            Proof.objects.filter(user_id=ERASED).update(user_id=f"erased-{uuid.uuid4()}")
        with refused():
            Proof.objects.filter(user_id=ERASED).update(user_id="ann")

    def test_is_refused_without_a_name(self) -> None:
        with refused():
            execute(f"UPDATE guarded_proof SET {EMPTY} WHERE user_id = 'ann'")

    def test_removes_no_other_row(self) -> None:
        execute(ERASE.format(ERASED, EMPTY))
        before = rows()
        # On SQLite OR REPLACE removes the row that has the key already, and tells no trigger of it.
        update = "UPDATE OR REPLACE" if connection.vendor == "sqlite" else "UPDATE"

        with pytest.raises(IntegrityError):
            execute(
                f"{update} guarded_proof SET user_id = '{ERASED}', {EMPTY} WHERE user_id = 'bob'"
            )

        assert rows() == before

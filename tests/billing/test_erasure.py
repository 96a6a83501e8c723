"""The one change that triggers let through: a person is forgotten, the books stay right."""

import pytest
from django.db import IntegrityError, transaction

from access.services import persons
from tests.asserts import stored
from tests.billing.books import MOMENT, account, drift, execute, person
from tests.billing.raw_rows import ANN, EVE, write_books

pytestmark = pytest.mark.django_db

OTHER = "erased-1f63c050-e27d-485c-be80-48a12fdc445b"
EMPTIED = {
    "credithold": "description = '', idempotency_key = NULL, release_key = NULL",
    "credittransaction": "description = '', metadata = '{}', idempotency_key = NULL",
    "usageoverride": "reason = ''",
}


@pytest.fixture(autouse=True)
def books() -> None:
    write_books()


def empty(table: str, more: str = "") -> int:
    changes = ", ".join(part for part in (EMPTIED[table], more) if part)
    return execute(f"UPDATE billing_{table} SET {changes} WHERE person_id = {ANN}")


def erase() -> None:
    with transaction.atomic():
        persons.erase_person(user_id="ann", reference=OTHER, at=MOMENT)


class TestTheErasure:
    @pytest.mark.parametrize("table", EMPTIED)
    def test_of_texts_is_let_through(self, table: str) -> None:
        assert empty(table) > 0

    @pytest.mark.parametrize("order", [list(EMPTIED), list(reversed(EMPTIED))])
    def test_of_all_tables_leaves_the_books_right(self, order: list[str]) -> None:
        for table in order:
            empty(table)
        erase()

        assert drift() == []
        assert (account(OTHER).balance, account(OTHER).held) == (37, 10)

    @pytest.mark.parametrize("table", [*EMPTIED, "creditaccount", "ledgercheckpoint"])
    @pytest.mark.parametrize("other", [EVE, "NULL"])
    def test_is_refused_for_another_person(self, table: str, other: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            execute(f"UPDATE billing_{table} SET person_id = {other} WHERE person_id = {ANN}")

        assert stored() == before

    @pytest.mark.parametrize(
        ("table", "more"),
        [
            ("credithold", "state = 'released'"),
            ("credithold", "amount = 1"),
            ("credittransaction", "amount = amount + 1"),
            ("credittransaction", "refunds = NULL"),
            ("usageoverride", "actor = 'eve'"),
        ],
    )
    def test_is_refused_with_another_change(self, table: str, more: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            empty(table, more)

        assert stored() == before

    @pytest.mark.parametrize("table", EMPTIED)
    def test_comes_once(self, table: str) -> None:
        erase()
        key = person(OTHER).pk

        with pytest.raises(IntegrityError):
            execute(f"UPDATE billing_{table} SET {EMPTIED[table]} WHERE person_id = {key}")

"""The one change that guards let through: a person is forgotten, the books stay right."""

import pytest
from django.db import IntegrityError

from tests.billing.attacks import write_books
from tests.billing.books import account, drift, execute
from tests.conversations.recipes import stored

pytestmark = pytest.mark.django_db

ERASED = "erased-0f63c050-e27d-485c-be80-48a12fdc445b"
EMPTIED = {
    "creditaccount": "",
    "credithold": "description = '', idempotency_key = NULL",
    "credittransaction": "description = '', metadata = '{}', idempotency_key = NULL",
    "ledgercheckpoint": "",
    "usageoverride": "reason = ''",
}


@pytest.fixture(autouse=True)
def books() -> None:
    write_books()


def erase(table: str, more: str = "", user_id: str = ERASED) -> int:
    changes = ", ".join(part for part in (f"user_id = '{user_id}'", EMPTIED[table], more) if part)
    return execute(f"UPDATE billing_{table} SET {changes} WHERE user_id = 'ann'")


class TestTheErasure:
    @pytest.mark.parametrize("table", EMPTIED)
    def test_is_let_through(self, table: str) -> None:
        assert erase(table) > 0

        rows = stored()[f"billing_{table}"]
        assert {row["user_id"] for row in rows} & {"ann", ERASED} == {ERASED}

    @pytest.mark.parametrize("order", [list(EMPTIED), list(reversed(EMPTIED))])
    def test_of_all_tables_leaves_the_books_right(self, order: list[str]) -> None:
        for table in order:
            erase(table)

        assert drift() == []
        assert (account(ERASED).balance, account(ERASED).held) == (37, 10)

    @pytest.mark.parametrize("table", EMPTIED)
    def test_is_refused_under_another_name(self, table: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            erase(table, user_id="eve")

        assert stored() == before

    @pytest.mark.parametrize(
        ("table", "more"),
        [
            ("creditaccount", "balance = 1000"),
            ("creditaccount", "frozen_at = NULL, tier = 'pro'"),
            ("credithold", "state = 'released'"),
            ("credithold", "amount = 1"),
            ("credittransaction", "amount = amount + 1"),
            ("credittransaction", "refunds = NULL"),
            ("ledgercheckpoint", "balance = 51"),
            ("usageoverride", "actor = 'eve'"),
        ],
    )
    def test_is_refused_with_another_change(self, table: str, more: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            erase(table, more)

        assert stored() == before

    def test_is_refused_twice(self) -> None:
        erase("creditaccount")

        with pytest.raises(IntegrityError):
            execute(f"UPDATE billing_creditaccount SET user_id = 'ann' WHERE user_id = '{ERASED}'")

"""Raw SQL that would give rows to another person, or touch what an erased person left."""

import pytest
from django.db import DatabaseError, connection, transaction

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from tests.asserts import stored
from tests.conversations.recipes import key_of, make_conversation_of

pytestmark = pytest.mark.django_db

TABLES = ("conversations_conversation", "conversations_message")
ERASED = "erased-0f63c050-e27d-485c-be80-48a12fdc445b"
# To another living person: it is the row that refuses, not the key.
MOVE = "UPDATE {table} SET person_id = {eve} WHERE person_id = {ann}"
OF_THE_ERASED = {
    "a change": "UPDATE {table} SET request_hash = 'a' WHERE person_id = {gone}",
    "a move to the living": "UPDATE {table} SET person_id = {eve} WHERE person_id = {gone}",
    "a move from the living": "UPDATE {table} SET person_id = {gone} WHERE person_id = {ann}",
    "a new row": (
        "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE person_id = {ann}"
    ),
}


@pytest.fixture
def people() -> dict[str, int]:
    """The keys of Ann, of Eve who has nothing, and of somebody erased whose rows still stand."""
    for name in ("ann", "gone"):
        make_conversation_of(1, name)
    keys = {name: key_of(name) for name in ("ann", "eve", "gone")}
    run(
        f"UPDATE access_person SET user_id = NULL, erased_as = '{ERASED}',"
        f" erased_at = first_seen_at WHERE id = {keys['gone']}"
    )
    return keys


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def filled(statement: str, table: str, people: dict[str, int]) -> str:
    """The statement; a new row is a copy of Ann's, which is the erased person's."""
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
    columns = [column.name for column in described if column.name != "id"]
    values = [str(people["gone"]) if name == "person_id" else name for name in columns]
    return statement.format(
        table=table, columns=", ".join(columns), values=", ".join(values), **people
    )


@pytest.mark.parametrize("table", TABLES)
class TestRawSql:
    def test_moves_no_row_to_another_person(self, people: dict[str, int], table: str) -> None:
        before = stored()

        with pytest.raises(DatabaseError, match="never goes to another"), transaction.atomic():
            run(filled(MOVE, table, people))

        assert stored() == before

    @pytest.mark.parametrize("attack", OF_THE_ERASED)
    def test_touches_nothing_of_an_erased_person(
        self, people: dict[str, int], table: str, attack: str
    ) -> None:
        before = stored()

        with pytest.raises(DatabaseError, match=r"was erased|never goes"), transaction.atomic():
            run(filled(OF_THE_ERASED[attack], table, people))

        assert stored() == before

    @pytest.mark.parametrize(
        ("end", "statement"),
        [
            ("person", MOVE),
            ("person", OF_THE_ERASED["a change"]),
            ("lives", OF_THE_ERASED["a new row"]),
        ],
    )
    def test_would_without_the_trigger(
        self, people: dict[str, int], table: str, end: str, statement: str
    ) -> None:
        named = [trigger for trigger in all_triggers() if trigger.name == f"{table}_{end}"]
        database_triggers.drop(named)
        before = stored()

        run(filled(statement, table, people))

        assert stored() != before
        database_triggers.create(named)

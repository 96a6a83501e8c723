"""Assertions that many tests share."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection

COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY")
PERSONS = (
    "SELECT PG_ADVISORY",
    'SELECT "ACCESS_PERSON"."USER_ID"',
    'SELECT "ACCESS_PERSON"."ID" FROM',
    "INSERT INTO ACCESS_PERSON ",
)


@contextmanager
def assert_statements(expected: int) -> Iterator[list[str]]:
    """Exactly this many SELECT, INSERT, UPDATE, DELETE or COPY are sent inside the block.

    Transaction control, a person's lock and first contact (access/services/persons.py) and what
    triggers do are not counted, so that the number is the same on both engines.
    """
    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begins = sql.lstrip("( \n").upper()
        if begins.startswith(COUNTED) and not begins.startswith(PERSONS):
            statements.append(sql)
        return execute(sql, params, many, context)

    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(note))
        yield statements
    shown = "\n".join(statement[:300] for statement in statements)
    assert len(statements) == expected, f"{len(statements)} statements, not {expected}:\n{shown}"


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is a whole problem body with this status and code; returns it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert {"type", "title", "detail", "instance"} <= set(problem)
    return problem


def stored() -> dict[str, list[dict[str, Any]]]:
    """Every row that belongs to a person, by table: the same before and after a refusal.

    Values are as the driver gives them; reading through models took most of many tests.
    """
    tables = _tables_of_persons()
    looks = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(looks))
        filled = {name for (name,) in cursor.fetchall()}
        return {
            name: _rows(cursor, name, key) if name in filled else [] for name, key in tables.items()
        }


def _rows(cursor: Any, table: str, key: str) -> list[dict[str, Any]]:
    cursor.execute(f'SELECT * FROM {table} ORDER BY "{key}"')
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


@cache
def _tables_of_persons() -> dict[str, str]:
    """The key of each."""
    names = {"user_id", "owner", "account", "person"}
    return {
        model._meta.db_table: model._meta.pk.column
        for model in apps.get_models()
        if names & {field.name for field in model._meta.fields}
    }

"""A move by the API, and what belongs to an id."""

import json
from typing import Any
from urllib.parse import quote

from common import declarations, privacy
from tests.client import ApiClient
from tests.operations.persons import rows_by_table

# Request rates stay with the id that is counted, and so do the rows of an app that carry the id.
BY_ID = {table.label: table for table in privacy.tables() if "__" not in table.person}


def move(application: ApiClient, user_id: str, to: str) -> Any:
    return application.post(f"/persons/{quote(user_id, safe='')}/move", {"to": to})


def found_wrong() -> list[str]:
    return [sentence for check in declarations.checks() for sentence in check.find()]


def rows_of(user_id: str) -> dict[str, int]:
    return {table: rows for table, rows in rows_by_table(user_id).items() if table not in BY_ID}


def copy_of(person: ApiClient, user_id: str) -> Any:
    """The person's copy without what names the id, and without what a move adds."""
    text = b"".join(person.get("/privacy/export").streaming_content).decode()
    copy = json.loads(text.replace(f'"{user_id}"', '"the person"'))
    for app, table in (label.split(".") for label in BY_ID):
        copy.get(app, {}).pop(table, None)
    del copy["exported_at"], copy["access"]["person_move"]
    return copy

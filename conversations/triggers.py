"""The legal hold, and the search index on SQLite.

A conversation on legal hold is not removed and keeps its messages, against raw SQL as well.

On SQLite triggers keep the FTS5 tables equal to their rows. PostgreSQL needs none; its GIN indexes
stand on the tables themselves (migration 0002).
"""

import sqlite3
from collections.abc import Iterable

from django.db import connection, models, transaction

from common.schema.triggers import SQLITE, Rule, Trigger, key_is_new, of_the_living, row_trigger
from conversations import fts5_levels
from conversations.models import Conversation, Message
from conversations.search import OWNER_MARK, fts_table

# From this version on FTS5 can take deleted terms out of its files at once.
SECURE_DELETE_SINCE = (3, 42)


def index_triggers(model: type[models.Model]) -> list[Trigger]:
    """One trigger each for INSERT, UPDATE and DELETE."""
    index = fts_table(model)

    def text(row: str) -> str:
        return f"'{OWNER_MARK}' || {row}.person_id || ' ' || {row}.search_text"

    add = f'INSERT INTO "{index}" (rowid, words) VALUES (NEW.id, {text("NEW")});'
    remove = (
        f'INSERT INTO "{index}" ("{index}", rowid, words)'
        f" VALUES ('delete', OLD.id, {text('OLD')});"
    )
    events = [
        ("insert", "AFTER INSERT", add),
        ("update", "AFTER UPDATE OF id, person_id, search_text", f"{remove} {add}"),
        ("delete", "AFTER DELETE", remove),
    ]
    return [_index_trigger(model, *event) for event in events]


def _index_trigger(model: type[models.Model], name: str, event: str, act: str) -> Trigger:
    index = fts_table(model)
    once_made = ""
    if sqlite3.sqlite_version_info >= SECURE_DELETE_SINCE:
        # The mark tells it from the trigger that an older SQLite made, without the setting.
        act = f"/* secure-delete */ {act}"
        once_made = f'INSERT INTO "{index}" ("{index}", rank) VALUES (\'secure-delete\', 1)'
    return Trigger(f"{index}_{name}", model, event, act=act, only_on=SQLITE, once_made=once_made)


def purge_deleted_terms(model_classes: Iterable[type[models.Model]]) -> None:
    """Take the terms of deleted rows out of the index's files.

    PostgreSQL and newer SQLite do it by themselves; an older FTS5 keeps them until it merges, which
    this brings about (0.4 s at 200,000 messages).
    """
    if connection.vendor != "sqlite" or sqlite3.sqlite_version_info >= SECURE_DELETE_SINCE:
        return
    with connection.cursor() as cursor:
        for model in model_classes:
            index = fts_table(model)
            cursor.execute(f'INSERT INTO "{index}" ("{index}") VALUES (\'optimize\')')
            fts5_levels.lower_levels(cursor, index)


def rebuild_index(model: type[models.Model]) -> None:
    """Make the index of the rows' terms anew, in one transaction; who uses the rows waits."""
    index, table = fts_table(model), model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # At once, and before all else: REINDEX locks the table and then the index, and would
            # meet those who have read through the index and go on to write.
            cursor.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
            # No index is made on a table while foreign keys of it wait to be checked.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            terms = f"string_to_array(search_text, ' ') || ('{OWNER_MARK}' || person_id::text)"
            cursor.execute(
                f'CREATE INDEX IF NOT EXISTS "{index}" ON "{table}" USING gin (({terms}))'
            )
            cursor.execute(f'REINDEX INDEX "{index}"')
            return
        fts5_levels.empty_if_broken(cursor, index)
        cursor.execute(f'INSERT INTO "{index}" ("{index}") VALUES (\'delete-all\')')
        cursor.execute(
            f'INSERT INTO "{index}" (rowid, words)'
            f" SELECT id, '{OWNER_MARK}' || person_id || ' ' || search_text FROM \"{table}\""
        )


HOLD = f"{Conversation._meta.db_table}.legal_hold_at"
HELD = Rule("OLD.legal_hold_at IS NOT NULL", "a conversation on legal hold is kept")
OF_HELD = Rule(
    f"""EXISTS (SELECT 1 FROM {Conversation._meta.db_table}
        WHERE id = OLD.conversation_id AND legal_hold_at IS NOT NULL)""",
    "messages of a conversation on legal hold are kept",
)

TRIGGERS = [
    *index_triggers(Conversation),
    *index_triggers(Message),
    row_trigger(Conversation, "held", "BEFORE DELETE", [HELD], also_needs=HOLD),
    row_trigger(Message, "held", "BEFORE DELETE", [OF_HELD], also_needs=HOLD),
    key_is_new(Conversation),
    key_is_new(Message),
    *of_the_living(Conversation),
    *of_the_living(Message),
]

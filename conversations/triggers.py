"""The legal hold, and the search index on SQLite.

A conversation on legal hold is not removed and keeps its messages, against raw SQL as well.

On SQLite triggers keep the FTS5 tables equal to their rows. PostgreSQL needs none; its GIN indexes
stand on the tables themselves (migration 0002).
"""

import sqlite3
from collections.abc import Iterable

from django.db import connection, models, transaction

from common.database_triggers import Trigger
from common.guards import Guard
from common.rules import Rule, key_is_new, of_the_living, rule
from conversations.models import Conversation, Message
from conversations.search import OWNER_MARK, fts_table

# From this version on FTS5 can take deleted terms out of its files at once.
SECURE_DELETE_SINCE = (3, 42)


def index_guards(model: type[models.Model]) -> list[Guard]:
    """One trigger each for INSERT, UPDATE and DELETE."""
    index = fts_table(model)

    def text(row: str) -> str:
        return f"'{OWNER_MARK}' || {row}.person_id || ' ' || {row}.search_text"

    add = f'INSERT INTO "{index}" (rowid, words) VALUES (NEW.id, {text("NEW")});'
    remove = (
        f'INSERT INTO "{index}" ("{index}", rowid, words)'
        f" VALUES ('delete', OLD.id, {text('OLD')});"
    )
    return [
        _guard(model, "insert", "AFTER INSERT", add),
        _guard(model, "update", "AFTER UPDATE OF id, person_id, search_text", f"{remove} {add}"),
        _guard(model, "delete", "AFTER DELETE", remove),
    ]


def _guard(model: type[models.Model], act: str, when: str, body: str) -> Guard:
    index = fts_table(model)
    name = f"{index}_{act}"

    def declare(vendor: str) -> Trigger | None:
        if vendor != "sqlite":
            return None
        if sqlite3.sqlite_version_info < SECURE_DELETE_SINCE:
            return Trigger(name, model._meta.db_table, when, f"BEGIN {body} END")
        # The mark tells it from the trigger that an older SQLite made, without the setting.
        return Trigger(
            name,
            model._meta.db_table,
            when,
            f"BEGIN /* secure-delete */ {body} END",
            then=f'INSERT INTO "{index}" ("{index}", rank) VALUES (\'secure-delete\', 1)',
        )

    return Guard(name, model, declare, refuses=False)


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
        cursor.execute(f'INSERT INTO "{index}" ("{index}") VALUES (\'delete-all\')')
        cursor.execute(
            f'INSERT INTO "{index}" (rowid, words)'
            f" SELECT id, '{OWNER_MARK}' || person_id || ' ' || search_text FROM \"{table}\""
        )


HOLD = f"{Conversation._meta.db_table}.legal_hold_at"
HELD: Rule = ("OLD.legal_hold_at IS NOT NULL", "a conversation on legal hold is kept")
OF_HELD: Rule = (
    f"""EXISTS (SELECT 1 FROM {Conversation._meta.db_table}
        WHERE id = OLD.conversation_id AND legal_hold_at IS NOT NULL)""",
    "messages of a conversation on legal hold are kept",
)

GUARDS = [
    *index_guards(Conversation),
    *index_guards(Message),
    rule(Conversation, "held", "BEFORE DELETE", [HELD], also_needs=HOLD),
    rule(Message, "held", "BEFORE DELETE", [OF_HELD], also_needs=HOLD),
    key_is_new(Conversation),
    key_is_new(Message),
    *of_the_living(Conversation),
    *of_the_living(Message),
]

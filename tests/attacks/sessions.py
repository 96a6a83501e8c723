"""Attacks with raw SQL, each in a session of its own, and how they end.

A session that has run a trigger keeps its plan, and hides what a new one would do.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from billing.models import CreditTransaction
from billing.services import sealing
from common import declarations
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from conversations.services import legal_hold
from tests.billing.raw_rows import with_ids, write_books
from tests.consent.attacks import write_events
from tests.conversations.recipes import MOMENT, make_conversation_of

POSTGRESQL = connection.vendor == "postgresql"
REFUSED, FOUND, NOTHING_WRONG = "refused", "found", "nothing is wrong"


def write_everything() -> None:
    """Books, events and a conversation on legal hold, and nothing for `verify` to find."""
    write_books()
    # Archived, as the checkpoint says.
    CreditTransaction.objects.filter(person__user_id="ann", sequence=1).delete()
    write_events()
    held = make_conversation_of(3)
    call_command("reindex_search", stdout=StringIO())
    legal_hold.place_legal_hold(conversation=held, reason="Case 7", actor="staff:dana", at=MOMENT)
    sealing.seal_entries(at=timezone.now() + datetime.timedelta(hours=1), limit=100)
    found = findings()
    assert found == [], found


def findings() -> list[str]:
    """What `verify` says."""
    return list(each_finding())


def each_finding() -> Iterator[str]:
    for check in declarations.checks():
        yield from check.find()


@contextmanager
def plain_role() -> Iterator[str]:
    """A role of PostgreSQL that may read and write rows, and nothing else."""
    role = f"plain_of_{connection.settings_dict['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{role}"')
        try:
            cursor.execute(f'GRANT USAGE ON SCHEMA public TO "{role}"')
            cursor.execute(
                f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"'
            )
            cursor.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"')
            yield role
        finally:
            cursor.execute(f'DROP OWNED BY "{role}"')
            cursor.execute(f'DROP ROLE "{role}"')


@contextmanager
def fresh_session() -> Iterator[None]:
    """The block's `connection` is a new one."""
    before: Any = connections["default"]
    fresh = before.copy()
    fresh.settings_dict["POOL"] = None
    connections["default"] = fresh
    try:
        yield
    finally:
        fresh.close()
        connections["default"] = before


def attack(statements: list[str], role: str | None = None) -> str:
    """How it ends, in a fresh session, as that role or as the owner. Nothing of it is kept."""
    with fresh_session(), transaction.atomic():
        try:
            with transaction.atomic():
                execute(statements, role)
                ending = ""
        except DatabaseError as error:
            ending = f"{REFUSED}: {error}"
        else:
            execute(["DISCARD TEMP"] if POSTGRESQL else [])
            found = next(each_finding(), None)
            ending = f"{FOUND}: {found}" if found else NOTHING_WRONG
        transaction.set_rollback(True)
    return ending


def execute(statements: list[str], role: str | None = None) -> None:
    with connection.cursor() as cursor:
        if role:
            cursor.execute(f'SET LOCAL SESSION AUTHORIZATION "{role}"')
        for statement in statements:
            if statement == "-- drop every trigger":
                database_triggers.drop(all_triggers())
                continue
            if statement == "-- make every trigger":
                database_triggers.create(all_triggers())
                continue
            # Without parameters, so that a percent sign stays one.
            cursor.execute(with_ids(statement), None)
        if role:
            cursor.execute("RESET SESSION AUTHORIZATION")
            cursor.execute("RESET search_path")

"""What SQLite promises here, in place of the pool (test_pool.py)."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from conversations.models import Conversation
from operations.sqlite import base
from tests.asserts import assert_statements
from tests.conversations.recipes import key_of

pytestmark = pytest.mark.django_db(transaction=True)

# SQLITE_TIMEOUT, as pyproject.toml sets it for tests.
PATIENCE_MS = 120_000


@pytest.fixture
def other() -> Iterator[Any]:
    """A second connection to the same file, which waits for nobody."""
    second: Any = connection.copy(alias="other")
    with second.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
    yield second
    second.close()


def pragma(name: str, of: Any = connection) -> Any:
    with of.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


def new_connection(file: str, *, timeout: float) -> Any:
    new: Any = connection.copy(alias="new")
    new.settings_dict["NAME"] = file
    new.settings_dict["OPTIONS"]["timeout"] = timeout
    return new


def write() -> Conversation:
    now = timezone.now()
    return Conversation.objects.create(person_id=key_of("ann"), created_at=now, updated_at=now)


class TestAConnection:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("busy_timeout", PATIENCE_MS),
            ("foreign_keys", 1),
            ("secure_delete", 1),
        ],
    )
    def test_is_set_to(self, name: str, value: Any) -> None:
        assert pragma(name) == value

    def test_is_set_so_again_when_it_is_opened_again(self) -> None:
        connection.close()

        assert (pragma("journal_mode"), pragma("synchronous")) == ("wal", 2)
        assert (pragma("busy_timeout"), pragma("foreign_keys")) == (PATIENCE_MS, 1)

    def test_is_opened_again_after_an_error_of_the_engine(self) -> None:
        pragma("journal_mode")
        with pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("nonsense")
        connection.close_if_unusable_or_obsolete()

        assert connection.connection is None

    def test_is_to_a_file_that_is_not_the_real_one(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA database_list")
            file = cursor.fetchone()[2]

        assert file.rpartition("/")[2].startswith("test.sqlite3")

    def test_holds_foreign_keys(self) -> None:
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (0, 0)"
            )

    def test_waits_for_who_else_opens_a_new_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = str(tmp_path / "new.sqlite3")
        first = sqlite3.connect(file, isolation_level=None)
        first.execute("BEGIN IMMEDIATE")  # for which SQLite lets the switch to WAL wait not at all
        second = new_connection(file, timeout=20)
        monkeypatch.setattr(base.time, "sleep", lambda _: first.execute("COMMIT"))

        assert pragma("journal_mode", second) == "wal"
        second.close()
        first.close()

    def test_waits_for_them_no_longer_than_for_any_lock(self, tmp_path: Path) -> None:
        file = str(tmp_path / "new.sqlite3")
        first = sqlite3.connect(file, isolation_level=None)
        first.execute("BEGIN IMMEDIATE")

        with pytest.raises(OperationalError, match="locked"):
            pragma("journal_mode", new_connection(file, timeout=0.2))
        first.close()


class TestATransaction:
    def test_takes_the_write_lock_when_it_begins(self, other: Any) -> None:
        locked = pytest.raises(OperationalError, match="locked")

        with transaction.atomic(), locked, other.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")

    def test_lets_others_read_what_stood_before_it(self, other: Any) -> None:
        row = write()

        with transaction.atomic():
            Conversation.objects.update(title="Heat")
            with other.cursor() as cursor:
                cursor.execute("SELECT title FROM conversations_conversation")
                seen = cursor.fetchone()[0]

        assert seen == row.title == "New Conversation"

    def test_that_is_open_is_rolled_back_when_its_connection_closes(self, other: Any) -> None:
        write()
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("DELETE FROM conversations_conversation")

        other.close()

        assert Conversation.objects.update(message_count=F("message_count") + 1) == 1


class TestABulkInsert:
    def test_is_as_many_statements_as_on_postgresql(self) -> None:
        now = timezone.now()
        owner = key_of("ann")
        rows = [Conversation(person_id=owner, created_at=now, updated_at=now) for _ in range(1000)]

        with assert_statements(1):
            Conversation.objects.bulk_create(rows)

        assert Conversation.objects.count() == 1000

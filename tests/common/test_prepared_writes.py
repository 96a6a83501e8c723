"""That a prepared write sends what Django would send, and does both of its parts or neither."""

import datetime
import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F

import config.urls
from common import prepared, prepared_writes
from common.models import Update
from common.prepared_writes import PreparedUpdate, prepared_update
from conversations.models import Conversation, Message
from tests.asserts import assert_statements
from tests.common.test_prepared import VALUES
from tests.conversations.recipes import key_of

assert config.urls  # which knows every module that answers
NOON = datetime.datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=datetime.UTC)
ALL = [*prepared_writes.every]
PLACE = {"conversation_id": "id", "person_id": "person_id", "position": "message_count"}
ON_POSTGRESQL = connection.vendor == "postgresql"


@prepared_update
def grown(*, user_id: str, more: int, at: datetime.datetime) -> Update:
    return Update(
        Conversation.objects.for_user(user_id).filter(message_count__lte=more),
        ["id", "uid", "person_id", "message_count", "metadata", "updated_at"],
        message_count=F("message_count") + more,
        updated_at=at,
    )


def made() -> Conversation:
    return Conversation.objects.create(
        person_id=key_of("ann"), created_at=NOON, updated_at=NOON, metadata={"a": 1.0}
    )


def message(**fields: Any) -> Message:
    return Message(role="user", content="a", created_at=NOON, **fields)


class TestEveryPreparedUpdate:
    @pytest.mark.parametrize("update", [*ALL, grown], ids=lambda one: one.build.__qualname__)
    def test_sends_what_django_would_send(self, update: PreparedUpdate[Any], db: None) -> None:
        places = {name: VALUES[kind] for name, kind in update.kinds.items()}
        usual = {name: values[0] for name, values in places.items()}
        for name, values in places.items():
            for value in [*values, *([None] if name in update.optional else [])]:
                call = usual | {name: value}
                statement = update.statement(call)
                same = usual | ({name: None} if value is None else {})
                assert statement is update.statement(same)
                assert statement is not None

                sql, parameters, _ = update.build(**call).compiled(connection)

                assert statement.sql == sql
                assert tuple(statement.parameters(call, connection)) == parameters

    @pytest.mark.parametrize("more", [-1, prepared.INTEGER_MAX + 1])
    def test_is_built_for_itself_where_the_sql_may_differ(self, more: int, db: None) -> None:
        made()
        call = {"user_id": "ann", "more": more, "at": NOON}

        statement = grown.statement(call)
        assert statement is not grown.statement({**call, "more": 1})
        assert statement is None or statement.sql == grown.build(**call).compiled(connection)[0]


@pytest.mark.django_db
class TestRow:
    def test_gives_the_row_as_it_now_stands(self) -> None:
        conversation = made()

        assert grown.send(user_id="ann", more=2, at=NOON) == {
            "id": conversation.pk,
            "uid": conversation.uid,
            "person_id": conversation.person_id,
            "message_count": 2,
            "metadata": {"a": 1.0},
            "updated_at": NOON,
        }

    def test_gives_nothing_where_none_fits(self) -> None:
        made()

        assert grown.send(user_id="bob", more=1, at=NOON) is None
        assert grown.send(user_id="ann", more=-1, at=NOON) is None

    def test_ends_the_transaction_in_which_it_fails(self) -> None:
        made()

        with transaction.atomic():
            with pytest.raises(IntegrityError):
                grown.send(user_id="ann", more=1, at=None)  # type: ignore[arg-type]

            assert transaction.get_rollback()
            transaction.set_rollback(True)


class InsertAfter:
    def test_takes_what_the_update_gave(self) -> None:
        conversation, row = made(), message()

        updated = grown.insert_after(row, PLACE, user_id="ann", more=1, at=NOON)

        assert updated is not None
        assert (updated["message_count"], updated["metadata"]) == (1, {"a": 1.0})
        stored = Message.objects.get()
        assert (stored.pk, stored.uid, stored.position) == (row.pk, row.uid, 1)
        assert (row.conversation_id, row.person_id) == (conversation.pk, conversation.person_id)
        assert not row._state.adding

    def test_inserts_nothing_where_no_row_fits(self) -> None:
        made()

        assert grown.insert_after(message(), PLACE, user_id="bob", more=1, at=NOON) is None
        assert not Message.objects.exists()

    def test_updates_nothing_where_the_row_may_not_be_inserted(self) -> None:
        made()
        grown.insert_after(message(idempotency_key="k"), PLACE, user_id="ann", more=1, at=NOON)

        with pytest.raises(IntegrityError):
            grown.insert_after(message(idempotency_key="k"), PLACE, user_id="ann", more=1, at=NOON)

        assert Conversation.objects.get().message_count == 1
        assert Message.objects.count() == 1

    def test_is_one_statement_on_postgresql(self) -> None:
        made()

        with assert_statements(1 if ON_POSTGRESQL else 2):
            grown.insert_after(message(), PLACE, user_id="ann", more=1, at=NOON)


@pytest.mark.django_db(transaction=True)
class TestInsertAfterAlone(InsertAfter):
    def test_needs_no_transaction_on_postgresql(self) -> None:
        made()
        begun: list[bool] = []

        def note(execute: Any, sql: str, *rest: Any) -> Any:
            begun.append(connection.in_atomic_block)
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            grown.insert_after(message(), PLACE, user_id="ann", more=1, at=NOON)

        assert any(begun) is not ON_POSTGRESQL

    def test_two_threads_may_be_the_first(self) -> None:
        made()
        update = PreparedUpdate(grown.build)
        prepared_writes.every.remove(update)
        together = threading.Barrier(2)

        def add() -> None:
            together.wait()
            try:
                update.insert_after(message(), PLACE, user_id="ann", more=1, at=NOON)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(Message.objects.values_list("position", flat=True)) == [1, 2]


@pytest.mark.django_db
class TestInsertAfterWithinATransaction(InsertAfter):
    pass


class TestPreparedUpdate:
    def test_is_of_the_default_database_alone(self) -> None:
        elsewhere = PreparedUpdate(
            lambda: Update(Conversation.objects.using("other"), ["id"], title="Heat")
        )
        prepared_writes.every.remove(elsewhere)

        with pytest.raises(TypeError):
            elsewhere.send()

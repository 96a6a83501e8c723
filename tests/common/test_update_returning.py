import datetime
import uuid

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from common.models import update_returning
from conversations.models import Conversation
from tests.asserts import assert_statements
from tests.conversations.recipes import key_of

NOON = datetime.datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=datetime.UTC)


@pytest.fixture
def conversation(db: None) -> Conversation:
    return made("ann")


def made(user_id: str) -> Conversation:
    now = timezone.now()
    return Conversation.objects.create(person_id=key_of(user_id), created_at=now, updated_at=now)


class TestUpdateReturning:
    def test_gives_the_values_as_they_now_stand(self, conversation: Conversation) -> None:
        rows = update_returning(
            Conversation.objects.filter(pk=conversation.pk),
            ["id", "message_count", "title"],
            message_count=F("message_count") + 1,
        )

        assert rows == [{"id": conversation.pk, "message_count": 1, "title": "New Conversation"}]
        conversation.refresh_from_db()
        assert conversation.message_count == 1

    def test_gives_times_ids_and_json_as_python_has_them(self, conversation: Conversation) -> None:
        rows = update_returning(
            Conversation.objects.filter(pk=conversation.pk),
            ["uid", "updated_at", "archived_at", "metadata"],
            updated_at=NOON,
            metadata={"b": 1.0, "a": [None]},
        )

        assert rows == [
            {
                "uid": conversation.uid,
                "updated_at": NOON,
                "archived_at": None,
                "metadata": {"b": 1.0, "a": [None]},
            }
        ]
        assert isinstance(rows[0]["uid"], uuid.UUID)

    def test_is_one_statement(self, conversation: Conversation) -> None:
        with assert_statements(1) as statements:
            update_returning(Conversation.objects.for_user("ann"), ["id"], title="Heat")

        assert statements[0].startswith("UPDATE") and "RETURNING" in statements[0]

    def test_changes_only_the_rows_of_its_condition(self, conversation: Conversation) -> None:
        other = made("bob")

        rows = update_returning(Conversation.objects.for_user("ann"), ["id"], title="Heat")

        assert rows == [{"id": conversation.pk}]
        other.refresh_from_db()
        assert other.title == "New Conversation"

    def test_gives_a_row_for_each_one_changed(self, conversation: Conversation) -> None:
        second = made("ann")

        rows = update_returning(Conversation.objects.for_user("ann"), ["id"], title="Heat")

        assert sorted(row["id"] for row in rows) == sorted([conversation.pk, second.pk])

    @pytest.mark.parametrize("nobody", ["by condition", "by none()", "by an empty list"])
    def test_gives_nothing_when_no_row_fits(self, conversation: Conversation, nobody: str) -> None:
        everybody = Conversation.objects.all()
        queryset = {
            "by condition": everybody.for_user("nobody"),
            "by none()": everybody.none(),
            "by an empty list": everybody.filter(pk__in=[]),
        }[nobody]

        assert update_returning(queryset, ["id"], title="Heat") == []
        conversation.refresh_from_db()
        assert conversation.title == "New Conversation"

    def test_meets_the_constraints(self, conversation: Conversation) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            update_returning(Conversation.objects.for_user("ann"), ["id"], person_id=None)

        conversation.refresh_from_db()
        assert conversation.person.user_id == "ann"

    def test_ends_the_transaction_in_which_it_fails(self, conversation: Conversation) -> None:
        with transaction.atomic():
            with pytest.raises(IntegrityError):
                update_returning(Conversation.objects.for_user("ann"), ["id"], person_id=None)

            assert transaction.get_rollback()
            transaction.set_rollback(True)

        assert Conversation.objects.for_user("ann").exists()

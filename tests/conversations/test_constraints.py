"""Every constraint of the two tables, met by an INSERT and by an UPDATE."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from common.models import new_uid
from conversations.models import Conversation, Message
from tests.asserts import stored
from tests.conversations.recipes import make_conversation_of

pytestmark = pytest.mark.django_db

UID = "0190a0b0-0000-7000-8000-00000000000a"
TAKEN_KEY = {"idempotency_key": "k", "actor": "key:a"}

# The columns that break a constraint, for a table that holds `standing()`'s rows.
BROKEN: dict[str, tuple[type[models.Model], dict[str, Any]]] = {
    "conversations_conversation_id_unique_for_owner": (Conversation, {"uid": UID}),
    "conversations_conversation_key_unique_for_caller": (
        Conversation,
        {"idempotency_key": "k", "actor": "key:a"},
    ),
    "conversations_conversation_source_known": (Conversation, {"source": "hearsay"}),
    "conversations_conversation_legal_hold_has_a_reason": (
        Conversation,
        {"legal_hold_reason": "Case 7"},
    ),
    "conversations_message_position_unique_in_conversation": (Message, {"position": 1}),
    "conversations_message_id_unique_for_owner": (Message, {"uid": UID}),
    "conversations_message_key_unique_for_caller": (
        Message,
        {"idempotency_key": "k", "actor": "key:a"},
    ),
    "conversations_message_position_from_one": (Message, {"position": 0}),
    "conversations_message_role_known": (Message, {"role": "robot"}),
}


def standing(model: type[models.Model]) -> models.Model:
    """The second of two rows that break nothing; the first has the id UID and key:a's key "k"."""
    make_conversation_of(2)
    rows = model._base_manager.order_by("pk")
    if model is Conversation:
        make_conversation_of(0)
    model._base_manager.filter(pk=rows[0].pk).update(uid=UID, idempotency_key="k", actor="key:a")
    return rows[1]


def breach(name: str, model: type[models.Model]) -> str:
    """How the engine names the constraint; SQLite names the columns of a unique one."""
    constraint = next(one for one in model._meta.constraints if one.name == name)
    if connection.vendor == "sqlite" and isinstance(constraint, models.UniqueConstraint):
        columns = {field.name: field.column for field in model._meta.fields}
        return ", ".join(f"{model._meta.db_table}.{columns[name]}" for name in constraint.fields)
    return name


@pytest.mark.parametrize("name", BROKEN)
class TestConstraint:
    def test_holds_against_an_insert(self, name: str) -> None:
        model, columns = BROKEN[name]
        row = standing(model)
        values = {"position": 3, "uid": "0190a0b0-0000-7000-8000-00000000000b", **columns}
        for column, value in values.items():
            if column in {field.name for field in model._meta.fields}:
                setattr(row, column, value)
        row.pk = None
        before = stored()

        with pytest.raises(IntegrityError, match=breach(name, model)), transaction.atomic():
            row.save(force_insert=True)

        assert stored() == before

    def test_holds_against_an_update(self, name: str) -> None:
        model, columns = BROKEN[name]
        row = standing(model)
        before = stored()

        with pytest.raises(IntegrityError, match=breach(name, model)), transaction.atomic():
            model._base_manager.filter(pk=row.pk).update(**columns)

        assert stored() == before


class TestAllConstraints:
    def test_are_met_above(self) -> None:
        declared = {
            constraint.name
            for model in (Conversation, Message)
            for constraint in model._meta.constraints
        }

        assert set(BROKEN) == declared

    @pytest.mark.parametrize(
        ("model", "column"),
        [(Conversation, "message_count"), (Message, "position")],
    )
    def test_refuse_a_negative_number(self, model: type[models.Model], column: str) -> None:
        row = standing(model)
        before = stored()

        with pytest.raises(IntegrityError), transaction.atomic():
            model._base_manager.filter(pk=row.pk).update(**{column: -1})

        assert stored() == before

    def test_refuse_a_message_without_its_conversation(self) -> None:
        conversation = make_conversation_of(2)
        before = stored()

        with pytest.raises(IntegrityError), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM conversations_conversation WHERE id = %s", [conversation.pk]
                )
            connection.check_constraints()

        assert stored() == before

    @pytest.mark.parametrize(
        ("model", "column"),
        [
            (model, field.name)
            for model in (Conversation, Message)
            for field in model._meta.fields
            if not field.null and not field.primary_key
        ],
    )
    def test_refuse_null_where_a_value_is_due(self, model: type[models.Model], column: str) -> None:
        row = standing(model)
        before = stored()

        with pytest.raises(IntegrityError), transaction.atomic():
            model._base_manager.filter(pk=row.pk).update(**{column: None})

        assert stored() == before

    @pytest.mark.parametrize("model", [Conversation, Message])
    def test_let_two_callers_have_the_same_key(self, model: type[models.Model]) -> None:
        row = standing(model)

        model._base_manager.filter(pk=row.pk).update(idempotency_key="k", actor="key:b")

        assert model._base_manager.filter(person__user_id="ann", idempotency_key="k").count() == 2

    @pytest.mark.parametrize("model", [Conversation, Message])
    def test_refuse_the_key_of_a_row_without_an_actor(self, model: type[models.Model]) -> None:
        row = standing(model)
        model._base_manager.filter(uid=UID).update(actor="")
        values = {"pk": None, "uid": new_uid(), "position": 3, "idempotency_key": "k"}
        for name, value in (values | {"actor": "key:b"}).items():
            setattr(row, name, value)
        before = stored()

        with pytest.raises(IntegrityError, match="has no actor"), transaction.atomic():
            row.save(force_insert=True)

        assert stored() == before

    def test_let_two_persons_have_the_same_id_and_key(self) -> None:
        for user_id in ("ann", "bob"):
            conversation = make_conversation_of(1, user_id)
            for rows in (Conversation.objects, Message.objects):
                rows.for_user(user_id).update(uid=UID, idempotency_key="k")
            assert Message.objects.for_user(user_id).get().conversation_id == conversation.pk

        assert Conversation.objects.filter(uid=UID, idempotency_key="k").count() == 2
        assert Message.objects.filter(uid=UID, idempotency_key="k").count() == 2

"""What people do to their conversations."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from access.services import persons as access_persons
from common.idempotency import Outcome, RequestKey, find_replay
from common.prepared_writes import alone
from consent.gates import require_consent
from conversations import errors
from conversations.models import DEFAULT_TITLE, Conversation, Message
from conversations.services.messages import NewMessage
from conversations.triggers import purge_deleted_terms

# A deletion may stand in the way of a key, once in a while.
TRIES = 4


def create_conversation(
    *,
    user_id: str,
    actor: str,
    at: datetime.datetime,
    request_key: RequestKey,
    uid: uuid.UUID | None = None,
    title: str = DEFAULT_TITLE,
    metadata: dict[str, Any] | None = None,
    messages: Sequence[NewMessage] = (),
) -> Outcome[Conversation]:
    """Make a conversation, with its first messages, in one act.

    The same key, or the same own id, with the same request gives the row that stands. Raises
    ConsentRequired without consent to `history_storage`, where CONSENT_GATES has it, and
    IdempotencyKeyReused and IdTaken for another request.
    """
    conversation = Conversation(
        title=title,
        metadata=metadata or {},
        message_count=len(messages),
        actor=actor,
        idempotency_key=request_key.key,
        request_hash=request_key.request_hash,
        created_at=at,
        updated_at=at,
    )
    conversation.search_text = conversation.terms
    if uid is not None:
        conversation.uid = uid
    failures = 0
    while True:
        try:
            with transaction.atomic() if messages else alone():
                require_consent("history_storage", user_id=user_id, at=at)
                is_known = _insert_with_messages(
                    user_id=user_id, conversation=conversation, messages=messages
                )
            if is_known:
                return Outcome(conversation)
            access_persons.meet_persons([user_id])
        except IntegrityError:
            replay = _find_replay(user_id, conversation, request_key)
            if replay is not None:
                return replay
            failures += 1  # what stood in the way was deleted meanwhile
            if failures == TRIES:
                raise


def _insert_with_messages(
    *, user_id: str, conversation: Conversation, messages: Sequence[NewMessage]
) -> bool:
    """False if the person was never seen."""
    if not access_persons.insert_for_person(conversation, user_id=user_id):
        return False
    Message.objects.bulk_create(
        message.row(
            conversation=conversation,
            person_id=conversation.person_id,
            actor=conversation.actor,
            position=position,
            created_at=conversation.created_at,
        )
        for position, message in enumerate(messages, start=1)
    )
    return True


def _find_replay(
    user_id: str, new: Conversation, request_key: RequestKey
) -> Outcome[Conversation] | None:
    """The row in the way of `new`, by its key or its own id, if the same request made it."""
    owned = Conversation.objects.for_user(user_id)
    replay = find_replay(owned, new.actor, request_key)
    if replay is not None:
        return replay
    namesake = owned.filter(uid=new.uid).first()
    if namesake is None:
        return None
    if namesake.request_hash != request_key.request_hash:
        raise errors.IdTaken(
            "This id is taken by another conversation. Leave it out, or choose one."
        )
    return Outcome(namesake, created=False)


def update_conversation(
    *, user_id: str, conversation_uid: uuid.UUID, changes: dict[str, Any], at: datetime.datetime
) -> Conversation:
    """Change title, metadata (replaced as a whole) or archived.

    `changes` holds only what is to change. Raises NotFound.
    """
    with transaction.atomic():
        conversation = (
            Conversation.objects.for_user(user_id).locked().filter(uid=conversation_uid).first()
        )
        if conversation is None:
            raise errors.no_such_conversation()
        if not changes:
            return conversation
        if "title" in changes:
            conversation.title = changes["title"]
            conversation.search_text = conversation.terms
            conversation.extra.pop("title", None)  # an imported title that was too long
        if "metadata" in changes:
            conversation.metadata = changes["metadata"]
            conversation.extra.pop("metadata", None)  # an imported one that was no object
        if "archived" in changes:
            if not changes["archived"]:
                conversation.archived_at = None
            elif conversation.archived_at is None:
                conversation.archived_at = at
        conversation.updated_at = at
        columns = ("title", "search_text", "metadata", "extra", "archived_at", "updated_at")
        Conversation.objects.filter(person_id=conversation.person_id, pk=conversation.pk).update(
            **{column: getattr(conversation, column) for column in columns}
        )
        if "title" in changes:
            purge_deleted_terms([Conversation])
    return conversation


def delete_conversation(*, user_id: str, conversation_uid: uuid.UUID) -> None:
    """Remove a conversation with all its messages.

    Raises NotFound, and LegalHold while staff keep it.
    """
    with transaction.atomic():
        conversation = (
            Conversation.objects.for_user(user_id).locked().filter(uid=conversation_uid).first()
        )
        if conversation is None:
            raise errors.no_such_conversation()
        if conversation.legal_hold_at is not None:
            raise errors.LegalHold(
                "This conversation is on legal hold: it must be kept for now and cannot be deleted."
            )
        remove_conversations([(conversation.person_id, conversation.pk)])


def remove_conversations(found: Sequence[tuple[int, int]]) -> None:
    """Remove conversations, which the caller has locked, with their messages.

    Each is named by the keys of its person and its own.
    """
    persons, keys = {person_id for person_id, _ in found}, [key for _, key in found]
    Message.objects.filter(person_id__in=persons, conversation_id__in=keys).delete()
    # What it cascades to is gone: Django's own deletion would look for it without the person.
    rows = Conversation.objects.filter(person_id__in=persons, pk__in=keys)
    rows._raw_delete(using=rows.db)
    purge_deleted_terms([Conversation, Message])

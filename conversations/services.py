"""Every write to conversations, one function per act."""

import uuid
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from common.idempotency import Outcome, RequestKey
from common.models import update_returning
from consent.gates import requires_consent
from conversations import errors
from conversations.council import CouncilConversation
from conversations.models import BATCH_ROWS, DEFAULT_TITLE, Conversation, Message
from conversations.triggers import forget_deleted_words, rebuild_index


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """What a caller says of a message; position, id and time are ours."""

    role: str
    content: str | None = None
    stage1: Any = None
    stage2: Any = None
    stage3: Any = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def row(self, **columns: Any) -> Message:
        row = Message(
            role=self.role,
            content=self.content,
            stage1_data=self.stage1,
            stage2_data=self.stage2,
            stage3_data=self.stage3,
            metadata=self.metadata,
            **columns,
        )
        row.search_text = row.words
        return row


@requires_consent("history_storage")
def create_conversation(
    *,
    user_id: str,
    request_key: RequestKey,
    uid: uuid.UUID | None = None,
    title: str = DEFAULT_TITLE,
    metadata: dict[str, Any] | None = None,
    messages: Sequence[NewMessage] = (),
) -> Outcome[Conversation]:
    """This function will make a conversation, with its first messages, in one act.

    The same key, or the same own id, with the same request gives the row that stands. Raises
    IdempotencyKeyReused and IdTaken for another request.
    """
    now = timezone.now()
    conversation = Conversation(
        user_id=user_id,
        title=title,
        metadata=metadata or {},
        message_count=len(messages),
        idempotency_key=request_key.key,
        request_hash=request_key.request_hash,
        created_at=now,
        updated_at=now,
    )
    conversation.search_text = conversation.words
    if uid is not None:
        conversation.uid = uid
    try:
        if messages:
            _insert_with_messages(conversation, messages)
        else:
            conversation.save(force_insert=True)
    except IntegrityError:
        standing = _standing_conversation(conversation, request_key)
        if standing is None:  # what stood in the way was deleted meanwhile
            return create_conversation(
                user_id=user_id,
                request_key=request_key,
                uid=uid,
                title=title,
                metadata=metadata,
                messages=messages,
            )
        return standing
    return Outcome(conversation)


def _insert_with_messages(conversation: Conversation, messages: Sequence[NewMessage]) -> None:
    with transaction.atomic():
        conversation.save(force_insert=True)
        Message.objects.bulk_create(
            message.row(
                conversation=conversation,
                user_id=conversation.user_id,
                position=position,
                created_at=conversation.created_at,
            )
            for position, message in enumerate(messages, start=1)
        )


def _standing_conversation(
    new: Conversation, request_key: RequestKey
) -> Outcome[Conversation] | None:
    """The row that stands in the way of `new`, if the same request made it."""
    owned = Conversation.objects.for_user(new.user_id)
    if request_key.key is not None:
        standing = owned.filter(idempotency_key=request_key.key).first()
        if standing is not None:
            request_key.require_same(standing.request_hash)
            return Outcome(standing, replayed=True, created=False)
    standing = owned.filter(uid=new.uid).first()
    if standing is None:
        return None
    if standing.request_hash != request_key.request_hash:
        raise errors.IdTaken(
            "This id is taken by another conversation. Leave it out, or choose one."
        )
    return Outcome(standing, created=False)


@requires_consent("history_storage")
def append_message(
    *, user_id: str, conversation_uid: uuid.UUID, message: NewMessage, request_key: RequestKey
) -> Outcome[Message]:
    """This function will add a message at the end of a conversation.

    The UPDATE is lock, ownership and counter in one, so that positions have no holes however many
    append at once. The same key with the same request gives the message that stands. Raises
    NotFound and IdempotencyKeyReused.
    """
    now = timezone.now()
    try:
        with transaction.atomic():
            rows = update_returning(
                Conversation.objects.for_user(user_id).filter(uid=conversation_uid),
                ["id", "message_count"],
                message_count=F("message_count") + 1,
                updated_at=now,
            )
            if not rows:
                raise errors.no_such_conversation()
            row = message.row(
                conversation_id=rows[0]["id"],
                user_id=user_id,
                position=rows[0]["message_count"],
                idempotency_key=request_key.key,
                request_hash=request_key.request_hash,
                created_at=now,
            )
            row.save(force_insert=True)
    except IntegrityError:
        standing = _standing_message(user_id, request_key)
        if standing is None:  # what stood in the way was deleted meanwhile
            return append_message(
                user_id=user_id,
                conversation_uid=conversation_uid,
                message=message,
                request_key=request_key,
            )
        return standing
    return Outcome(row)


def _standing_message(user_id: str, request_key: RequestKey) -> Outcome[Message] | None:
    standing = Message.objects.filter(user_id=user_id, idempotency_key=request_key.key).first()
    if standing is None:
        return None
    request_key.require_same(standing.request_hash)
    return Outcome(standing, replayed=True, created=False)


def update_conversation(
    *, user_id: str, conversation_uid: uuid.UUID, changes: dict[str, Any]
) -> Conversation:
    """This function will change title, metadata (replaced as a whole) or archived.

    `changes` holds only what is to change. Raises NotFound.
    """
    now = timezone.now()
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
            conversation.search_text = conversation.words
            conversation.extra.pop("title", None)  # an imported title that was too long
        if "metadata" in changes:
            conversation.metadata = changes["metadata"]
            conversation.extra.pop("metadata", None)  # an imported one that was no object
        if "archived" in changes:
            if not changes["archived"]:
                conversation.archived_at = None
            elif conversation.archived_at is None:
                conversation.archived_at = now
        conversation.updated_at = now
        conversation.save(
            update_fields=[
                "title", "search_text", "metadata", "extra", "archived_at", "updated_at",
            ]
        )  # fmt: skip
        if "title" in changes:
            forget_deleted_words([Conversation])
    return conversation


def delete_conversation(*, user_id: str, conversation_uid: uuid.UUID) -> None:
    """This function will remove a conversation with all its messages. Raises NotFound."""
    with transaction.atomic():
        conversation = (
            Conversation.objects.for_user(user_id).locked().filter(uid=conversation_uid).first()
        )
        if conversation is None:
            raise errors.no_such_conversation()
        conversation.delete()
        forget_deleted_words([Conversation, Message])


# Import

Owned = tuple[str, uuid.UUID]
Standing = dict[Owned, str]


def store_imported(
    found: Sequence[CouncilConversation], *, on_conflict: str, pretended: Standing | None = None
) -> list[str]:
    """This function will store conversations read from files, in one act of a few statements.

    Returns the fate of each: `created`; `unchanged` when the same file was imported before
    (whatever was done to the conversation since); else by `on_conflict` `skipped`, `failed`, or
    `updated`, where the file's messages replace those that stand. With `pretended` (a dry run)
    nothing is written; it collects what would be. Raises IntegrityError when another import was
    quicker: try again.
    """
    with transaction.atomic():
        standing = _standing_hashes(found)
        known = ChainMap(pretended or {}, standing)
        fates = [_fate(item, known, on_conflict) for item in found]
        if pretended is not None:
            for item, fate in zip(found, fates, strict=True):
                if fate in ("created", "updated"):
                    pretended[item.user_id, item.uid] = item.content_hash
            return fates
        chosen = {
            wanted: [item for item, fate in zip(found, fates, strict=True) if fate == wanted]
            for wanted in ("created", "updated")
        }
        _replace_imported(chosen["updated"])
        _insert_imported(chosen["created"] + chosen["updated"])
    return fates


def _standing_hashes(found: Sequence[CouncilConversation]) -> Standing:
    rows = Conversation.objects.filter(
        user_id__in={item.user_id for item in found}, uid__in=[item.uid for item in found]
    )
    return {
        (user_id, uid): request_hash
        for user_id, uid, request_hash in rows.values_list("user_id", "uid", "request_hash")
    }


def _fate(item: CouncilConversation, standing: Mapping[Owned, str], on_conflict: str) -> str:
    content_hash = standing.get((item.user_id, item.uid))
    if content_hash is None:
        return "created"
    if content_hash == item.content_hash:
        return "unchanged"
    return {"skip": "skipped", "update": "updated", "fail": "failed"}[on_conflict]


def _replace_imported(items: Sequence[CouncilConversation]) -> None:
    for item in items:
        Conversation.objects.filter(user_id=item.user_id, uid=item.uid).delete()
    if items:
        forget_deleted_words([Conversation, Message])


def _insert_imported(items: Sequence[CouncilConversation]) -> None:
    conversations = [
        Conversation(
            user_id=item.user_id,
            uid=item.uid,
            source=Conversation.Source.IMPORT,
            message_count=len(item.messages),
            request_hash=item.content_hash,
            **item.columns,
        )
        for item in items
    ]
    messages = [
        Message(conversation=conversation, user_id=item.user_id, **message.columns)
        for item, conversation in zip(items, conversations, strict=True)
        for message in item.messages
    ]
    rows: list[Conversation | Message] = [*conversations, *messages]
    for row in rows:
        row.search_text = row.words
    Conversation.objects.bulk_create(conversations)
    for message in messages:
        message.conversation_id = message.conversation.pk
    Message.objects.bulk_create(messages)


# Search


def reindex(model: type[Conversation] | type[Message]) -> Iterator[int]:
    """This function will make the search words of all rows anew, and the index of them.

    Works in batches, each a transaction of its own; yields 1 for a row that had other words, and
    0 for one that had not.
    """
    last = 0
    while True:
        with transaction.atomic():
            rows: list[Any] = list(
                model.objects.select_for_update(no_key=True)
                .filter(pk__gt=last)
                .order_by("pk")[:BATCH_ROWS]
            )
            stale = [row for row in rows if row.search_text != row.words]
            for row in stale:
                row.search_text = row.words
            model.objects.bulk_update(stale, ["search_text"])
        if not rows:
            break
        yield from (int(row in stale) for row in rows)
        last = rows[-1].pk
    rebuild_index(model)

"""Storing conversations that were read from files."""

import uuid
from collections import ChainMap
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from django.db import transaction

from conversations.council import CouncilConversation
from conversations.models import Conversation, Message
from conversations.triggers import forget_deleted_words

Owned = tuple[str, uuid.UUID]
Standing = dict[Owned, str]


def store_imported(
    found: Sequence[CouncilConversation], *, on_conflict: str, pretended: Standing | None = None
) -> list[str]:
    """Store conversations read from files, in one act of a few statements.

    Returns the fate of each: `created`; `unchanged` when the same file was imported before
    (whatever was done to the conversation since); else by `on_conflict` `skipped`, `failed`, or
    `updated`, where the file's messages replace those that stand, but `held` where a legal hold
    keeps them. With `pretended` (a dry run) nothing is written; it collects what would be. Raises
    IntegrityError when another import was quicker: try again.
    """
    with transaction.atomic():
        standing, held = _standing(found)
        known = ChainMap(pretended or {}, standing)
        fates = [_fate(item, known, on_conflict, held) for item in found]
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


def _standing(found: Sequence[CouncilConversation]) -> tuple[Standing, set[Owned]]:
    """The hashes of those that stand, and which of them are on legal hold."""
    rows = list(
        Conversation.objects.filter(
            user_id__in={item.user_id for item in found}, uid__in=[item.uid for item in found]
        ).values_list("user_id", "uid", "request_hash", "legal_hold_at")
    )
    hashes = {(user_id, uid): request_hash for user_id, uid, request_hash, _ in rows}
    return hashes, {(user_id, uid) for user_id, uid, _, held_at in rows if held_at is not None}


def _fate(
    item: CouncilConversation,
    standing: Mapping[Owned, str],
    on_conflict: str,
    held: AbstractSet[Owned],
) -> str:
    content_hash = standing.get((item.user_id, item.uid))
    if content_hash is None:
        return "created"
    if content_hash == item.content_hash:
        return "unchanged"
    if on_conflict == "update" and (item.user_id, item.uid) in held:
        return "held"
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

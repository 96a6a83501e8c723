"""Storing conversations that were read from files."""

import uuid
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import transaction

from access.models import ErasedPerson, Person
from access.services import persons
from common import locks
from common.models import new_uid
from conversations.council import CouncilConversation
from conversations.export import messages_of
from conversations.models import STAGE_COLUMNS, Conversation, Message
from conversations.sameness import fingerprint
from conversations.search import message_search_text
from conversations.services import bulk
from conversations.services.conversations import remove_conversations

Owned = tuple[str, uuid.UUID]
# The others are null.
MESSAGE_COLUMNS = (
    "uid", "conversation_id", "person_id", "position", "role", "content", *STAGE_COLUMNS,
    "metadata", "extra", "search_text", "created_at", "actor", "request_hash",
)  # fmt: skip


@dataclass(frozen=True)
class Existing:
    """What an import finds under an id: the hash of the file it came from, and what it says.

    `fingerprint` is None where it is known to say something else.
    """

    content_hash: str
    fingerprint: str | None
    is_held: bool = False


def store_imported(
    found: Sequence[CouncilConversation],
    *,
    on_conflict: str,
    include_deleted: bool = False,
    include_erased: bool = False,
    dry_run_rows: dict[Owned, Existing] | None = None,
) -> list[str]:
    """Store conversations read from files, in one act of a few statements.

    Returns the result of each: `created`; `unchanged` when the same file was imported before
    (whatever was done to the conversation since), or says what stands; `erased` where its person
    was erased here, unless `include_erased`; `deleted` for one that was deleted at its source,
    unless `include_deleted`; else by `on_conflict` `skipped`, `failed`, or `updated`, where the
    file's messages replace those that stand, but `held` where a legal hold keeps them. With
    `dry_run_rows` (a dry run) nothing is written; it collects what would be. Raises IntegrityError
    when another import was quicker: try again.
    """
    with transaction.atomic():
        owners = {item.user_id for item in found}
        locks.hold_off_erasures()
        erased = set() if include_erased else ErasedPerson.objects.among(owners)
        keys = _keys_of(owners if dry_run_rows is not None else erased)
        if dry_run_rows is None:
            keys |= persons.lock_persons(*(owners - erased))
        existing = ChainMap(dry_run_rows or {}, _existing(found, keys))
        left_out = {
            "erased": {_owned(item) for item in found if item.user_id in erased},
            "deleted": set() if include_deleted else {_owned(i) for i in found if i.deleted},
        }
        results = [_result(item, existing, on_conflict, left_out) for item in found]
        chosen = {
            wanted: [item for item, result in zip(found, results, strict=True) if result == wanted]
            for wanted in ("created", "updated")
        }
        if dry_run_rows is None:
            _replace_imported(chosen["updated"], keys)
            _insert_imported(chosen["created"] + chosen["updated"], keys)
        else:
            for item in chosen["created"] + chosen["updated"]:
                dry_run_rows[_owned(item)] = Existing(item.content_hash, _says(item))
    return results


def _keys_of(user_ids: Iterable[str]) -> dict[str, int]:
    seen = Person.objects.filter(user_id__in=user_ids).values_list("user_id", "pk")
    return {str(user_id): key for user_id, key in seen}


def _existing(
    found: Sequence[CouncilConversation], keys: Mapping[str, int]
) -> dict[Owned, Existing]:
    """What stands under their ids; read whole only where the file is another one."""
    items = {_owned(item): item for item in found}
    owners = {key: user_id for user_id, key in keys.items()}
    rows = Conversation.objects.filter(
        person_id__in=list(owners), uid__in=[uid for _, uid in items]
    ).defer("search_text")
    existing: dict[Owned, Existing] = {}
    for row in rows:
        owned = owners[row.person_id], row.uid
        item = items.get(owned)
        if item is None:
            continue
        may_say_the_same = item.content_hash != row.request_hash and row.message_count == len(
            item.messages
        )
        existing[owned] = Existing(
            row.request_hash,
            fingerprint(row, messages_of(row)) if may_say_the_same else None,
            is_held=row.legal_hold_at is not None,
        )
    return existing


def _result(
    item: CouncilConversation,
    existing: Mapping[Owned, Existing],
    on_conflict: str,
    left_out: Mapping[str, AbstractSet[Owned]],
) -> str:
    stands = existing.get(_owned(item))
    if stands is not None and (
        stands.content_hash == item.content_hash
        or (stands.fingerprint is not None and stands.fingerprint == _says(item))
    ):
        return "unchanged"
    for reason, items in left_out.items():
        if _owned(item) in items:
            return reason
    if stands is None:
        return "created"
    if on_conflict == "update" and stands.is_held:
        return "held"
    return {"skip": "skipped", "update": "updated", "fail": "failed"}[on_conflict]


def _owned(item: CouncilConversation) -> Owned:
    return item.user_id, item.uid


def _says(item: CouncilConversation) -> str:
    messages = (Message(**message.columns) for message in item.messages)
    return fingerprint(_conversation(item, 0), messages)


def _conversation(item: CouncilConversation, person_id: int) -> Conversation:
    return Conversation(
        person_id=person_id,
        uid=item.uid,
        source=Conversation.Source.IMPORT,
        message_count=len(item.messages),
        request_hash=item.content_hash,
        **item.columns,
    )


def _replace_imported(items: Sequence[CouncilConversation], keys: Mapping[str, int]) -> None:
    if not items:
        return
    rows = Conversation.objects.filter(
        person_id__in={keys[item.user_id] for item in items}, uid__in=[item.uid for item in items]
    )
    owned = {(keys[item.user_id], item.uid) for item in items}
    found = rows.values_list("person_id", "uid", "pk")
    remove_conversations([(person, key) for person, uid, key in found if (person, uid) in owned])


def _insert_imported(items: Sequence[CouncilConversation], keys: Mapping[str, int]) -> None:
    if not items:
        return
    rows = [_conversation(item, keys[item.user_id]) for item in items]
    for row in rows:
        row.search_text = row.terms
    Conversation.objects.bulk_create(rows)
    bulk.insert_rows(Message, MESSAGE_COLUMNS, _message_rows(items, rows))


def _message_rows(
    items: Sequence[CouncilConversation], conversations: Sequence[Conversation]
) -> Iterator[tuple[Any, ...]]:
    for item, conversation in zip(items, conversations, strict=True):
        for message in item.messages:
            columns = message.columns
            stages = [columns.get(stage) for stage in STAGE_COLUMNS]
            yield (
                new_uid(),
                conversation.pk,
                conversation.person_id,
                columns["position"],
                columns["role"],
                columns.get("content"),
                *(None if stage is None else _json(stage) for stage in stages),
                _json(columns.get("metadata", {})),
                _json(columns["extra"]),
                message_search_text(columns.get("content"), *stages, extra=columns["extra"]),
                columns["created_at"],
                "",
                "",
            )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

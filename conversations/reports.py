"""Reads of conversations and messages, and of both together."""

import uuid
from typing import Any

import orjson

from common.api import pagination
from common.prepared import prepared
from conversations import errors
from conversations.models import (
    JSON_BEGINNINGS,
    SEARCH_HITS,
    SHOWN_MESSAGES,
    Conversation,
    Message,
)
from conversations.search import (
    INDEXED_CHARACTERS,
    SNIPPET_CHARACTERS,
    query_terms,
    snippet,
    texts_of,
)

HIT_COLUMNS = ("id", "uid", "title", "created_at", "updated_at", "match_in_title")


@prepared()
def conversation(*, user_id: str, uid: uuid.UUID) -> Any:
    """One conversation of a person, as a row for the API."""
    return Conversation.objects.for_user(user_id).filter(uid=uid).as_rows()


@prepared(archived=(False, True, None), limit=pagination.LIMITS)
def conversations(*, user_id: str, archived: bool | None, limit: int) -> Any:
    """A person's conversations for pages of so many: put away, not, or (None) all."""
    owned = Conversation.objects.for_user(user_id)
    if archived is not None:
        owned = owned.archived(archived)
    return owned.as_page_rows(limit)


@prepared(forward=(True, False), limit=pagination.LIMITS)
def messages(
    *,
    person_id: int,
    conversation_id: int,
    message_count: int,
    start: int,
    forward: bool,
    limit: int,
) -> Any:
    """Messages of one conversation as rows for the API: see MessageQuerySet.page_of."""
    chosen = Message.objects.page_of(
        person_id=person_id,
        conversation_id=conversation_id,
        message_count=message_count,
        start=start,
        forward=forward,
        limit=limit,
    )
    return chosen.as_rows()


@prepared()
def last_messages(*, person_id: int, conversation_id: int, message_count: int, start: int) -> Any:
    """The last messages before the position `start`, in order."""
    last = Message.objects.page_of(
        person_id=person_id,
        conversation_id=conversation_id,
        message_count=message_count,
        start=start,
        forward=False,
        limit=SHOWN_MESSAGES,
    )
    return last.as_rows().order_by("position")


def search(*, user_id: str, query: str) -> list[dict[str, Any]]:
    """A person's conversations with all terms of `query`, latest activity first, with snippets.

    Two statements, one when nothing is found. Raises QueryWithoutWords.
    """
    terms = query_terms(query)
    if not terms:
        raise errors.QueryWithoutWords("Give at least one letter or digit to search for.")
    hits = list(
        Conversation.objects.for_user(user_id)
        .matching(terms, owner=user_id)
        .order_by("-updated_at", "-id")
        .values(*HIT_COLUMNS)[:SEARCH_HITS]
    )
    snippets = _snippets(user_id, [hit["id"] for hit in hits], terms)
    return [
        {
            "id": hit["uid"],
            "title": hit["title"],
            "created_at": hit["created_at"],
            "updated_at": hit["updated_at"],
            "snippet": snippets.get(hit["id"]) or snippet(hit["title"], terms),
            "match_in_title": hit["match_in_title"],
        }
        for hit in hits
    ]


def _snippets(user_id: str, conversation_ids: list[int], terms: list[str]) -> dict[int, str]:
    """From the beginning of each text alone, of as many characters as its part of the budget."""
    if not conversation_ids:
        return {}
    characters = min(SNIPPET_CHARACTERS // len(conversation_ids), INDEXED_CHARACTERS)
    found = Message.objects.for_user(user_id).filter(conversation_id__in=conversation_ids)
    rows = (
        found.matching(terms, owner=user_id)
        .first_of_each_conversation()
        .with_beginnings(characters)
        .values_list("conversation_id", "beginning", *JSON_BEGINNINGS)
    )
    return {
        conversation_id: snippet(
            "\n".join(texts_of(content, *map(_read, stages), extra=_read(extra)))[:characters],
            terms,
        )
        for conversation_id, content, *stages, extra in rows
    }


def _read(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)

"""Reads that span conversations and messages."""

from typing import Any

import orjson

from conversations import errors
from conversations.models import JSON_BEGINNINGS, SEARCH_HITS, Conversation, Message
from conversations.search import (
    INDEXED_CHARACTERS,
    SNIPPET_CHARACTERS,
    query_terms,
    snippet,
    texts_of,
)

HIT_COLUMNS = ("id", "uid", "title", "created_at", "updated_at", "match_in_title")


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

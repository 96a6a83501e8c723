"""What `manage.py verify` checks of conversations."""

import json
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Q, TextField
from django.db.models.functions import Cast

from common.declarations import Check
from conversations import fts5_levels
from conversations.models import BATCH_ROWS, STAGE_COLUMNS, Conversation, Message
from conversations.search import OWNER_MARK, fts_table, message_search_text, search_text

# The stages and the other fields of a message that has neither.
NO_OTHERS = [*[None] * len(STAGE_COLUMNS), "{}"]
# Rows of the FTS5 index that are kept in memory at a time; for each so many it is read once.
INDEX_ROWS = 500_000
FIRST_KEY, LAST_KEY = -(2**63), 2**63 - 1


def _positions() -> Iterator[str]:
    counted = Conversation.objects.annotate(found=Count("messages"), last=Max("messages__position"))
    # Unique positions from one: they have no holes when the last equals their number.
    wrong = counted.exclude(
        Q(found=F("message_count")) & (Q(last=F("found")) | Q(found=0, last=None))
    )
    for pk, count, found, last in wrong.values_list("pk", "message_count", "found", "last"):
        yield (
            f"conversation #{pk}: it counts {count} messages, there are {found},"
            f" the last at position {last}"
        )


def _owners() -> Iterator[str]:
    others = Message.objects.exclude(person_id=F("conversation__person_id"))
    for pk, conversation_id in others.values_list("pk", "conversation_id").iterator():
        yield f"message #{pk}: its owner is not that of its conversation #{conversation_id}"


def _search_terms(after: int = 0) -> Iterator[str]:
    for pk, found, title in _rows(Conversation, "search_text", "title"):
        if found != search_text(title):
            yield f"conversation #{pk}: its search words are not its text's"
    # Stages and other fields as text, for most messages have none, and none need be read.
    others = [Cast(name, TextField()) for name in (*STAGE_COLUMNS, "extra")]
    for pk, found, content, *texts in _rows(
        Message, "search_text", "content", *others, after=after
    ):
        if texts == NO_OTHERS:
            derived = search_text(content or "")
        else:
            *stages, extra = (text and json.loads(text) for text in texts)
            derived = message_search_text(content, *stages, extra=extra)
        if found != derived:
            yield f"message #{pk}: its search words are not its text's"


def _rows(
    model: type[Conversation] | type[Message], *columns: Any, after: int = 0
) -> Iterator[tuple[Any, ...]]:
    """The key and these columns of the rows, by key, in batches: in constant memory."""
    rows, last = model.objects.order_by("pk").values_list("pk", *columns), after
    while batch := list(rows.filter(pk__gt=last)[:BATCH_ROWS]):
        yield from batch
        last = batch[-1][0]


def _index() -> Iterator[str]:
    for model in (Conversation, Message):
        if connection.vendor == "postgresql":
            yield from _invalid_index(fts_table(model))
        else:
            yield from _differing_index(model)


def _invalid_index(name: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE relname = %s",
            [name],
        )
        row = cursor.fetchone()
    if row != (True,):
        yield f"the index {name} is {'missing' if row is None else 'not valid'}; run reindex_search"


def _differing_index(model: type[Conversation] | type[Message]) -> Iterator[str]:
    """Compares the FTS5 index with the rows: of each row the number of words and their sum."""
    view = f"temp.{fts_table(model)}_seen"
    with connection.cursor() as cursor:
        if fts5_levels.is_broken(cursor, fts_table(model)):
            yield f"the index {fts_table(model)} has too many levels; run reindex_search"
            return
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {view}"
            f" USING fts5vocab('main', '{fts_table(model)}', 'instance')"
        )
        for first, end in pairwise(_ends(model)):
            indexed = _indexed(cursor, view, first, end)
            rows = model.objects.filter(pk__gte=first, pk__lt=end)
            for pk, person_id, text in rows.values_list(
                "pk", "person_id", "search_text"
            ).iterator():
                owner = f"{OWNER_MARK}{person_id}"
                if indexed.pop(pk, 0) != sum(map(_value, {owner, *text.split()})):
                    yield f"{model._meta.verbose_name} #{pk}: the index differs; run reindex_search"
            for pk in indexed:
                yield f"{model._meta.verbose_name} #{pk}: it is gone, and still in the index"
        cursor.execute(f"DROP TABLE {view}")


def _ends(model: type[Conversation] | type[Message]) -> list[int]:
    """Keys between which there are at most INDEX_ROWS rows: so many are looked at in one pass."""
    keys, ends = model.objects.order_by("pk").values_list("pk", flat=True), [FIRST_KEY]
    while following := keys.filter(pk__gt=ends[-1])[INDEX_ROWS : INDEX_ROWS + 1].first():
        ends.append(following)
    return [*ends, LAST_KEY]


def _indexed(cursor: Any, view: str, first: int, end: int) -> dict[int, int]:
    """Of each row that the index knows between these keys, what its words come to."""
    indexed: dict[int, int] = {}
    cursor.execute(f"SELECT doc, term FROM {view} WHERE doc >= %s AND doc < %s", [first, end])
    known, value = "", 0
    while rows := cursor.fetchmany(10_000):
        for row_id, word in rows:  # word by word, in their order
            if word != known:
                known, value = word, _value(word)
            indexed[row_id] = indexed.get(row_id, 0) + value
    return indexed


@lru_cache(maxsize=100_000)
def _value(word: str) -> int:
    return (1 << 32) + zlib.crc32(word.encode())


CHECKS = [
    Check("conversations.positions", "Messages are numbered 1..n and counted", _positions),
    Check("conversations.owners", "Messages belong to their conversation's owner", _owners),
    Check(
        "conversations.search_words",
        "Search words are those of the texts",
        _search_terms,
        added=Message,
    ),
    Check("conversations.search_index", "The search index has the words of the rows", _index),
]

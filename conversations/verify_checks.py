"""What `manage.py verify` checks of conversations."""

import zlib
from collections.abc import Iterator

from django.db import connection
from django.db.models import Count, F, Max, Q

from common.declarations import Check
from conversations.models import Conversation, Message
from conversations.search import OWNER_MARK, fts_table


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


def _search_terms() -> Iterator[str]:
    for model in (Conversation, Message):
        for row in model.objects.in_batches():
            if row.search_text != row.terms:
                yield f"{model._meta.verbose_name} #{row.pk}: its search words are not its text's"


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
    indexed: dict[int, int] = {}
    view = f"temp.{fts_table(model)}_seen"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {view}"
            f" USING fts5vocab('main', '{fts_table(model)}', 'instance')"
        )
        cursor.execute(f"SELECT doc, term FROM {view}")
        while rows := cursor.fetchmany(10_000):
            for row_id, word in rows:
                indexed[row_id] = indexed.get(row_id, 0) + _value(word)
        cursor.execute(f"DROP TABLE {view}")
    for row_id, person_id, text in model.objects.values_list(
        "pk", "person_id", "search_text"
    ).iterator():
        owner = f"{OWNER_MARK}{person_id}"
        if indexed.pop(row_id, 0) != sum(map(_value, {owner, *text.split()})):
            yield f"{model._meta.verbose_name} #{row_id}: the index differs; run reindex_search"
    for row_id in indexed:
        yield f"{model._meta.verbose_name} #{row_id}: it is gone, and still in the index"


def _value(word: str) -> int:
    return (1 << 32) + zlib.crc32(word.encode())


CHECKS = [
    Check("conversations.positions", "Messages are numbered 1..n and counted", _positions),
    Check("conversations.owners", "Messages belong to their conversation's owner", _owners),
    Check("conversations.search_words", "Search words are those of the texts", _search_terms),
    Check("conversations.search_index", "The search index has the words of the rows", _index),
]

"""Making the search words and their index anew."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from conversations.models import BATCH_ROWS, Conversation, Message
from conversations.triggers import rebuild_index


def reindex(model: type[Conversation] | type[Message]) -> Iterator[int]:
    """Make the search words of all rows anew, and the index of them.

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

"""Making the search terms and their index anew."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from conversations.models import BATCH_ROWS, Conversation, Message
from conversations.triggers import rebuild_index


def reindex(model: type[Conversation] | type[Message]) -> Iterator[int]:
    """Make the search terms of all rows anew, and the index of them.

    Works in batches, each a transaction of its own; yields 1 for a row that had other terms, and
    0 for one that had not.
    """
    last = 0
    while True:
        rows: list[Any] = list(model.objects.filter(pk__gt=last).order_by("pk")[:BATCH_ROWS])
        if not rows:
            break
        stale = {row.pk for row in rows if row.search_text != row.terms}
        if stale:
            _make_terms_anew(model, stale)
        yield from (int(row.pk in stale) for row in rows)
        last = rows[-1].pk
    rebuild_index(model)


def _make_terms_anew(model: type[Conversation] | type[Message], stale: set[int]) -> None:
    rows = model.objects.filter(pk__in=stale)
    key = "pk" if model is Conversation else "conversation_id"
    with transaction.atomic():
        # Whoever changes or deletes messages has their conversation's lock, and so do we.
        keys = set(rows.values_list(key, flat=True))
        list(Conversation.objects.locked().filter(pk__in=keys).order_by("pk").values_list("pk"))
        standing: list[Any] = list(rows)
        for row in standing:
            row.search_text = row.terms
        model.objects.bulk_update(standing, ["search_text"])

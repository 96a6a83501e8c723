"""Names that hold a person's id without being theirs: of namespaces, and of tags.

An application may call them after a person. What only such names lead to goes with the person.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast

from common import privacy
from common.privacy import Counts
from querycache.models import (
    DEFAULT_NAMESPACE,
    SOMEBODYS,
    CacheEntry,
    CacheLease,
    CacheTag,
    Namespace,
)

BATCH_ROWS = 1_000


@dataclass(frozen=True)
class Mentions:
    """Primary keys; `entries` are of others or of nobody, by their tags or their namespace."""

    namespaces: list[int]
    tags: list[int]
    entries: list[int]

    def counts(self) -> Counts:
        return {
            "erased": {
                "querycache.cache_tag": len(self.tags),
                "querycache.cache_entry": len(self.entries),
            },
            "kept": {"querycache.namespace": len(self.namespaces)},
        }


def count_mentions(user_id: str) -> Counts:
    """What erase_mentions would do."""
    return _mentions(user_id).counts()


def erase_mentions(user_id: str, reference: str) -> Counts:
    """Rename the namespaces, and delete the tags and the entries that only these names lead to."""
    found = _mentions(user_id)
    # An answer under way may have a tag that was invalidated since: without the tag's row it would
    # be served. Leases before entries, as a store locks them.
    tags = CacheTag.objects.filter(pk__in=found.tags)
    _delete(CacheLease.objects.filter(namespace__in=tags.values("namespace")), "pk")
    _delete(tags, "namespace", "name")
    for begin in range(0, len(found.entries), BATCH_ROWS):
        batch = found.entries[begin : begin + BATCH_ROWS]
        _delete(CacheEntry.objects.filter(pk__in=batch), "pk")
    for pk in found.namespaces:
        Namespace.objects.filter(pk=pk).update(name=f"{reference}.{pk}")
    return found.counts()


def _delete(rows: Any, *order: str) -> None:
    """In the order in which others lock several of these rows."""
    locked = rows.select_for_update(of=("self",)).order_by(*order)
    rows.filter(pk__in=list(locked.values_list("pk", flat=True))).delete()


def names_for(user_id: str) -> tuple[str, list[dict[str, Any]]]:
    """For the person's copy: namespaces that hold their id or have rows of theirs, and tags.

    Tags of entries are not looked through, which would read the whole cache: those of the person's
    own entries stand in their rows.
    """
    used = Q(pk__in=_holding(Namespace.objects.values_list("pk", "name"), user_id))
    for model in (CacheEntry, CacheLease):
        used |= Q(pk__in=model.objects.filter(person__user_id=user_id).values("namespace_id"))
    namespaces = Namespace.objects.filter(used).order_by("pk").values("id", "name")
    tags = CacheTag.objects.filter(name__contains=user_id).order_by("pk")
    rows = [{"kind": "namespace", **row} for row in namespaces]
    rows += [
        {"kind": "tag", **row}
        for row in tags.values("id", "namespace", "name")
        if privacy.holds(row["name"], user_id)
    ]
    return "names", rows


def _mentions(user_id: str) -> Mentions:
    """What holds the id as a whole word and is not the place of others.

    A shared namespace is everybody's, and so is the default one; a private one is others' while one
    of them has an entry in it.
    """
    others = CacheEntry.objects.filter(SOMEBODYS, namespace=OuterRef("pk")).exclude(
        person__user_id=user_id
    )
    private = Namespace.objects.filter(~Exists(others), sharing=Namespace.Sharing.PRIVATE)
    private = private.exclude(name=DEFAULT_NAMESPACE)
    namespaces = _holding(private.values_list("pk", "name"), user_id)
    return Mentions(namespaces, _tags(user_id), sorted(_entries(user_id, namespaces)))


def _tags(user_id: str) -> list[int]:
    return _holding(
        CacheTag.objects.filter(name__contains=user_id).values_list("pk", "name"), user_id
    )


def _entries(user_id: str, namespaces: list[int]) -> set[int]:
    """Those with such a tag, or in these namespaces; the person's own go anyway."""
    not_own = CacheEntry.objects.exclude(person__user_id=user_id)
    as_stored = orjson.dumps(user_id).decode()[1:-1]
    tagged = not_own.alias(text=Cast("tags", TextField())).filter(text__contains=as_stored)
    inside = not_own.filter(namespace__in=namespaces).values_list("pk", flat=True)
    return {*_holding(_joined_tags(tagged), user_id), *inside}


def _joined_tags(entries: Any) -> Iterator[tuple[int, str]]:
    rows = entries.values_list("pk", "tags").iterator(chunk_size=BATCH_ROWS)
    return ((pk, "\n".join(tags)) for pk, tags in rows)


def _holding(named: Iterable[tuple[int, str]], user_id: str) -> list[int]:
    return [pk for pk, name in named if privacy.holds(name, user_id)]

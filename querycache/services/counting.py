"""Counters by namespace and hour, collected in memory and written off the look-up's way."""

import contextlib
import datetime
from collections.abc import Mapping
from typing import NamedTuple

from django.db import transaction

from common.write_behind import WriteBehind
from querycache import statements
from querycache.errors import TooManyNamespaces
from querycache.services.namespaces import ensure_namespace

Hour = tuple[str, datetime.datetime]


class Counts(NamedTuple):
    """What is added to a row of CacheStatistics, by its columns."""

    lookups: int = 0
    hits: int = 0
    stale_hits: int = 0
    misses: int = 0
    coalesced: int = 0
    bypasses: int = 0
    stores: int = 0
    evictions: int = 0
    credits_saved: int = 0


def note(namespace: str, at: datetime.datetime, counts: Counts) -> None:
    """Remember to count this in the hour of `at`; costs no statement."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    counted.note((namespace, hour), counts)


def _added(old: Counts, new: Counts) -> Counts:
    return Counts._make(map(sum, zip(old, new, strict=True)))


@transaction.atomic
def _write(notes: Mapping[Hour, Counts]) -> None:
    # In one order, so that two processes do not wait for each other crosswise.
    for (namespace, hour), counts in sorted(notes.items()):
        values = counts._asdict()
        is_written = statements.add_counts(namespace=namespace, hour=hour, counts=values)
        if not is_written and _met_no_database(counts):
            with contextlib.suppress(TooManyNamespaces):
                ensure_namespace(name=namespace)
            statements.add_counts(namespace=namespace, hour=hour, counts=values)


def _met_no_database(counts: Counts) -> bool:
    """Whether its first look-ups came while the database did not answer.

    Any other namespace that is missing had a person's id in its name and went with their erasure;
    it must not come back with it.
    """
    return counts.lookups == counts.bypasses > 0 and not counts.stores


counted: WriteBehind[Hour, Counts] = WriteBehind(merge=_added, write=_write)

"""Deletion paid for by writes: small batches after some of the stores, as in solid_cache.

What has ended goes first (earlier epochs, then expired), then the oldest while the namespace is
over its caps. A batch is one transaction of at most 100 rows. No read depends on any of it.
"""

import datetime
import itertools
import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, transaction
from django.db.models import Sum

from querycache.models import CacheEntry, CacheLease, CacheSize, CacheTag, Namespace
from querycache.services import counting
from querycache.services.counting import Counts

logger = logging.getLogger(__name__)

BATCH_ROWS = 100
# A batch for every 50 stores: deletion is twice as fast as growth.
STORES_FOR_A_BATCH = BATCH_ROWS // 2
# And for every hundredth of a cap, so that small caps hold as well as large ones.
CAP_PARTS = 100
# Large entries may take the place of many small ones; so much one store pays for at most.
MOST_BATCHES = 20
# A finished lease tells those who read before the answer was stored that they came too late.
LEASE_KEPT = datetime.timedelta(minutes=1)


class Pace:
    """What this process has stored in each namespace since it last tidied there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[int, list[int]] = defaultdict(lambda: [0, 0])

    def is_due(self, namespace: Namespace, byte_size: int) -> bool:
        """Count a store of `byte_size`; whether it is one that tidies."""
        with self._lock:
            since = self._since[namespace.pk]
            since[0] += 1
            since[1] += byte_size
            due = (
                since[0] >= min(STORES_FOR_A_BATCH, namespace.max_entries / CAP_PARTS)
                or since[1] >= namespace.max_bytes / CAP_PARTS
            )
            if due:
                del self._since[namespace.pk]
            return due


class LeasePace:
    """Every fiftieth lease that this process gives tidies, for not every miss ends in a store."""

    def __init__(self) -> None:
        self._given = itertools.count(1)

    def is_due(self) -> bool:
        """Count a lease; whether it is one that tidies."""
        return next(self._given) % STORES_FOR_A_BATCH == 0


pace = Pace()
lease_pace = LeasePace()


def after_lease(*, at: datetime.datetime) -> None:
    """Remove ended leases after every so many that this process gave."""
    if lease_pace.is_due():
        with _left_for_later():
            remove_leases(at=at, limit=BATCH_ROWS)


def after_store(*, namespace: Namespace, byte_size: int, at: datetime.datetime) -> None:
    """Tidy the namespace after every so many stores of this process."""
    if pace.is_due(namespace, byte_size):
        with _left_for_later():
            keep_within_caps(namespace=namespace, at=at)


@contextmanager
def _left_for_later() -> Iterator[None]:
    """The lease is given, or the answer stored; what fails now the next one tidies, or maintain."""
    try:
        yield
    except OperationalError as error:
        logger.warning("The cache was not tidied: %s", error)


def keep_within_caps(
    *, namespace: Namespace, at: datetime.datetime, most_batches: int = MOST_BATCHES
) -> None:
    """Remove batches until nothing is over the caps, or enough was done."""
    for _ in range(most_batches):
        if tidy(namespace=namespace, at=at, limit=BATCH_ROWS) < BATCH_ROWS:
            return


def tidy(*, namespace: Namespace, at: datetime.datetime, limit: int) -> int:
    """Remove at most `limit` entries that have ended or are over the caps.

    Returns how many. One at a time tidies a namespace: a store whose turn it is waits for the batch
    of the one before, so that stores get no further ahead of the deletion than that.
    """
    with transaction.atomic():
        space = Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
        ended = _ended(space, at, limit)
        surplus = _surplus(space, ended, limit - len(ended))
        removed = [*ended, *surplus]
        if removed:
            CacheEntry.objects.filter(pk__in=removed).delete()
        _fold_sizes(space)
    if surplus:
        counting.note(space.name, at, Counts(evictions=len(surplus)))
    return len(removed)


def _ended(space: Namespace, at: datetime.datetime, limit: int) -> dict[int, int]:
    """Entries that are never served again, with their bytes."""
    entries = CacheEntry.objects.select_for_update(skip_locked=True)
    earlier = entries.filter(namespace=space, epoch__lt=space.epoch).order_by("epoch", "created_at")
    ended = dict(earlier.values_list("pk", "byte_size")[:limit])
    if len(ended) < limit:
        current = entries.filter(namespace=space, epoch=space.epoch)
        expired = current.expired(at=at).order_by("stale_until")
        ended |= dict(expired.values_list("pk", "byte_size")[: limit - len(ended)])
    return ended


def _surplus(space: Namespace, ended: dict[int, int], limit: int) -> list[int]:
    """The oldest entries that must go for the caps, besides those that have ended."""
    size = size_of(space)
    over_entries = size.entries - len(ended) - space.max_entries
    over_bytes = size.bytes - sum(ended.values()) - space.max_bytes
    if limit <= 0 or (over_entries <= 0 and over_bytes <= 0):
        return []
    oldest = (
        CacheEntry.objects.select_for_update(skip_locked=True)
        .filter(namespace=space)
        .exclude(pk__in=ended)
        .order_by("epoch", "created_at")
        .values_list("pk", "byte_size")[:limit]
    )
    surplus = []
    for pk, byte_size in oldest:
        if over_entries <= 0 and over_bytes <= 0:
            break
        surplus.append(pk)
        over_entries -= 1
        over_bytes -= byte_size
    return surplus


def size_of(space: Namespace) -> CacheSize:
    """The namespace's size: a sum over few rows, which triggers keep exact."""
    sums = CacheSize.objects.filter(namespace=space).aggregate(
        entries=Sum("entries", default=0),
        bytes=Sum("bytes", default=0),
        ttl_seconds=Sum("ttl_seconds", default=0),
    )
    return CacheSize(namespace=space, **{name: int(value) for name, value in sums.items()})


def _fold_sizes(space: Namespace) -> None:
    """One row in place of many. Only one process does so, for it holds the namespace's lock."""
    rows = list(CacheSize.objects.filter(namespace=space).order_by("pk")[:5000])
    if len(rows) < 2:
        return
    first, others = rows[0], rows[1:]
    CacheSize.objects.filter(pk__in=[row.pk for row in others]).delete()
    CacheSize.objects.filter(pk=first.pk).update(
        entries=sum(row.entries for row in rows),
        bytes=sum(row.bytes for row in rows),
        ttl_seconds=sum(row.ttl_seconds for row in rows),
    )


def remove_leases(*, at: datetime.datetime, limit: int) -> int:
    """Remove at most `limit` leases that ended more than a minute ago."""
    leases = CacheLease.objects.select_for_update(skip_locked=True)
    with transaction.atomic():
        ended = leases.filter(expires_at__lte=at - LEASE_KEPT).order_by("expires_at")
        removed, _ = CacheLease.objects.filter(
            pk__in=list(ended.values_list("pk", flat=True)[:limit])
        ).delete()
    return removed


def remove_tags(*, at: datetime.datetime, limit: int) -> int:
    """Remove at most `limit` notes of invalidated tags without older entries."""
    with transaction.atomic():
        # One that is invalidated anew, or erased, is not waited for.
        idle = CacheTag.objects.idle(at=at).select_for_update(skip_locked=True, of=("self",))
        ids = list(idle.values_list("pk", flat=True)[:limit])
        removed, _ = CacheTag.objects.filter(pk__in=ids).delete()
    return removed

"""What `manage.py maintain` tidies of the cache, for installations that store little.

No look-up waits for it: what has ended is not served, whether it is still there or not.
"""

import datetime

from django.db.models import F

from common.declarations import Task
from querycache.models import CacheEntry, CacheLease, CacheTag, Namespace
from querycache.services import tidying
from querycache.services.tidying import LEASE_KEPT, size_of


def _waiting_entries(at: datetime.datetime) -> int:
    waiting = 0
    for namespace in Namespace.objects.order_by("pk"):
        earlier = CacheEntry.objects.of_earlier_epochs(namespace).count()
        current = CacheEntry.objects.filter(namespace=namespace, epoch=namespace.epoch)
        ended = earlier + current.expired(at=at).count()
        over = size_of(namespace).entries - ended - namespace.max_entries
        waiting += ended + max(over, _over_bytes(namespace, at), 0)
    return waiting


def _over_bytes(namespace: Namespace, at: datetime.datetime) -> int:
    """How many of the oldest unexpired entries do not fit into the cap on bytes."""
    entries = CacheEntry.objects.filter(
        namespace=namespace, epoch=F("namespace__epoch"), stale_until__gt=at
    )
    if size_of(namespace).bytes <= namespace.max_bytes:
        return 0
    left = namespace.max_bytes
    sizes = entries.order_by("-created_at").values_list("byte_size", flat=True)
    for fitting, byte_size in enumerate(sizes.iterator()):
        left -= byte_size
        if left < 0:
            return entries.count() - fitting
    return 0


def _tidy_entries(at: datetime.datetime, limit: int) -> int:
    done = 0
    for namespace in Namespace.objects.order_by("pk"):
        if done < limit:
            done += tidying.tidy(namespace=namespace, at=at, limit=limit - done)
    return done


TASKS = [
    Task(
        "querycache.entries",
        "Remove cached answers that have ended or are over the caps",
        _waiting_entries,
        _tidy_entries,
    ),
    Task(
        "querycache.leases",
        "Remove leases that have ended",
        lambda at: CacheLease.objects.filter(expires_at__lte=at - LEASE_KEPT).count(),
        lambda at, limit: tidying.remove_leases(at=at, limit=limit),
    ),
    Task(
        "querycache.tags",
        "Remove invalidations that end no entry any more",
        lambda at: CacheTag.objects.idle(at=at).count(),
        lambda at, limit: tidying.remove_tags(at=at, limit=limit),
    ),
]

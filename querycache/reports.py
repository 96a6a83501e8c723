"""What a namespace's numbers say, from rows and from counters that survive restarts."""

import datetime
from typing import Any

from django.db import OperationalError, ProgrammingError
from django.db.models import Sum

from common.declarations import DEGRADED, OK, Health, HealthCheck
from common.errors import NotFound
from querycache.models import CacheEntry, CacheStatistics, Namespace
from querycache.services.tidying import size_of

COUNTERS = ("lookups", "hits", "stale_hits", "credits_saved")


def statistics(name: str, *, at: datetime.datetime) -> dict[str, Any]:
    """The numbers of one namespace, in the shape that clients of the original know.

    Counters are written some seconds late. Times are of entries of the present epoch. Raises
    NotFound.
    """
    namespace = Namespace.objects.named(name).with_ends().first()
    if namespace is None:
        raise NotFound("There is no such namespace.")
    counters = CacheStatistics.objects.filter(namespace=namespace).aggregate(
        **{counter: Sum(counter, default=0) for counter in COUNTERS}
    )
    size = size_of(namespace)
    current = CacheEntry.objects.filter(namespace=namespace, epoch=namespace.epoch)
    ended = current.expired(at=at).count() + CacheEntry.objects.of_earlier_epochs(namespace).count()
    hits = int(counters["hits"] + counters["stale_hits"])
    lookups = int(counters["lookups"])
    return {
        "cache_hits": hits,
        "cache_misses": lookups - hits,
        "hit_rate_percent": percent(hits, lookups),
        "total_requests": lookups,
        "cache_size": size.entries,
        "active_entries": max(size.entries - ended, 0),
        "expired_entries": ended,
        "oldest_entry": namespace.oldest_at,
        "newest_entry": namespace.newest_at,
        "average_ttl_seconds": round(size.ttl_seconds / size.entries, 2) if size.entries else 0.0,
        "credits_saved": int(counters["credits_saved"]),
    }


def percent(part: int, whole: int) -> float:
    """With two decimals; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def health() -> Health:
    """How the cache is, for `/health/detailed`; one statement."""
    try:
        rows = list(Namespace.objects.with_numbers().values("shown_entries", "shown_bytes"))
    except (OperationalError, ProgrammingError):
        return Health(DEGRADED, {}, "cannot be read, so that look-ups bypass it")
    return Health(
        OK,
        {
            "namespaces": len(rows),
            "entries": int(sum(row["shown_entries"] for row in rows)),
            "bytes": int(sum(row["shown_bytes"] for row in rows)),
        },
    )


HEALTH_CHECKS = [HealthCheck("cache", health)]

"""Every write to the cache, one function per act; a look-up writes its lease and its count."""

from querycache.services.counting import counted
from querycache.services.entries import (
    NewAnswer,
    Stored,
    delete_entries,
    expire_entries,
    remove_entry,
    store_answer,
)
from querycache.services.lookups import Lease, LookupResult, look_up
from querycache.services.namespaces import (
    change_namespace,
    ensure_default,
    ensure_namespace,
    invalidate,
)
from querycache.services.tidying import keep_within_caps, remove_leases, remove_tags, tidy

__all__ = [
    "LookupResult",
    "Lease",
    "NewAnswer",
    "Stored",
    "change_namespace",
    "counted",
    "delete_entries",
    "ensure_default",
    "ensure_namespace",
    "expire_entries",
    "invalidate",
    "keep_within_caps",
    "look_up",
    "remove_entry",
    "remove_leases",
    "remove_tags",
    "store_answer",
    "tidy",
]

"""Looking an answer up: served, or the right to make it, or when to come back."""

import datetime
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError, ProgrammingError, connection

from access.services import persons
from common import metrics
from common.errors import DomainError
from consent.gates import require_consent
from querycache import statements, waiting
from querycache.keys import CacheRequest
from querycache.models import CacheLease, Namespace
from querycache.services import counting, tidying
from querycache.services.counting import Counts
from querycache.services.namespaces import ensure_namespace
from querycache.statements import Seen

HIT, STALE, MISS, BYPASS = "hit", "stale", "miss", "bypass"

# Of the query and the context of an entry, each, only so much is kept: they are for support alone.
KEPT_MAX_BYTES = 65_536
FIRST_PAUSE_SECONDS = 0.025
LONGEST_PAUSE_SECONDS = 0.25
# Who comes back waits as long again as the answer has been under way, but never longer than this.
LONGEST_RETRY_SECONDS = 5
# A database that does not answer, is locked, or has no tables (yet).
UNREADABLE = (OperationalError, InterfaceError, ProgrammingError)


@dataclass(frozen=True)
class Lease:
    """The right to make an answer and to store it until it expires."""

    token: str
    expires_at: datetime.datetime


@dataclass(frozen=True)
class LookupResult:
    """What a look-up found. `result` is JSON text as it was stored; None unless hit or stale.

    `key` is that of the namespace; where that cannot be read, of one that does not ignore case.
    `expires_in_seconds` counts below zero in the stale window. A miss without lease says when to
    come back.
    """

    status: str
    key: str
    result: str | None = None
    age_seconds: int | None = None
    expires_in_seconds: int | None = None
    cost_credits: int = 0
    lease: Lease | None = None
    retry_after_seconds: int | None = None
    coalesced: bool = False


Look = Callable[[datetime.datetime], LookupResult]


def look_up(
    *,
    namespace: str,
    user_id: str,
    cache_request: CacheRequest,
    at: datetime.datetime,
    wait_seconds: float = 0.0,
) -> LookupResult:
    """Find the answer, or give one caller the right to make it.

    One statement for a hit, two for a miss; a person's first lease of their own meets them. Where
    another caller makes the answer, it waits up to `wait_seconds` for it, as long as this process
    has a thread to spare. A database that cannot be read gives a bypass, never an error: the caller
    makes the answer without the cache. In a shared namespace everybody is served, but whoever is to
    make an answer for others must have agreed to: raises ConsentRequired where CONSENT_GATES has
    `shared_cache` and there is no answer to serve. Raises TooManyNamespaces for a new name beyond
    CACHE_MAX_NAMESPACES.
    """

    def look(moment: datetime.datetime) -> LookupResult:
        return _look(namespace, user_id, cache_request, moment)

    try:
        result = look(at)
        if result.retry_after_seconds is not None and wait_seconds > 0:
            with waiting.place() as has_place:
                if has_place:
                    result = _wait(look, result, at, wait_seconds)
    except UNREADABLE:
        result = LookupResult(BYPASS, cache_request.key)
    counting.note(namespace, at, _counts(result))
    metrics.CACHE_LOOKUPS.inc(outcome=result.status)
    return result


def _look(
    namespace: str, user_id: str, cache_request: CacheRequest, at: datetime.datetime
) -> LookupResult:
    seen = _read(namespace, user_id, cache_request, at)
    if seen is None:
        ensure_namespace(name=namespace)
        seen = _read(namespace, user_id, cache_request, at)
        if seen is None:
            return LookupResult(BYPASS, cache_request.key)
    key = cache_request.key_ignoring_case if seen.ignore_case else cache_request.key
    result = _found(seen, key, at)
    if result.status == HIT:
        return result
    if not seen.is_being_made(at=at):
        try:
            lease = _take_lease(seen, user_id, cache_request, key, at)
        except DomainError:
            # Who may not make answers for others is served the old one all the same.
            if result.status != STALE:
                raise
            lease = None
        if lease is not None:
            return replace(result, lease=lease)
    if result.status == STALE:
        return result
    return replace(result, retry_after_seconds=_retry_after(seen, at))


def _read(
    namespace: str, user_id: str, cache_request: CacheRequest, at: datetime.datetime
) -> Seen | None:
    return statements.read(
        namespace=namespace,
        user_id=user_id,
        key=cache_request.key,
        key_ignoring_case=cache_request.key_ignoring_case,
        at=at,
    )


def _found(seen: Seen, key: str, at: datetime.datetime) -> LookupResult:
    if seen.created_at is None or seen.fresh_until is None:
        return LookupResult(MISS, key)
    return LookupResult(
        HIT if seen.fresh_until > at else STALE,
        key,
        result=seen.result,
        # The clock of another host may be ahead.
        age_seconds=max(math.floor((at - seen.created_at).total_seconds()), 0),
        expires_in_seconds=math.floor((seen.fresh_until - at).total_seconds()),
        cost_credits=seen.cost_credits or 0,
    )


def _take_lease(
    seen: Seen, user_id: str, cache_request: CacheRequest, key: str, at: datetime.datetime
) -> Lease | None:
    is_shared = seen.sharing == Namespace.Sharing.SHARED
    if is_shared:
        require_consent("shared_cache", user_id=user_id, at=at)
    elif seen.person_id is None:
        persons.meet_persons([user_id])
    lease = CacheLease(
        namespace_id=seen.namespace_id,
        key_hash=key,
        token=secrets.token_hex(16),
        query="" if is_shared else _kept_query(cache_request.query),
        context=None if is_shared else _kept_context(cache_request.context),
        epoch=seen.epoch,
        created_at=at,
        expires_at=at + datetime.timedelta(seconds=settings.CACHE_LEASE_SECONDS),
    )
    owner = None if is_shared else user_id
    if not statements.take_lease(lease, owner=owner, seen_token=seen.lease_token):
        return None
    tidying.after_lease(at=at)
    return Lease(lease.token, lease.expires_at)


def _kept_query(query: str) -> str:
    return query if len(query.encode()) <= KEPT_MAX_BYTES else ""


def _kept_context(context: Any) -> Any:
    return context if len(orjson.dumps(context)) <= KEPT_MAX_BYTES else None


def _retry_after(seen: Seen, at: datetime.datetime) -> int:
    if seen.lease_created_at is None or seen.lease_expires_at is None:
        return 1
    under_way = (at - seen.lease_created_at).total_seconds()
    left = (seen.lease_expires_at - at).total_seconds()
    return max(math.ceil(min(under_way, left, LONGEST_RETRY_SECONDS)), 1)


def _wait(
    look: Look, result: LookupResult, at: datetime.datetime, wait_seconds: float
) -> LookupResult:
    begun, pause = time.monotonic(), FIRST_PAUSE_SECONDS
    while (left := wait_seconds - (time.monotonic() - begun)) > 0:
        if not connection.in_atomic_block:
            connection.close()  # back to the pool, for those who have something to do
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        result = look(at + datetime.timedelta(seconds=time.monotonic() - begun))
        if result.retry_after_seconds is None:
            return replace(result, coalesced=result.status in (HIT, STALE))
    return result


def _counts(result: LookupResult) -> Counts:
    is_served = result.status in (HIT, STALE)
    return Counts(
        lookups=1,
        hits=int(result.status == HIT),
        stale_hits=int(result.status == STALE),
        misses=int(result.status == MISS),
        bypasses=int(result.status == BYPASS),
        coalesced=int(result.coalesced),
        credits_saved=result.cost_credits if is_served else 0,
    )

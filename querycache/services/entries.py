"""Storing and removing answers."""

import datetime
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Q

from access.services import persons
from common.errors import NotFound
from common.models import update_returning
from consent.gates import require_consent
from querycache import statements
from querycache.errors import LeaseLost, NotCacheable
from querycache.models import SECONDS_MAX, CacheEntry, CacheLease, Namespace, owned_by
from querycache.services import counting, tidying
from querycache.services.counting import Counts
from querycache.services.namespaces import ensure_namespace, stored_tags
from querycache.statements import Place

# How models say that an answer is whole. Of any other reason (length, max_tokens, content_filter,
# tool_calls, error …) nobody can say that it is: it is not stored.
COMPLETE = {"stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed"}


@dataclass(frozen=True)
class NewAnswer:
    """An answer to store: its JSON text as it came, and the value that the text has."""

    text: str
    value: Any
    model: str = ""
    tags: tuple[str, ...] = ()
    ttl_seconds: int | None = None
    cost_credits: int = 0
    produced_ms: int | None = None
    finish_reason: str | None = None


@dataclass(frozen=True)
class Stored:
    """The entry as it stands, and whether none stood under its key before."""

    entry: CacheEntry
    created: bool


def store_answer(
    *,
    namespace: str,
    user_id: str,
    key: str,
    answer: NewAnswer,
    token: str | None,
    at: datetime.datetime,
) -> Stored:
    """Store an answer under a key, in place of the one before.

    With a token it needs the lease, and ends it; so of several makers one stores, and waiting
    callers find the answer. Raises LeaseLost, NotCacheable, TooManyNamespaces, and in a shared
    namespace ConsentRequired; then nothing has changed.
    """
    _require_whole(answer)
    place = _place(namespace, user_id, key)
    space = place.namespace
    owner = space.owner_for(user_id)
    if owner is None:
        require_consent("shared_cache", user_id=user_id, at=at)
    entry = _entry(space, key, answer, at)
    if token is None:
        _require_within_cap(entry, space)
        _put_and_meet(entry, place, user_id)
    else:
        with transaction.atomic():
            _add_question(entry, _used_lease(entry, owner, token, at))
            _require_within_cap(entry, space)
            statements.put_entry(entry, owner=owner)
    counting.note(space.name, at, Counts(stores=1))
    tidying.after_store(namespace=space, byte_size=entry.byte_size, at=at)
    return Stored(entry, created=place.entry_id is None)


def _require_whole(answer: NewAnswer) -> None:
    value = answer.value.strip() if isinstance(answer.value, str) else answer.value
    if value in (None, "", {}, []):
        raise NotCacheable("An empty answer is not stored.", reason="empty")
    reason = answer.finish_reason
    if reason is not None and reason.lower() not in COMPLETE:
        raise NotCacheable(
            f"An answer that ended with {reason!r} may be cut off; it is not stored.",
            reason="finish_reason",
            finish_reason=reason,
        )


def _place(name: str, user_id: str, key: str) -> Place:
    found = statements.place_of(namespace=name, user_id=user_id, key=key)
    if found is None:
        ensure_namespace(name=name)
        found = Place(Namespace.objects.get(name=name), is_known=False, entry_id=None)
    return found


def _put_and_meet(entry: CacheEntry, place: Place, user_id: str) -> None:
    """Store it; whose first row it is, or the first after an erasure, is met."""
    owner = place.namespace.owner_for(user_id)
    if owner is not None and not place.is_known:
        persons.meet_persons([user_id])
    while not statements.put_entry(entry, owner=owner):
        persons.meet_persons([user_id])


def _entry(space: Namespace, key: str, answer: NewAnswer, at: datetime.datetime) -> CacheEntry:
    ttl_seconds = min(answer.ttl_seconds or space.default_ttl_seconds, SECONDS_MAX)
    fresh_until = at + datetime.timedelta(seconds=ttl_seconds)
    return CacheEntry(
        namespace=space,
        key_hash=key,
        result=answer.text,
        model=answer.model,
        tags=stored_tags(answer.tags, answer.model) or None,
        cost_credits=answer.cost_credits,
        produced_ms=answer.produced_ms,
        byte_size=len(answer.text.encode()),
        ttl_seconds=ttl_seconds,
        epoch=space.epoch,
        created_at=at,
        fresh_until=fresh_until,
        stale_until=fresh_until + datetime.timedelta(seconds=space.stale_seconds),
    )


def _used_lease(
    entry: CacheEntry, owner: str | None, token: str, at: datetime.datetime
) -> dict[str, Any]:
    """The lease of this token, ended in the same moment; its owner is kept. Raises LeaseLost."""
    rows = update_returning(
        CacheLease.objects.filter(
            owned_by(owner, kept=True),
            namespace_id=entry.namespace_id,
            key_hash=entry.key_hash,
            token=token,
            epoch=entry.epoch,
            expires_at__gt=at,
        ),
        ["query", "context", "created_at"],
        **_ended(at),
    )
    if not rows:
        raise LeaseLost(
            "The lease has expired, was passed on, or its namespace was invalidated. Nothing was"
            " stored; look the answer up again."
        )
    return rows[0]


def _ended(at: datetime.datetime) -> dict[str, Any]:
    # A token that nobody knows: it is used up on a host whose clock is behind, too.
    return {"token": secrets.token_hex(16), "expires_at": at}


def _add_question(entry: CacheEntry, lease: dict[str, Any]) -> None:
    entry.query, entry.context = lease["query"], lease["context"]
    entry.created_at = min(lease["created_at"], entry.created_at)
    entry.byte_size += len(entry.query.encode())
    if entry.context is not None:
        entry.byte_size += len(orjson.dumps(entry.context))


def _require_within_cap(entry: CacheEntry, space: Namespace) -> None:
    if entry.byte_size > space.max_entry_bytes:
        raise NotCacheable(
            f"The answer takes {entry.byte_size} bytes with its query and context; the namespace"
            f" takes {space.max_entry_bytes}.",
            reason="too_large",
            max_entry_bytes=space.max_entry_bytes,
        )


def remove_entry(*, namespace: str, user_id: str, key: str, at: datetime.datetime) -> None:
    """Forget a key: its entry, and the lease of whoever is making it.

    A maker who gives up passes the right on so. Raises NotFound when there was neither.
    """
    with transaction.atomic():
        space = Namespace.objects.filter(name=namespace).first()
        removed = 0
        if space is not None:
            found = Q(owned_by(space.owner_for(user_id)), namespace=space, key_hash=key)
            # The lease first, then the entry, as a store locks them.
            removed = CacheLease.objects.filter(found, expires_at__gt=at).update(**_ended(at))
            removed += CacheEntry.objects.filter(found).delete()[0]
        if not removed:
            raise NotFound("There is no such entry.")


def expire_entries(*, entry_ids: Iterable[int], at: datetime.datetime) -> int:
    """End entries now, as if their time were over; how many were not yet."""
    with transaction.atomic():
        entries = _locked_entries(entry_ids)
        return entries.filter(stale_until__gt=at, created_at__lt=at).update(
            fresh_until=at, stale_until=at
        )


def delete_entries(*, entry_ids: Iterable[int]) -> int:
    """Remove entries for good; how many there were."""
    with transaction.atomic():
        removed, _ = _locked_entries(entry_ids).delete()
    return removed


def _locked_entries(entry_ids: Iterable[int]) -> Any:
    """Those that stand, locked in their order, as an erasure locks a person's."""
    locked = CacheEntry.objects.select_for_update(no_key=True).filter(pk__in=list(entry_ids))
    standing = list(locked.order_by("pk").values_list("pk", flat=True))
    return CacheEntry.objects.filter(pk__in=standing)

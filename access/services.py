"""Every write to service keys, and the record of what staff read."""

import datetime
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from access import errors
from access.models import SEARCH, SHARED, ApiKey, ErasedPerson, StaffReading
from access.scopes import SCOPES
from common import locks
from common.deferred import Deferred
from common.privacy import Counts, holds

KEY_MARK = "stw_"
MARKS_AT_ONCE = 500
NAME = re.compile(r"[\w .:@/-]{1,100}")


@dataclass(frozen=True)
class NewKey:
    """A key as its owner sees it, once."""

    row: ApiKey
    key: str


def create_key(
    *,
    name: str,
    scopes: Iterable[str],
    by: str,
    expires_at: datetime.datetime | None = None,
    replaces: bool = False,
) -> NewKey:
    """Make a key of 256 random bits and store its hash.

    `by` is the actor. With `replaces` it takes the place of the key of this name, which goes on
    beside it until it is revoked. Raises KeyInvalid for an unknown scope or an unfit name,
    KeyNameTaken while an unrevoked key has the name, and KeyNotFound where none is to be replaced.
    """
    wanted = set(scopes)
    granted = [scope for scope in SCOPES if scope in wanted] if wanted <= set(SCOPES) else []
    if not granted:
        raise errors.KeyInvalid(f"Name at least one of these scopes: {', '.join(SCOPES)}.")
    if not NAME.fullmatch(name):
        raise errors.KeyInvalid("A key's name has 1 to 100 letters, digits, spaces or . : @ / _ -")
    prefix = secrets.token_hex(6)
    key = f"{KEY_MARK}{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        name=name,
        prefix=prefix,
        key_hash=hash_of(key),
        scopes=granted,
        created_by=by,
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            if replaces:
                current = _current(name)
                current.replaced_at = row.created_at
                current.save(update_fields=["replaced_at"])
            row.save(force_insert=True)
    except IntegrityError:
        raise errors.KeyNameTaken(
            f"There is a key named {name!r} already. Replace it, revoke it first, or choose"
            " another name."
        ) from None
    return NewKey(row, key)


def _current(name: str) -> ApiKey:
    rows = ApiKey.objects.select_for_update().filter(name=name, revoked_at=None, replaced_at=None)
    row = rows.first()
    if row is None:
        raise errors.KeyNotFound(f"No unrevoked key is named {name!r}.")
    return row


def revoke_key(*, name: str, only_replaced: bool = False) -> list[ApiKey]:
    """End the keys of this name at once, or those alone that another one has replaced.

    Raises KeyNotFound if there is no such key.
    """
    with transaction.atomic():
        keys = ApiKey.objects.select_for_update().filter(name=name, revoked_at=None)
        rows = list((keys.exclude(replaced_at=None) if only_replaced else keys).order_by("pk"))
        if not rows:
            kind = "replaced" if only_replaced else "unrevoked"
            raise errors.KeyNotFound(f"No {kind} key is named {name!r}.")
        for row in rows:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at"])
    return rows


def record_reading(*, staff: str, user_id: str, what: str, reason: str = "") -> StaffReading:
    """Write down that `staff` (an actor) reads texts of the person `user_id`.

    Call it before the text is shown: when it fails, nothing must be shown.
    """
    with transaction.atomic():
        locks.keep_person(user_id)
        return StaffReading.objects.create(
            staff=staff, user_id=user_id, what=what, reason=reason, at=timezone.now()
        )


def record_search(*, staff: str, words: str) -> StaffReading:
    """Write down that `staff` searches all persons' conversations for these words.

    Call it before the search: what it finds says what stands in the texts.
    """
    return record_reading(staff=staff, user_id=SEARCH, what=f"conversations with: {words}")


def count_mentions(user_id: str) -> Counts:
    """What erase_mentions would do."""
    return {"kept": {"access.staff_reading": len(_readings_with(user_id))}}


def erase_mentions(user_id: str, reference: str) -> Counts:
    """Empty readings of nobody's texts in which the person's id stands, as the person's own."""
    found = StaffReading.objects.filter(pk__in=_readings_with(user_id))
    emptied = found.update(user_id=reference, what="", reason="")
    return {"kept": {"access.staff_reading": emptied}}


def _readings_with(user_id: str) -> list[int]:
    of_nobody = StaffReading.objects.filter(user_id__in=(SHARED, SEARCH), what__contains=user_id)
    return [pk for pk, what in of_nobody.values_list("pk", "what") if holds(what, user_id)]


def hash_of(key: str) -> str:
    """SHA-256 in hex. A slow hash would add nothing: the key has 256 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _write_last_uses(times: Mapping[int, datetime.datetime]) -> None:
    for key_id, moment in times.items():
        earlier = Q(last_used_at=None) | Q(last_used_at__lt=moment)
        ApiKey.objects.filter(earlier, pk=key_id).update(last_used_at=moment)


last_uses: Deferred[int, datetime.datetime] = Deferred(merge=max, write=_write_last_uses)


def remember_erasure(*, user_id: str) -> None:
    """Keep the mark of a person who is erased in this transaction; nothing without a key for it."""
    mark = ErasedPerson.mark_of(user_id)
    if mark is None:
        return
    ErasedPerson.objects.bulk_create([ErasedPerson(mark=mark)], ignore_conflicts=True)
    ErasedPerson.objects.filter(mark=mark).update(erasures=F("erasures") + 1)


def bring_marks(erasures: Mapping[str, int]) -> None:
    """Keep these marks, too, with at least so many erasures; for a restore of an older backup."""
    with transaction.atomic():
        ErasedPerson.objects.bulk_create(
            (ErasedPerson(mark=mark) for mark in erasures),
            ignore_conflicts=True,
            batch_size=MARKS_AT_ONCE,
        )
        for mark, count in erasures.items():
            ErasedPerson.objects.filter(mark=mark, erasures__lt=count).update(erasures=count)

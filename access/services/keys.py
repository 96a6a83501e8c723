"""Every write to service keys."""

import datetime
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q

from access import errors
from access.models import ApiKey
from access.scopes import SCOPES
from common.write_behind import WriteBehind

KEY_MARK = "stw_"
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
    actor: str,
    at: datetime.datetime,
    expires_at: datetime.datetime | None = None,
    replaces: bool = False,
) -> NewKey:
    """Make a key of 256 random bits and store its hash.

    With `replaces` it takes the place of the key of this name, which goes on
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
        created_by=actor,
        created_at=at,
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


def revoke_key(*, name: str, at: datetime.datetime, only_replaced: bool = False) -> list[ApiKey]:
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
            row.revoked_at = at
            row.save(update_fields=["revoked_at"])
    return rows


def hash_of(key: str) -> str:
    """SHA-256 in hex. A slow hash would add nothing: the key has 256 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _write_last_uses(times: Mapping[int, datetime.datetime]) -> None:
    for key_id, moment in times.items():
        earlier = Q(last_used_at=None) | Q(last_used_at__lt=moment)
        ApiKey.objects.filter(earlier, pk=key_id).update(last_used_at=moment)


last_uses: WriteBehind[int, datetime.datetime] = WriteBehind(
    merge=max, write=_write_last_uses, most_waiting=None
)

"""The file of archived entries: JSON lines, one entry each, account by account."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from billing.models import CreditTransaction


def line_of(entry: CreditTransaction, user_id: str) -> bytes:
    """One entry with all its columns, keys sorted, and a line break; with its person's name."""
    columns = {
        field.attname: getattr(entry, field.attname) for field in entry._meta.concrete_fields
    }
    del columns["person_id"]
    columns["user_id"] = user_id
    return orjson.dumps(
        columns, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    )


def digests(file: Path) -> set[str]:
    """The SHA-256 of each person's lines in the file, under whatever id they had then."""
    hashes: dict[str, Any] = {}
    for line in _lines(file):
        user_id = orjson.loads(line)["user_id"]
        hashes.setdefault(user_id, hashlib.sha256()).update(line)
    return {hash_.hexdigest() for hash_ in hashes.values()}


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        yield from lines

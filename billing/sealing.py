"""What a seal of the ledger is made of: keyed hashes that the database alone cannot forge.

An entry is covered without its texts and without the person's id, so that an erasure keeps its seal
valid: the account stands for the person. The keys are made of settings, so that whoever has one
setting has no other.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

import orjson
from django.conf import settings

# Of what is covered; stands in it.
FORM = "1"
COLUMNS = (
    "uid", "sequence", "type", "amount", "balance_after", "refunds", "hold", "actor",
    "request_hash", "created_at",
)  # fmt: skip
NOTHING = ""


def keys() -> dict[str, bytes]:
    """All keys by their names, the first being the one that seals. Empty: nothing is sealed."""
    found = {}
    for setting in settings.LEDGER_SEAL_KEYS:
        key = hmac.digest(setting.encode(), b"steward: seals of the ledger", hashlib.sha256)
        found[_mac(key, "name")[:16]] = key
    return found


def begin(key: bytes, *, account: int, sequence: int = 0, balance: int = 0) -> str:
    """The mac before an account's first sealed entry; with what a checkpoint says, if there is one.

    One step for each entry leads on from there, so that a seal may be put between two others.
    """
    return _mac(key, FORM, "begin", account, sequence, balance)


def mac_after(key: bytes, *, before: str, entries: Iterable[Any]) -> str:
    """The mac after these entries (tuples of COLUMNS, in sequence), `before` being that before."""
    for entry in entries:
        before = _mac(key, before, orjson.dumps(entry, option=orjson.OPT_UTC_Z).decode())
    return before


def chain_of(
    key: bytes, *, number: int, before: str, account: int, sequence: int, balance: int, mac: str
) -> str:
    """What links a seal with the one before it, whose chain is `before`."""
    return _mac(key, FORM, number, before, account, sequence, balance, mac)


def _mac(key: bytes, *parts: Any) -> str:
    return hmac.digest(key, "|".join(map(str, parts)).encode(), "sha256").hex()

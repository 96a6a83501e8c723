"""What an event's hash covers, so that anybody can compute it again (docs/consent.md).

The canonical form is the event as `GET /consent/history` shows it, without `hash`, with the chain's
`reference` and the form's version: JSON with sorted keys, without white space, in UTF-8.
"""

import hashlib
import hmac
import secrets
from typing import Any

import orjson

# Of the canonical form; stands in it as `form`.
FORM = 1


def new_salt() -> str:
    """256 random bits, in hex."""
    return secrets.token_hex(32)


def reference_of(user_id: str, salt: str) -> str:
    """What stands for the person in the hashes."""
    return _hmac(salt, user_id.encode())


def details_hmac(reason: str, evidence: dict[str, Any], salt: str) -> str:
    """What stands for the free texts in the hashes; empty when there are none."""
    if not reason and not evidence:
        return ""
    return _hmac(salt, canonical({"reason": reason, "evidence": evidence}))


def _hmac(salt: str, message: bytes) -> str:
    # The key is the salt as it is written, so that a damaged one is wrong rather than unreadable.
    return hmac.new(salt.encode(), message, hashlib.sha256).hexdigest()


def canonical(value: dict[str, Any]) -> bytes:
    """JSON with sorted keys and no white space, in UTF-8; times as the API writes them."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def event_json(row: dict[str, Any]) -> dict[str, Any]:
    """An event as the API shows it, from a row of `ConsentEvent.objects.as_rows()`."""
    return {
        "id": row["uid"],
        "sequence": row["sequence"],
        "purpose": row["purpose_id"],
        "action": row["action"],
        "granted": row["granted"],
        "policy_version": row["policy_version__version"],
        "text_sha256": row["text_sha256"],
        "source": row["source"],
        "method": row["method"],
        "actor": row["actor"],
        "details_hmac": row["details_hmac"],
        "recorded_at": row["recorded_at"],
        "expires_at": row["expires_at"],
        "previous_hash": row["previous_hash"],
        "hash": row["hash"],
    }


def hash_of(event: dict[str, Any], reference: str) -> str:
    """SHA-256 in hex of the canonical form of an event as the API shows it."""
    covered = {name: value for name, value in event.items() if name != "hash"}
    covered |= {"form": FORM, "reference": reference}
    return hashlib.sha256(canonical(covered)).hexdigest()

"""Idempotency: a request that is sent again has one effect and gets its answer again.

The client's key and a hash of the request stand on the row that the request made, with its person
and its `actor`, under a unique constraint over the three; so the promise holds as long as the row
stands, and costs no table and no job. Two applications never meet in a key.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from django.conf import settings
from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from common import errors
from common.api.wire import Response

Row = TypeVar("Row")
StoredRow = TypeVar("StoredRow", bound=Model)

# 1 to 255 visible characters, bare or as the quoted string of RFC 8941.
KEY = re.compile(r'"([\x21-\x7e]{1,255})"|((?!")[\x21-\x7e]{1,255})')


HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    OpenApiParameter.HEADER,
    description="1 to 255 visible characters. A retry of the same caller for the same person with"
    " the same key has no second effect.",
)


@dataclass(frozen=True)
class RequestKey:
    """What tells one request from another: the client's key, if any, and the request's hash."""

    key: str | None
    request_hash: str

    def require_same(self, request_hash: str) -> None:
        """Raises IdempotencyKeyReused unless the row was made by this very request."""
        if request_hash != self.request_hash:
            raise errors.IdempotencyKeyReused(
                "This Idempotency-Key was used for another request. Use a new key for a new one."
            )


# Of an act that no client can send again.
NO_KEY = RequestKey(key=None, request_hash="")


def made_by(actor: str, request_key: RequestKey) -> Q:
    """The row that this actor made with the key, in a table with an ActorField.

    A row without an actor is from before it was kept and counts as anybody's; that no second row
    stands beside it is held by triggers.key_is_new.
    """
    return Q(idempotency_key=request_key.key, actor__in=(actor, ""))


@dataclass(frozen=True)
class Outcome(Generic[Row]):
    """What a write gave: the row, and whether it was made now or by an earlier, equal request."""

    row: Row
    replayed: bool = False
    created: bool = True


def find_replay(
    rows: QuerySet[StoredRow], actor: str, request_key: RequestKey
) -> Outcome[StoredRow] | None:
    """The row of these that an earlier, equal request of this actor made; without a key none.

    Raises IdempotencyKeyReused where another request made it.
    """
    if request_key.key is None:
        return None
    row = rows.filter(made_by(actor, request_key)).first()
    if row is None:
        return None
    request_hash: str = row.request_hash  # type: ignore[attr-defined]
    request_key.require_same(request_hash)
    return Outcome(row, replayed=True, created=False)


def request_key(request: Request) -> RequestKey:
    """The key and hash of `request`: method, path and canonical body.

    Raises IdempotencyKeyInvalid, or IdempotencyKeyRequired when the setting asks for keys.
    """
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if header is None:
        if settings.IDEMPOTENCY_KEY_REQUIRED and request.method == "POST":
            raise errors.IdempotencyKeyRequired(
                "Send an Idempotency-Key header: a new value for each act, the same for a retry."
            )
        key = None
    else:
        match = KEY.fullmatch(header)
        if match is None:
            raise errors.IdempotencyKeyInvalid(
                "An Idempotency-Key has 1 to 255 visible characters."
            )
        key = match.group(1) or match.group(2)
    body = orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(f"{request.method}\n{request.path}\n".encode() + body)
    return RequestKey(key, digest.hexdigest())


def replay_headers(outcome: Outcome[Any]) -> dict[str, str]:
    """What marks an answer as that of an earlier, equal request."""
    return {"Idempotency-Replayed": "true"} if outcome.replayed else {}


def created(outcome: Outcome[Any], data: Any, location: str = "") -> Response:
    """The answer to a POST that makes a row: 201, with `Idempotency-Replayed` on a replay.

    A row that stood already without a key (the client's own id) is 200.
    """
    headers = replay_headers(outcome)
    if location:
        headers["Location"] = location
    return Response(
        data, status=201 if outcome.created or outcome.replayed else 200, headers=headers
    )

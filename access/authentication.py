"""Who is calling, and for whom. The one place where credentials are read."""

import datetime
import re
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from access import actors, errors, tokens
from access.models import ApiKey
from access.scopes import PERSONS_SCOPES
from access.services import keys
from common import request_context
from common.models import validate_user_id
from common.prepared import prepared

# RFC 8187: characters that a client cannot send as they are, in percent-encoding.
EXTENDED = re.compile(
    r"utf-8'[A-Za-z0-9-]*'((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})*)", re.IGNORECASE
)

# How many keys a process remembers, of callers that come in turn.
REMEMBERED_KEYS = 1000


@dataclass(frozen=True)
class Caller:
    """Whoever sent the request: `actor` stands in records, `scopes` say what it may do.

    `key_id` is the service key's row; 0 of a person with their own token, and of staff.
    """

    actor: str
    scopes: frozenset[str]
    key_id: int = 0
    is_authenticated: bool = True

    @property
    def is_person(self) -> bool:
        """The person themselves calls, and no application that is trusted with others."""
        return self.actor == actors.SELF


PERSON = Caller(actor=actors.SELF, scopes=PERSONS_SCOPES)


class CallerRequest(Request):
    """A request after authentication, for the type checker: who calls, and for whom."""

    auth: Caller
    user_id: str


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key or token>`. Sets `request.auth` (a Caller) and `request.user_id`.

    `user_id` is the person acted for: of a key the one in `X-User-Id`, or None without it; of a
    person's own token that person.
    """

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        request.user_id = None  # type: ignore[attr-defined]
        found = caller_of(request)
        if found is None:
            return None
        caller, request.user_id = found  # type: ignore[attr-defined]
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def caller_of(request: Any) -> tuple[Caller, str | None] | None:
    """Who sent the request, and the person it names; None without an Authorization header.

    For any request, Django's own as well. Raises AuthenticationFailed, UserIdInvalid, and of a
    person's own token TokenInvalid, PersonMismatch and IdentityProviderUnavailable.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationFailed("Send `Authorization: Bearer <key>`.")
    token = token.strip()
    if settings.JWT_ISSUER and not token.startswith(keys.KEY_MARK):
        user_id = _person_with_token(token, request)
        request_context.note_caller(actor=PERSON.actor, user_id=user_id)
        return PERSON, user_id
    caller = _caller_with_key(token)
    request_context.note_caller(actor=caller.actor, user_id=None)
    named = person_named_in(request)
    request_context.note_caller(actor=caller.actor, user_id=named)
    return caller, named


def _person_with_token(token: str, request: Any) -> str:
    user_id = tokens.person_of(token)
    if person_named_in(request) not in (None, user_id):
        raise errors.PersonMismatch("X-User-Id names another person than the token. Leave it out.")
    return user_id


@dataclass(frozen=True)
class _KnownKey:
    """A key that was found active; `until` is a time of `monotonic`."""

    caller: Caller
    expires_at: datetime.datetime | None
    until: float


# By the hash of the key. Only what was found is remembered: strangers fill nothing.
_known_keys: dict[str, _KnownKey] = {}


@prepared()
def _active_key(*, key_hash: str, at: datetime.datetime) -> Any:
    active = ApiKey.objects.active(at=at).filter(key_hash=key_hash)
    return active.values_list("id", "name", "scopes", "expires_at")


def _caller_with_key(key: str) -> Caller:
    if not key.startswith(keys.KEY_MARK):
        raise _unknown_key()
    now = timezone.now()
    # Found by the hash of the whole key: a right prefix is no nearer to it than a wrong one, and
    # how long the index takes tells of a hash that nobody can steer.
    key_hash = keys.hash_of(key)
    known = _known_keys.get(key_hash)
    if known is None or monotonic() >= known.until or _is_past(known.expires_at, now):
        known = _looked_up(key_hash, now)
    keys.last_uses.note(known.caller.key_id, now)
    return known.caller


def _looked_up(key_hash: str, now: datetime.datetime) -> _KnownKey:
    # Before the statement, which may see the key a moment before it is revoked.
    until = monotonic() + settings.API_KEY_CACHE_SECONDS
    _known_keys.pop(key_hash, None)
    row = _active_key.first(key_hash=key_hash, at=now)
    if row is None:
        raise _unknown_key()
    key_id, name, scopes, expires_at = row
    caller = Caller(actor=actors.key_actor(name), scopes=frozenset(scopes), key_id=key_id)
    known = _KnownKey(caller, expires_at, until)
    if settings.API_KEY_CACHE_SECONDS > 0:
        if len(_known_keys) >= REMEMBERED_KEYS:
            _known_keys.clear()
        _known_keys[key_hash] = known
    return known


def _is_past(expires_at: datetime.datetime | None, now: datetime.datetime) -> bool:
    return expires_at is not None and expires_at <= now


def _unknown_key() -> AuthenticationFailed:
    return AuthenticationFailed("The key is unknown, revoked or expired.")


def person_named_in(request: Any) -> str | None:
    """The person in `X-User-Id`, or None. Raises UserIdInvalid."""
    header = request.META.get("HTTP_X_USER_ID")
    if header is None:
        return None
    encoded = EXTENDED.fullmatch(header)
    try:
        # WSGI hands headers over as latin-1; clients send UTF-8.
        octets = unquote_to_bytes(encoded[1]) if encoded else header.encode("latin-1")
        user_id: str = octets.decode("utf-8")
        validate_user_id(user_id)
    except (UnicodeError, ValidationError):
        raise errors.UserIdInvalid(
            "X-User-Id is the person's id: 1 to 128 characters in UTF-8, as they are or as"
            " UTF-8''… of RFC 8187, no control characters."
        ) from None
    return user_id


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI description shows it."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A service key, with the person you act for in the header X-User-Id;"
            " or a person's own token (JWT) from the identity provider.",
        }

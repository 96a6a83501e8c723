"""Who is calling, and for whom. The one place where credentials are read."""

import hmac
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from access import errors, services
from access.models import ApiKey
from common import calls
from common.models import validate_user_id


@dataclass(frozen=True)
class Caller:
    """Whoever sent the request: `actor` stands in records, `scopes` say what it may do."""

    actor: str
    scopes: frozenset[str]
    is_authenticated: bool = True


class CallerRequest(Request):
    """A request after authentication, for the type checker: who calls, and for whom."""

    auth: Caller
    user_id: str


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`. Sets `request.auth` (a Caller) and `request.user_id`.

    `user_id` is the person acted for, from `X-User-Id`; None when the header is missing.
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

    For any request, Django's own as well. Raises AuthenticationFailed and UserIdInvalid.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationFailed("Send `Authorization: Bearer <key>`.")
    # A person's own token (JWT) is told apart here, by its lack of the mark.
    caller = _caller_with_key(token.strip())
    calls.note_caller(actor=caller.actor, user_id=None)
    user_id = person_named_in(request)
    calls.note_caller(actor=caller.actor, user_id=user_id)
    return caller, user_id


def _caller_with_key(key: str) -> Caller:
    now = timezone.now()
    prefix = key.removeprefix(services.KEY_MARK).partition("_")[0][:12]
    row = (
        ApiKey.objects.active(at=now)
        .filter(prefix=prefix)
        .values_list("id", "name", "key_hash", "scopes")
        .first()
        if key.startswith(services.KEY_MARK) and prefix.isalnum()
        else None
    )
    # Hashed and compared in either case, so that the time does not tell a right prefix.
    key_id, name, key_hash, scopes = row or (0, "", "0" * 64, [])
    if not hmac.compare_digest(services.hash_of(key), key_hash):
        raise AuthenticationFailed("The key is unknown, revoked or expired.")
    services.last_uses.note(key_id, now)
    return Caller(actor=f"key:{name}", scopes=frozenset(scopes))


def person_named_in(request: Any) -> str | None:
    """The person in `X-User-Id`, or None. Raises UserIdInvalid."""
    header = request.META.get("HTTP_X_USER_ID")
    if header is None:
        return None
    try:
        # WSGI hands headers over as latin-1; clients send UTF-8.
        user_id: str = header.encode("latin-1").decode("utf-8")
        validate_user_id(user_id)
    except (UnicodeError, ValidationError):
        raise errors.UserIdInvalid(
            "X-User-Id is the person's id: 1 to 128 characters in UTF-8, no control characters."
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
            "description": "A service key; name the person you act for in the header X-User-Id.",
        }

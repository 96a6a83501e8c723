"""A person's own token: a JWT that the identity provider made for them, checked without a database.

The algorithms are named by the settings, never by the token; no key is ever taken from a token.
"""

from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.core.exceptions import ValidationError

from access import errors
from access.issuer_keys import IssuerKeys
from common.models import validate_user_id

# How far the provider's clock may be from ours.
LEEWAY_SECONDS = 10
REQUIRED_CLAIMS = ["exp", "iat", "sub", "iss", "aud"]
# Longer than any header that gunicorn takes; parsing begins below that.
TOKEN_MAX_LENGTH = 8190

REFUSALS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "The token has expired; get a new one."),
    (jwt.ImmatureSignatureError, "The token is not valid yet."),
    (jwt.InvalidAudienceError, "The token is meant for another audience."),
    (jwt.InvalidIssuerError, "The token is another issuer's."),
    (jwt.MissingRequiredClaimError, "The token lacks one of the claims exp, iat, sub, iss, aud."),
)
NOT_TRUSTED = "The token is not one that this API trusts."


def person_of(token: str) -> str:
    """The id of the person whose token this is.

    Raises TokenInvalid, and IdentityProviderUnavailable when its key cannot be had.
    """
    if len(token) > TOKEN_MAX_LENGTH:
        raise errors.TokenInvalid("The token is too long.")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key_of(token),
            algorithms=settings.JWT_ALGORITHMS,
            issuer=settings.JWT_ISSUER,
            audience=settings.JWT_AUDIENCE,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED_CLAIMS},
        )
    except jwt.PyJWTError as error:
        said = (sentence for kind, sentence in REFUSALS if isinstance(error, kind))
        raise errors.TokenInvalid(next(said, NOT_TRUSTED)) from None
    except (ValueError, TypeError, OverflowError):
        # Claims of a kind that PyJWT does not expect, such as an infinite time.
        raise errors.TokenInvalid(NOT_TRUSTED) from None
    user_id: str = claims["sub"]
    try:
        validate_user_id(user_id)
    except ValidationError:
        raise errors.TokenInvalid("The claim sub is no id that a person can have.") from None
    return user_id


def _key_of(token: str) -> Any:
    if settings.JWT_PUBLIC_KEY:
        return _public_key(settings.JWT_PUBLIC_KEY)
    key_id = jwt.get_unverified_header(token).get("kid")
    key = _issuer_keys(settings.JWT_JWKS_URL).find(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise errors.TokenInvalid("The token names no key of the identity provider.")
    return key


@lru_cache(maxsize=4)
def _public_key(pem: str) -> Any:
    return load_pem_public_key(pem.encode())


@lru_cache(maxsize=4)
def _issuer_keys(url: str) -> IssuerKeys:
    return IssuerKeys(url)

"""System checks: settings about callers that do not fit together, each with what to set."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from access import rates

SHORTEST_KEY = 32
ALGORITHMS = ("RS256", "ES256")


@register
def check_tokens(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return list(_wrong_with_tokens())


@register
def check_rates(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return list(_wrong_rates())


@register
def check_erased_persons_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.ERASED_PERSONS_KEY or len(settings.ERASED_PERSONS_KEY) >= SHORTEST_KEY:
        return []
    return [
        Error(
            f"ERASED_PERSONS_KEY has fewer than {SHORTEST_KEY} characters: who guesses it can tell"
            " who was erased.",
            hint='Set it to random characters: python -c "import secrets;'
            ' print(secrets.token_urlsafe(50))", or leave it empty to remember nobody.',
            id="access.E008",
        )
    ]


@register
def check_proxies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"PROXY_ADDRESSES: {text!r} is no address and no network.",
            hint="Set it to such as 10.0.3.0/24,::1, or leave it empty.",
            id="access.E009",
        )
        for text in settings.PROXY_ADDRESSES
        if not _is_network(text)
    ]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _wrong_rates() -> Iterator[Error]:
    for name in ("RATE_LIMIT_KEY", "RATE_LIMIT_PERSON"):
        try:
            rates.rate_of(getattr(settings, name))
        except ValueError as error:
            yield Error(
                f"{name}: {error}.",
                hint=f"Set {name}=600/min, or leave it empty for no limit.",
                id="access.E007",
            )


def _wrong_with_tokens() -> Iterator[Error]:
    given = [name for name in ("JWT_JWKS_URL", "JWT_PUBLIC_KEY") if getattr(settings, name)]
    if not settings.JWT_ISSUER:
        if settings.JWT_AUDIENCE or given:
            yield Error(
                "Settings of persons' tokens are given without JWT_ISSUER; none would be taken.",
                hint="Set JWT_ISSUER to the claim iss of your identity provider's tokens.",
                id="access.E001",
            )
        return
    if not settings.JWT_AUDIENCE:
        yield Error(
            "JWT_AUDIENCE is not set, so that tokens made for other services would be taken.",
            hint="Set it to the claim aud of the tokens that are meant for this API.",
            id="access.E002",
        )
    if len(given) != 1:
        yield Error(
            f"{' and '.join(given) or 'Neither JWT_JWKS_URL nor JWT_PUBLIC_KEY'} given.",
            hint="Set one of the two: JWT_JWKS_URL=https://… or JWT_PUBLIC_KEY=-----BEGIN…",
            id="access.E003",
        )
    if not settings.JWT_ALGORITHMS or not set(settings.JWT_ALGORITHMS) <= set(ALGORITHMS):
        yield Error(
            "JWT_ALGORITHMS names an algorithm other than RS256 and ES256, or none.",
            hint="Set JWT_ALGORITHMS=RS256,ES256 or one of them.",
            id="access.E004",
        )
    url = settings.JWT_JWKS_URL
    if url and not url.startswith("https://" if settings.PRODUCTION else ("https://", "http://")):
        yield Error(
            "JWT_JWKS_URL is no address that keys may be taken from.",
            hint="Set an address that begins with https://; outside of production http:// will do.",
            id="access.E005",
        )
    if settings.JWT_PUBLIC_KEY and not _fits(settings.JWT_PUBLIC_KEY):
        yield Error(
            "JWT_PUBLIC_KEY is no public key in PEM that an algorithm in JWT_ALGORITHMS takes.",
            hint="Give an RSA key of 2048 bits or more for RS256, a P-256 key for ES256. In one"
            r" line, write its line breaks as \n.",
            id="access.E006",
        )


def _fits(pem: str) -> bool:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        return False
    if isinstance(key, RSAPublicKey):
        return "RS256" in settings.JWT_ALGORITHMS and key.key_size >= 2048
    is_p256 = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    return is_p256 and "ES256" in settings.JWT_ALGORITHMS

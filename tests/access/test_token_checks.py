"""Settings of persons' tokens that do not fit together are named before anything starts."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import override_settings

from access.checks import check_tokens
from tests.access.issuer import ec_key, public_pem, rsa_key
from tests.operations.processes import PRODUCTION, setting, start

URL = "https://id.example/keys"
RIGHT: dict[str, Any] = {
    "JWT_ISSUER": "https://id.example",
    "JWT_AUDIENCE": ["steward"],
    "JWT_ALGORITHMS": ["RS256", "ES256"],
    "JWT_JWKS_URL": URL,
    "JWT_PUBLIC_KEY": "",
}
NOTHING: dict[str, Any] = RIGHT | {"JWT_ISSUER": "", "JWT_AUDIENCE": [], "JWT_JWKS_URL": ""}
PEM = RIGHT | {"JWT_JWKS_URL": ""}


def weak_pem() -> str:
    return public_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))


def p384_pem() -> str:
    return public_pem(ec.generate_private_key(ec.SECP384R1()))


FITTING = {
    "nothing": lambda: NOTHING,
    "an address": lambda: RIGHT,
    "an address over http in a trial": lambda: RIGHT | {"JWT_JWKS_URL": "http://localhost/keys"},
    "an RSA key": lambda: PEM | {"JWT_PUBLIC_KEY": public_pem(rsa_key("one"))},
    "a P-256 key": lambda: PEM | {"JWT_PUBLIC_KEY": public_pem(ec_key("one"))},
}
UNFIT = {
    "an audience alone": (lambda: NOTHING | {"JWT_AUDIENCE": ["a"]}, "access.E001"),
    "an address alone": (lambda: NOTHING | {"JWT_JWKS_URL": URL}, "access.E001"),
    "no audience": (lambda: RIGHT | {"JWT_AUDIENCE": []}, "access.E002"),
    "no key": (lambda: PEM, "access.E003"),
    "both": (lambda: RIGHT | {"JWT_PUBLIC_KEY": public_pem(rsa_key("one"))}, "access.E003"),
    "HS256": (lambda: RIGHT | {"JWT_ALGORITHMS": ["RS256", "HS256"]}, "access.E004"),
    "no algorithm": (lambda: RIGHT | {"JWT_ALGORITHMS": []}, "access.E004"),
    "an address of a file": (lambda: RIGHT | {"JWT_JWKS_URL": "file:///etc/keys"}, "access.E005"),
    "http in production": (
        lambda: RIGHT | {"JWT_JWKS_URL": "http://id.example", "PRODUCTION": True},
        "access.E005",
    ),
    "no PEM": (lambda: PEM | {"JWT_PUBLIC_KEY": "secret"}, "access.E006"),
    "a weak RSA key": (lambda: PEM | {"JWT_PUBLIC_KEY": weak_pem()}, "access.E006"),
    "a P-384 key": (lambda: PEM | {"JWT_PUBLIC_KEY": p384_pem()}, "access.E006"),
    "an RSA key for ES256": (
        lambda: PEM | {"JWT_PUBLIC_KEY": public_pem(rsa_key("one")), "JWT_ALGORITHMS": ["ES256"]},
        "access.E006",
    ),
}


class TestSettingsOfTokens:
    @pytest.mark.parametrize("given", FITTING.values(), ids=FITTING)
    def test_fit(self, given: Any) -> None:
        with override_settings(**given()):
            assert check_tokens(None) == []

    @pytest.mark.parametrize(("given", "named"), UNFIT.values(), ids=UNFIT)
    def test_that_do_not_fit_are_named(self, given: Any, named: str) -> None:
        with override_settings(**given()):
            assert [message.id for message in check_tokens(None)] == [named]

    def test_that_do_not_fit_keep_the_server_from_starting(self) -> None:
        done = start(**PRODUCTION, JWT_ISSUER="https://id.example", JWT_JWKS_URL=URL)

        assert done.returncode == 4
        assert done.stderr.startswith("access.E002: ")

    def test_may_hold_a_key_in_one_line(self) -> None:
        pem = public_pem(rsa_key("one"))

        assert setting("settings.JWT_PUBLIC_KEY", JWT_PUBLIC_KEY=pem.replace("\n", "\\n")) == pem

    def test_may_hold_a_key_from_a_file(self, tmp_path: Any) -> None:
        pem = public_pem(rsa_key("one"))
        (tmp_path / "key.pem").write_text(pem)

        given = setting("settings.JWT_PUBLIC_KEY", JWT_PUBLIC_KEY_FILE=str(tmp_path / "key.pem"))

        assert given.strip() == pem.strip()

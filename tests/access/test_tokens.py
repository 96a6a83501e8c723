"""A person's own token: what it opens, and every way to forge one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from django.test import override_settings

from billing.models import CreditAccount
from conversations.models import Conversation
from tests.access.issuer import (
    claims,
    ec_key,
    public_pem,
    rsa_key,
    seconds,
    token,
    trusting,
)
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_trusted_key() -> Iterator[None]:
    with trusting(public_pem(rsa_key("one"))):
        yield


def unsigned(header: dict[str, Any], payload: Any, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def hs256_with_the_public_key() -> str:
    pem = public_pem(rsa_key("one")).encode()
    payload = claims()
    times = {name: int(payload[name].timestamp()) for name in ("iat", "exp")}
    body = unsigned({"alg": "HS256", "typ": "JWT"}, payload | times).rstrip(".")
    digest = hmac.new(pem, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def with_another_payload() -> str:
    head, _, signature = token().split(".")
    payload = base64.urlsafe_b64encode(json.dumps({"sub": "bob"}).encode()).decode().rstrip("=")
    return f"{head}.{payload}.{signature}"


def signed_claims(payload: dict[str, Any]) -> str:
    """Right but for claims of kinds that jwt.encode would refuse."""
    text = json.dumps(payload | {"iss": "https://id.example", "aud": "steward"}).encode()
    return jwt.api_jws.encode(text, rsa_key("one"), "RS256")


FORGERIES = {
    "no algorithm": lambda: unsigned({"alg": "none"}, {"sub": "ann"}),
    "no algorithm, in capitals": lambda: unsigned({"alg": "NONE"}, {"sub": "ann"}),
    "no algorithm and a signature": lambda: unsigned({"alg": "none"}, {"sub": "ann"}, b"x"),
    "HS256 with the public key": hs256_with_the_public_key,
    "another issuer's key": lambda: token(rsa_key("other")),
    "a key of another kind": lambda: token(ec_key("one"), "ES256"),
    "RS512": lambda: token(algorithm="RS512"),
    "PS256": lambda: token(algorithm="PS256"),
    "another payload": with_another_payload,
    "another audience": lambda: token(aud="another-api"),
    "no audience": lambda: token(aud=None),
    "another issuer": lambda: token(iss="https://id.example.evil"),
    "no issuer": lambda: token(iss=None),
    "an expiry that has passed": lambda: token(exp=seconds(-11)),
    "no expiry": lambda: token(exp=None),
    "no time of issue": lambda: token(iat=None),
    "a time of issue to come": lambda: token(iat=seconds(60)),
    "a beginning to come": lambda: token(nbf=seconds(60)),
    "no person": lambda: token(sub=None),
    "an empty person": lambda: token(sub=""),
    "a person too long": lambda: token(sub="a" * 129),
    "a person with a NUL": lambda: token(sub="a\0b"),
    "a person with a lone surrogate": lambda: signed_claims(
        {"sub": "\ud800", "iat": 1, "exp": 9_999_999_999}
    ),
    "an erased person": lambda: token(sub="erased-0f63c050"),
    "a person who is a number": lambda: signed_claims(
        {"sub": 5, "iat": 1, "exp": 9_999_999_999}
    ),
    "an infinite expiry": lambda: signed_claims({"sub": "ann", "iat": 1, "exp": float("inf")}),
    "an expiry that is a list": lambda: signed_claims({"sub": "ann", "iat": 1, "exp": [1]}),
    "an expiry that is no number": lambda: signed_claims({"sub": "ann", "iat": 1, "exp": "soon"}),
    "a time of issue that is true": lambda: signed_claims(
        {"sub": "ann", "iat": {}, "exp": 9_999_999_999}
    ),
    "a list for claims": lambda: jwt.api_jws.encode(b"[1]", rsa_key("one"), "RS256"),
    "its own key in the header": lambda: jwt.encode(
        claims(), rsa_key("other"), "RS256",
        headers={"jwk": {"kty": "RSA"}, "jku": "https://evil.example", "x5c": ["AAAA"]},
    ),
    "a list for its algorithm": lambda: unsigned({"alg": ["RS256"]}, {"sub": "ann"}, b"x"),
    "an unknown critical header": lambda: jwt.encode(
        claims(), rsa_key("one"), "RS256", headers={"crit": ["x"], "x": 1}
    ),
    "a detached payload": lambda: unsigned({"alg": "RS256", "b64": False}, {"sub": "ann"}, b"x"),
    "one part": lambda: "abc",
    "two parts": lambda: "abc.def",
    "four parts": lambda: f"{token()}.abc",
    "empty parts": lambda: "..",
    "no base64": lambda: "!!.??.**",
    "another script": lambda: "ключ.日本.😀".encode().decode("latin-1"),
    "a deep header": lambda: unsigned({"alg": "RS256"}, {}).replace(
        unsigned({"alg": "RS256"}, {}).split(".")[0],
        base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("="),
    ),
    "1 MB": lambda: token(blob="a" * 1_000_000),
    "9 kB": lambda: token(blob="a" * 9000),
}  # fmt: skip


def caller(credentials: str, user_id: str | None = None) -> ApiClient:
    return ApiClient(credentials, user_id)


def assert_refused(response: Any) -> None:
    problem = assert_problem(response, 401, "invalid_token")
    assert response["WWW-Authenticate"] == (
        f'Bearer error="invalid_token", error_description="{problem["detail"]}"'
    )
    assert not Conversation.objects.exists()


class TestAPersonsOwnToken:
    def test_opens_what_is_theirs_and_nothing_else(self, stranger: ApiClient) -> None:
        bobs = stranger.post("/conversations", {"title": "Bob's"}).json()["id"]
        ann = caller(token())

        made = ann.post("/conversations", {"title": "Ann's"}).json()

        assert made["user_id"] == "ann"
        assert [row["id"] for row in ann.get("/conversations").json()["results"]] == [made["id"]]
        assert_problem(ann.get(f"/conversations/{bobs}"), 404, "not_found")

    def test_may_name_its_person_once_more(self) -> None:
        assert caller(token(), "ann").get("/conversations").status_code == 200

    def test_may_not_name_another_person(self) -> None:
        response = caller(token(), "bob").post("/conversations", {})

        assert_problem(response, 403, "person_mismatch")
        assert not Conversation.objects.exists()

    def test_takes_no_statement_to_be_checked(self) -> None:
        with assert_statements(1):
            caller(token()).get("/conversations")
        with assert_statements(0):
            caller(token(rsa_key("other"))).get("/conversations")

    def test_has_a_person_whose_id_may_be_of_any_script(self) -> None:
        made = caller(token(sub="auth0|李雷 😀")).post("/conversations", {}).json()

        assert made["user_id"] == "auth0|李雷 😀"

    def test_may_be_of_a_provider_whose_clock_is_ten_seconds_off(self) -> None:
        for changed in ({"exp": seconds(-5)}, {"iat": seconds(8)}, {"nbf": seconds(8)}):
            assert caller(token(**changed)).get("/conversations").status_code == 200, changed

    def test_may_be_for_several_audiences(self) -> None:
        response = caller(token(aud=["another-api", "steward"])).get("/conversations")

        assert response.status_code == 200

    def test_may_be_signed_with_an_elliptic_curve(self) -> None:
        with trusting(public_pem(ec_key("one"))):
            signed = token(ec_key("one"), "ES256")
            assert caller(signed).get("/conversations").status_code == 200

    def test_is_no_service_key_while_no_issuer_is_trusted(self) -> None:
        with override_settings(JWT_ISSUER=""):
            assert_problem(caller(token()).get("/conversations"), 401, "unauthenticated")

    def test_leaves_service_keys_in_use(self, person: ApiClient) -> None:
        assert person.get("/conversations").status_code == 200


class TestAForgery:
    @pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
    def test_is_refused(self, forged: Any) -> None:
        with assert_statements(0):
            response = caller(forged(), None).post("/conversations", {})

        assert_refused(response)

    def test_of_an_algorithm_that_the_settings_leave_out_is_refused(self) -> None:
        with override_settings(JWT_ALGORITHMS=["ES256"]):
            assert_refused(caller(token()).post("/conversations", {}))

    def test_is_told_what_is_wrong_with_a_token_of_the_right_key(self) -> None:
        told = {
            "expired": caller(token(exp=seconds(-60))).get("/conversations").json()["detail"],
            "audience": caller(token(aud="x")).get("/conversations").json()["detail"],
            "issuer": caller(token(iss="x")).get("/conversations").json()["detail"],
        }

        assert all(word in sentence for word, sentence in told.items()), told


class TestAPersonWithTheirOwnToken:
    @pytest.mark.parametrize(
        ("method", "path", "scope"),
        [
            ("POST", "/usage/increment", "billing:charge"),
            ("PATCH", "/usage", "billing:manage"),
            ("POST", "/credits/transactions", "billing:charge"),
            ("POST", "/credits/transactions/batch", "billing:charge"),
            ("POST", "/credits/holds", "billing:charge"),
        ],
    )
    def test_moves_no_credits_and_no_limits(self, method: str, path: str, scope: str) -> None:
        response = caller(token()).request(method, path, {})

        assert assert_problem(response, 403, "missing_scope")["scope"] == scope
        assert not CreditAccount.objects.exists()

    @pytest.mark.parametrize("path", ["/credits", "/usage", "/usage/check"])
    def test_does_not_choose_their_own_tier(self, path: str) -> None:
        answer = caller(token()).get(path, x_user_tier="enterprise").json()

        assert answer["tier"] == "free"

    def test_does_not_even_choose_a_tier_that_is_none(self) -> None:
        assert caller(token()).get("/credits", x_user_tier="none").status_code == 200

    def test_keeps_the_tier_that_an_application_chose(self, person: ApiClient) -> None:
        person.get("/credits", x_user_tier="pro")

        assert caller(token()).get("/credits").json()["tier"] == "pro"

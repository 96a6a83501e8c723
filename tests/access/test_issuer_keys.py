"""The identity provider's keys: rotated, withdrawn, out of reach, slow and broken."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from access import issuer_keys
from tests.access.issuer import Provider, ec_key, jwk, provider, rsa_key, token
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient

pytestmark = pytest.mark.django_db
BROKEN = {
    "no JSON": b"<html>sorry</html>",
    "no UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "a number": b"5",
    "no keys": b'{"keys": []}',
    "keys that are none": b'{"keys": 5}',
    "numbers for keys": b'{"keys": [5, null]}',
    "keys of no kind": b'{"keys": [{"kid": "one"}, {"kty": 5, "kid": "one"}]}',
    "a key without its numbers": b'{"keys": [{"kty": "RSA", "kid": "one"}]}',
    "nothing": b"",
}


@pytest.fixture
def giving() -> Iterator[Provider]:
    with provider() as started:
        yield started


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets time pass for the keys alone: `moment(seconds)`."""
    clock = issuer_keys.time.monotonic
    passed = [0.0]
    monkeypatch.setattr(issuer_keys, "time", type("", (), {
        "monotonic": staticmethod(lambda: clock() + passed[0])}))  # fmt: skip

    def let_pass(seconds: float) -> None:
        passed[0] += seconds

    return let_pass


def call(signed: str) -> Any:
    return ApiClient(signed, None).get("/conversations")


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "issuer-keys":
            thread.join()


class TestTheProvidersKeys:
    def test_are_fetched_once(self, giving: Provider) -> None:
        for _ in range(3):
            assert call(token()).status_code == 200

        assert giving.asked == 1

    def test_cost_no_statement(self, giving: Provider) -> None:
        with assert_statements(1):
            assert call(token()).status_code == 200

    def test_may_be_of_both_kinds(self, giving: Provider) -> None:
        giving.keys.append(jwk(ec_key("two"), "two"))

        assert call(token(ec_key("two"), "ES256", "two")).status_code == 200
        assert call(token()).status_code == 200

    def test_are_not_mixed_up(self, giving: Provider) -> None:
        giving.keys.append(jwk(rsa_key("two"), "two"))

        assert_problem(call(token(rsa_key("two"), kid="one")), 401, "invalid_token")

    @pytest.mark.parametrize("kid", [None, "", "../one", "one\0", "ONE", "' OR 1=1 --", "o" * 5000])
    def test_are_found_by_the_whole_name_alone(self, giving: Provider, kid: Any) -> None:
        assert_problem(call(token(kid=kid)), 401, "invalid_token")

    def test_that_are_secrets_sign_nothing(self, giving: Provider) -> None:
        secret = {"kty": "oct", "kid": "one", "k": "c2VjcmV0" * 8}
        giving.keys = [secret, jwk(rsa_key("two"), "two")]
        signed = token(b"secret" * 8, "HS256", "one")

        assert_problem(call(signed), 401, "invalid_token")

    def test_for_encryption_sign_nothing(self, giving: Provider) -> None:
        giving.keys = [jwk(rsa_key("one"), "one", use="enc"), jwk(rsa_key("two"), "two")]

        assert_problem(call(token()), 401, "invalid_token")


class TestARotation:
    def test_is_noticed_by_the_first_token_of_the_new_key(
        self, giving: Provider, moment: Any
    ) -> None:
        call(token())
        giving.keys.append(jwk(rsa_key("two"), "two"))
        moment(issuer_keys.COOLDOWN_SECONDS)

        assert call(token(rsa_key("two"), kid="two")).status_code == 200
        assert call(token()).status_code == 200

    def test_ends_the_old_key_when_the_keys_are_no_longer_fresh(
        self, giving: Provider, moment: Any
    ) -> None:
        call(token())
        giving.keys = [jwk(rsa_key("two"), "two")]
        moment(issuer_keys.FRESH_SECONDS)

        call(token())  # asks for the new keys, and may still be served
        settle()

        assert_problem(call(token()), 401, "invalid_token")

    def test_is_waited_for_after_a_quiet_hour(self, giving: Provider, moment: Any) -> None:
        call(token())
        giving.keys = [jwk(rsa_key("two"), "two")]
        moment(issuer_keys.WAITED_FOR_SECONDS)

        assert_problem(call(token()), 401, "invalid_token")

    def test_is_not_asked_for_by_every_unknown_key(self, giving: Provider) -> None:
        call(token())

        for number in range(20):
            response = call(token(rsa_key("other"), kid=f"forged-{number}"))
            assert_problem(response, 401, "invalid_token")

        assert giving.asked == 1


class TestAProviderOutOfReach:
    @pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
    def test_may_give_what_is_no_key(
        self, giving: Provider, body: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        giving.body = body

        with caplog.at_level(logging.WARNING):
            response = call(token())

        assert_problem(response, 503, "identity_provider_unavailable")
        assert response["Retry-After"] == "5"
        assert "The identity provider's keys cannot be fetched" in caplog.text

    @pytest.mark.parametrize("status", [500, 404, 301])
    def test_may_answer_with(self, giving: Provider, status: int) -> None:
        giving.status = status

        assert_problem(call(token()), 503, "identity_provider_unavailable")

    def test_is_asked_again_after_a_pause(self, giving: Provider, moment: Any) -> None:
        giving.status = 500
        call(token())
        call(token())
        assert giving.asked == 1
        giving.recover()
        giving.hang()
        moment(issuer_keys.RETRY_SECONDS)

        # The first one does not wait again; the keys are there for those who come after it.
        assert_problem(call(token()), 503, "identity_provider_unavailable")
        giving.recover()
        settle()

        assert call(token()).status_code == 200

    @pytest.mark.parametrize("age", [issuer_keys.FRESH_SECONDS, issuer_keys.WAITED_FOR_SECONDS])
    @pytest.mark.parametrize("broken", ["down", "hanging", "garbage"])
    def test_does_not_stop_known_keys(
        self,
        giving: Provider,
        moment: Any,
        age: float,
        broken: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(issuer_keys, "FETCH_SECONDS", 0.1)
        call(token())
        if broken == "hanging":
            giving.hang()
        giving.status = 500 if broken == "down" else 200
        giving.body = b"garbage" if broken == "garbage" else None
        moment(age)

        for _ in range(3):
            assert call(token()).status_code == 200
            moment(age)

    def test_is_told_apart_from_a_key_that_is_unknown(self, giving: Provider, moment: Any) -> None:
        call(token())
        giving.status = 500
        moment(issuer_keys.COOLDOWN_SECONDS)

        # It may be a new key of the provider's; who could tell?
        response = call(token(rsa_key("two"), kid="two"))

        assert_problem(response, 503, "identity_provider_unavailable")

    def test_is_waited_for_once_by_however_many(
        self, giving: Provider, moment: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(issuer_keys, "FETCH_SECONDS", 0.2)
        # However long the machine takes for the five, the next try is not due.
        monkeypatch.setattr(issuer_keys, "RETRY_SECONDS", 3600.0)
        giving.hang()
        waits: list[float] = []
        join = threading.Thread.join

        def noting(thread: threading.Thread, timeout: float | None = None) -> None:
            if thread.name == "issuer-keys":
                waits.append(timeout or 0)
            join(thread, timeout)

        monkeypatch.setattr(threading.Thread, "join", noting)

        for _ in range(5):
            assert_problem(call(token()), 503, "identity_provider_unavailable")
            moment(1)

        assert sum(waits) <= 0.2
        end = time.monotonic() + 60
        while giving.asked == 0 and time.monotonic() < end:  # it reads what has long been sent
            time.sleep(0.01)
        assert giving.asked == 1


def test_a_provider_that_nobody_serves_is_out_of_reach(giving: Provider, settings: Any) -> None:
    settings.JWT_JWKS_URL = "http://127.0.0.1:9/keys"

    assert_problem(call(token()), 503, "identity_provider_unavailable")

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.models import ApiKey
from access.scopes import SCOPES
from access.services import keys
from conversations.models import Conversation
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient

BAD_HEADERS = {
    "nothing": "",
    "a blank": " ",
    "the scheme alone": "Bearer",
    "the scheme and blanks": "Bearer   ",
    "another scheme": "Basic YW5uOnNlY3JldA==",
    "another scheme with a key": "Token {key}",
    "a key without the scheme": "{key}",
    "no blank": "Bearer{key}",
    "two keys": "Bearer {key} {key}",
    "a key and a comma": "Bearer {key},",
    "a key in quotes": 'Bearer "{key}"',
    "a key without its mark": "Bearer {without_mark}",
    "the mark alone": "Bearer stw_",
    "the mark and dashes": "Bearer stw___",
    "the prefix alone": "Bearer stw_{prefix}",
    "the prefix and no secret": "Bearer stw_{prefix}_",
    "the right prefix and a wrong secret": "Bearer stw_{prefix}_" + "A" * 43,
    "a wrong prefix and the right secret": "Bearer stw_000000000000_{secret}",
    "a longer prefix": "Bearer stw_{prefix}0_{secret}",
    "a key cut off": "Bearer {cut_off}",
    "a key and more": "Bearer {key}A",
    "capital letters": "Bearer {upper}",
    "an unknown key": "Bearer stw_0123456789ab_" + "A" * 43,
    "letters of another script": "Bearer stw_ключ_日本".encode().decode("latin-1"),
    "a letter beyond ASCII": "Bearer stw_é_é",
    "a NUL": "Bearer stw_ab\0cd_ef",
    "a NUL after the prefix": "Bearer stw_{prefix}_\0",
    "10 kB": "Bearer stw_" + "a" * 10_000,
    "10 kB of a secret": "Bearer stw_{prefix}_" + "a" * 10_000,
    "a JWT": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.",
}


def call(authorization: str | None) -> Any:
    headers = {"X-User-Id": "ann"}
    if authorization is not None:
        headers["Authorization"] = authorization
    return Client(raise_request_exception=False).post(
        "/api/v1/conversations", "{}", content_type="application/json", headers=headers
    )


def assert_refused(response: Any) -> None:
    assert_problem(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"
    assert not Conversation.objects.exists()


@pytest.fixture
def new(db: None) -> keys.NewKey:
    return keys.create_key(name="application", scopes=SCOPES, actor="system", at=timezone.now())


class TestACaller:
    @pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS)
    def test_is_refused_with(self, new: keys.NewKey, header: str) -> None:
        key, prefix = new.key, new.row.prefix
        response = call(
            header.format(
                key=key,
                prefix=prefix,
                secret=key.removeprefix(f"stw_{prefix}_"),
                without_mark=key.removeprefix("stw_"),
                cut_off=key[:-1],
                upper=key.upper(),
            )
        )

        assert_refused(response)

    def test_is_refused_without_the_header(self, new: keys.NewKey) -> None:
        response = call(None)

        assert_refused(response)
        assert response.json()["detail"] == "Send `Authorization: Bearer <key>`."

    @pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}  "])
    def test_is_known_by_its_key(self, new: keys.NewKey, header: str) -> None:
        response = call(header.format(new.key))

        assert response.status_code == 201

    def test_is_told_nothing_of_what_was_wrong_with_the_key(self, new: keys.NewKey) -> None:
        answers = {
            call(f"Bearer {key}").content
            for key in ("stw_unknown_key", f"stw_{new.row.prefix}_wrong", "wrong")
        }

        assert len(answers) == 1

    def test_takes_one_statement_to_be_known(self, new: keys.NewKey) -> None:
        client = ApiClient(new.key, "ann")

        with assert_statements(2) as statements:
            client.get("/conversations")

        assert [("apikey" in statement) for statement in statements] == [True, False]

    @pytest.mark.parametrize("key", ["stw_0123456789ab_" + "A" * 43, "stw_é_x"])
    def test_takes_one_statement_to_be_unknown(self, db: None, key: str) -> None:
        with assert_statements(1):
            call(f"Bearer {key}")

    def test_takes_no_statement_when_it_sends_no_key(self, db: None) -> None:
        with assert_statements(0):
            call("Bearer eyJhbGciOiJub25lIn0")


class TestAnExpiry:
    def test_ends_a_key(self, db: None) -> None:
        past = timezone.now() - datetime.timedelta(microseconds=1)
        expired = keys.create_key(
            name="old", scopes=SCOPES, actor="system", at=timezone.now(), expires_at=past
        )

        assert_refused(call(f"Bearer {expired.key}"))

    def test_to_come_leaves_a_key_in_use(self, db: None) -> None:
        tomorrow = timezone.now() + datetime.timedelta(days=1)
        new = keys.create_key(
            name="new", scopes=SCOPES, actor="system", at=timezone.now(), expires_at=tomorrow
        )

        assert call(f"Bearer {new.key}").status_code == 201

    def test_is_the_first_moment_at_which_a_key_is_no_longer_active(self, db: None) -> None:
        noon = datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC)
        keys.create_key(name="a", scopes=SCOPES, actor="system", at=timezone.now(), expires_at=noon)
        before = noon - datetime.timedelta(microseconds=1)

        assert ApiKey.objects.active(at=before).exists()
        assert not ApiKey.objects.active(at=noon).exists()


class TestARevocation:
    def test_ends_a_key_at_the_next_request(self, new: keys.NewKey) -> None:
        client = ApiClient(new.key, "ann")
        assert client.get("/conversations").status_code == 200

        keys.revoke_key(name="application", at=timezone.now())

        assert_refused(client.post("/conversations", {}))

    def test_leaves_other_keys_in_use(self, new: keys.NewKey) -> None:
        other = keys.create_key(name="other", scopes=SCOPES, actor="system", at=timezone.now())

        keys.revoke_key(name="application", at=timezone.now())

        assert ApiClient(other.key, "ann").get("/conversations").status_code == 200

from typing import Any

import pytest
from django.test import Client

from conversations.models import Conversation
from tests.asserts import assert_problem
from tests.client import ApiClient

VALID = {
    "ASCII": "auth0|5f7c8ec7c33c6c004bbafe82",
    "another script": "日本",
    "an emoji": "😀",
    "128 characters": "a" * 128,
    "128 characters of another script": "日" * 128,
    "a path": "../../etc/passwd",
    "quotes": "'; DROP TABLE conversations_conversation; --",
    "a percent sign": "100%s",
}
INVALID = {
    "nothing": b"",
    "129 characters": b"a" * 129,
    "129 characters of another script": "日".encode() * 129,
    "a NUL": b"a\0b",
    "a tab": b"a\tb",
    "delete": b"a\x7f",
    "a C1 control": "a\x85".encode(),
    "invalid UTF-8": b"\xff\xfe",
    "latin-1": "é".encode("latin-1"),
    "UTF-8 cut off": "日".encode()[:2],
    "a surrogate in UTF-8": b"\xed\xa0\x80",
    "an overlong form": b"\xc0\xae",
    "an erased person": b"erased-0f63c050-e27d-485c-be80-48a12fdc445b",
    "the reserved beginning": b"erased-x",
    "RFC 8187 of nothing": b"UTF-8''",
    "RFC 8187 of 129 characters": b"UTF-8''" + b"%61" * 129,
    "RFC 8187 of a NUL": b"UTF-8''a%00b",
    "RFC 8187 of invalid UTF-8": b"UTF-8''%FF",
    "RFC 8187 of an erased person": b"UTF-8''erased%2Dx",
}
# As RFC 8187 writes it, and the person that it is. What is not written so stands as it is.
EXTENDED = {
    b"UTF-8''ann": "ann",
    b"utf-8''ann%2Cbob": "ann,bob",
    b"UTF-8'de'J%C3%BCrgen": "Jürgen",
    b"UTF-8''" + b"%F0%9F%98%80" * 128: "😀" * 128,
    b"UTF-8''a b": "UTF-8''a b",
    b"UTF-8''%4": "UTF-8''%4",
    b"ISO-8859-1''J%FCrgen": "ISO-8859-1''J%FCrgen",
}


def create_for(key: str, user_id: bytes) -> Any:
    return Client(raise_request_exception=False).post(
        "/api/v1/conversations",
        "{}",
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}", "X-User-Id": user_id.decode("latin-1")},
    )


class TestThePersonInXUserId:
    @pytest.mark.parametrize("user_id", VALID.values(), ids=VALID)
    def test_may_be_named_by(self, key: str, user_id: str) -> None:
        response = create_for(key, user_id.encode())

        assert response.status_code == 201, response.content
        assert response.json()["user_id"] == user_id
        assert Conversation.objects.get().person.user_id == user_id

    @pytest.mark.parametrize(("sent", "user_id"), EXTENDED.items())
    def test_may_be_written_as_rfc_8187_has_it(self, key: str, sent: bytes, user_id: str) -> None:
        assert create_for(key, sent).json()["user_id"] == user_id

    @pytest.mark.parametrize("user_id", INVALID.values(), ids=INVALID)
    def test_may_not_be_named_by(self, key: str, user_id: bytes) -> None:
        response = create_for(key, user_id)

        assert_problem(response, 400, "user_id_invalid")
        assert not Conversation.objects.exists()

    def test_must_be_named_on_a_personal_route(self, key: str) -> None:
        response = ApiClient(key, None).post("/conversations", {})

        assert_problem(response, 400, "user_id_required")
        assert not Conversation.objects.exists()

    def test_is_not_read_for_a_caller_who_is_unknown(self, db: None) -> None:
        response = create_for("stw_unknown_key", b"\xff")

        assert_problem(response, 401, "unauthenticated")

    def test_is_another_one_with_other_capitals(self, key: str) -> None:
        ApiClient(key, "ann").post("/conversations", {})

        assert ApiClient(key, "ANN").get("/conversations").json()["results"] == []

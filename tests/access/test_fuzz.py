"""Strangers' input of every kind at every route: no 5xx, and what is refused writes nothing.

`FUZZ_EXAMPLES=2000` looks further than the suite does, at random.
"""

import base64
import json
import os
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.scopes import SCOPES
from access.services import keys as access_keys
from common import declarations
from querycache import waiting
from tests.access.issuer import public_pem, rsa_key, token, trusting
from tests.asserts import stored
from tests.client import ApiClient
from tests.test_routes import all_acts, ids_of_ann

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
HARD = settings(
    max_examples=EXAMPLES or 75,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
ACTS = all_acts()
MESSAGE = {"role": "user", "content": "a"}
SIGNED = token(exp=9_999_999_999)

# What a header can carry to a WSGI application: any of the first 256 characters.
latin = st.text(st.characters(max_codepoint=255), max_size=300)
utf8 = st.text(max_size=200).map(
    lambda text: text.encode("utf-8", "surrogatepass").decode("latin-1")
)
header = latin | utf8
names = st.sampled_from(
    ["Authorization", "X-User-Id", "X-User-Tier", "Idempotency-Key", "Content-Type", "Accept",
     "Accept-Language", "Origin", "Host", "X-Request-ID", "X-Forwarded-For", "X-Forwarded-Proto",
     "If-None-Match", "Range", "Cookie", "Expect", "Content-Encoding", "X-HTTP-Method-Override"]
)  # fmt: skip
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e308])
leaves = st.none() | st.booleans() | numbers | st.text(max_size=30) | st.just("\ud800")
keys = st.text(max_size=10) | st.sampled_from(
    ["title", "metadata", "messages", "role", "content", "stage1", "id", "type", "amount",
     "description", "transactions", "ttl_seconds", "tier", "daily_limit", "reason", "archived",
     "purposes", "purpose", "user_ids", "query", "context", "model", "parameters", "namespace",
     "wait_ms", "result", "tags", "all", "lease"]
)  # fmt: skip
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5)
)


def written(value: Any) -> bytes:
    """JSON as a careless client writes it: NaN, lone surrogates and integers of any size."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


def pairs(body: list[tuple[str, Any]]) -> bytes:
    """An object in which a key may stand twice."""
    inner = b",".join(written(key) + b":" + written(value) for key, value in body)
    return b"{" + inner + b"}"


bodies = st.one_of(
    values.map(written),
    st.dictionaries(keys, values, max_size=6).map(written),
    st.lists(st.tuples(keys, values), max_size=6).map(pairs),
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: text.encode("utf-16", "surrogatepass")),
)
cursors = st.one_of(
    st.text(max_size=50),
    st.lists(st.text(max_size=9) | numbers | st.none(), max_size=4).map(
        lambda parts: base64.urlsafe_b64encode(written(parts)).decode()
    ),
    st.sampled_from(["-created_at", "-updated_at", "position", "-sequence"]).flatmap(
        lambda order: st.tuples(
            st.just(order), st.integers() | st.text(max_size=30), st.integers()
        ).map(lambda parts: base64.urlsafe_b64encode(written(list(parts))).decode().rstrip("="))
    ),
)
BOMBS = {
    "lists 5,000 deep": b"[" * 5000 + b"]" * 5000,
    "objects 5,000 deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "a list that never ends": b"[" * 1_000_000,
    "10 MB of blanks": b" " * 10_000_000,
    "4 MB of one text": written({"title": "a" * 4_000_000}),
    "100,000 keys": written({f"k{number}": 1 for number in range(100_000)}),
    "100,000 items": written({"messages": [{}] * 100_000}),
    "a number of 100,000 digits": b'{"amount":' + b"9" * 100_000 + b"}",
    "a number with a huge exponent": b'{"amount":1e999999999}',
    "one key 10,000 times": b"{" + b'"title":"a",' * 10_000 + b'"title":"b"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"title":"a"}'.encode("utf-16"),
    "NUL": b'{"title":"\\u0000"}',
    "a raw NUL": b'{"title":"\0"}',
    "half a character": b'{"title":"\\ud800"}',
    "half a character in a key": b'{"\\udfff":1}',
    "no UTF-8": b'{"title":"\xff"}',
    "two documents": b"{}{}",
    "a comment": b"{/* */}",
}


@pytest.fixture
def sender(db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sends a request as Ann's application, and holds whatever must hold of any answer."""
    # Nobody is making an answer here: with no place to wait in, a look-up does not wait for one.
    monkeypatch.setattr(waiting, "_places", threading.Semaphore(0))
    key = access_keys.create_key(
        name="application", scopes=SCOPES, actor="system", at=timezone.now()
    ).key
    # By the API, since rows that tests make without it lack what `verify` looks for.
    made = ApiClient(key, "ann").post("/conversations", {"messages": [MESSAGE]}).json()
    ids = ids_of_ann(conversation_id=made["id"])

    def send(act: Any, *, query: str = "", body: bytes = b"", **headers: str) -> Any:
        before = stored()
        path = "/api/v1" + act.path(lambda name: headers.pop(f"_{name}", ids[name]))
        named = {"Authorization": f"Bearer {key}", "X-User-Id": "ann"} | {
            name: value for name, value in headers.items() if not name.startswith("_")
        }
        content_type = named.pop("Content-Type", "application/json")
        response = Client(raise_request_exception=False).generic(
            act.method, path, body, content_type=content_type, headers=named,
            query_string=query,
        )  # fmt: skip
        content = b"".join(response.streaming_content) if response.streaming else response.content
        assert response.status_code < 500, content
        if response.status_code >= 400:
            assert stored() == before, (act, response.status_code)
            if response["Content-Type"] == "application/problem+json":
                assert orjson.loads(content)["status"] == response.status_code
        return response

    return send


@pytest.fixture(autouse=True)
def books_are_right_afterwards(db: None) -> Iterator[None]:
    yield
    wrong = [said for check in declarations.checks() for said in check.find()]
    assert wrong == []


class TestNoRouteFallsOver:
    @HARD
    @given(act=st.sampled_from(ACTS), body=bodies)
    def test_bodies(self, sender: Any, act: Any, body: bytes) -> None:
        sender(act, body=body)

    @HARD
    @given(act=st.sampled_from(ACTS), given_headers=st.dictionaries(names, header, max_size=4))
    def test_headers(self, sender: Any, act: Any, given_headers: dict[str, str]) -> None:
        sender(act, body=b"{}", **given_headers)

    @HARD
    @given(act=st.sampled_from(ACTS), credentials=header)
    def test_credentials(self, sender: Any, act: Any, credentials: str) -> None:
        with trusting(public_pem(rsa_key("one"))):
            response = sender(act, Authorization=f"Bearer {credentials}")

        assert response.status_code in (200, 400, 401)
        assert response.status_code != 200 or act.route in ("/schema", "/docs")

    @HARD
    @given(
        part=st.sampled_from([0, 1, 2]),
        place=st.integers(0, 200),
        letter=st.characters(max_codepoint=255),
    )
    def test_tokens_with_a_letter_changed(
        self, sender: Any, part: int, place: int, letter: str
    ) -> None:
        [act] = [act for act in ACTS if str(act) == "GET /conversations"]
        parts = SIGNED.split(".")
        changed = parts[part]
        place %= len(changed)
        parts[part] = changed[:place] + letter + changed[place + 1 :]
        with trusting(public_pem(rsa_key("one"))):
            response = sender(
                act, Authorization=f"Bearer {'.'.join(parts)}", **{"X-User-Id": "ann"}
            )

        assert response.status_code == (200 if ".".join(parts) == SIGNED else 401)

    @HARD
    @given(
        act=st.sampled_from([act for act in ACTS if act.method == "GET"]),
        query=st.dictionaries(
            st.sampled_from(
                ["limit", "order", "archived", "q", "format", "days", "amount", "type", "from",
                 "to", "a", "namespace", "locale", "at"]
            ),
            st.text(max_size=30) | numbers.map(str) | st.sampled_from(["+1", " 1 ", "1_0", "٣"]),
            max_size=3,
        ),
        cursor=st.none() | cursors,
    )  # fmt: skip
    def test_queries_and_cursors(
        self, sender: Any, act: Any, query: dict[str, str], cursor: str | None
    ) -> None:
        given_query = query | ({} if cursor is None else {"cursor": cursor})
        encoded = {
            name: value.encode("utf-8", "surrogatepass") for name, value in given_query.items()
        }
        sender(act, query=urlencode(encoded))

    @HARD
    @given(act=st.sampled_from(ACTS), raw=st.binary(max_size=60))
    def test_raw_queries(self, sender: Any, act: Any, raw: bytes) -> None:
        sender(act, query=raw.decode("latin-1"))

    @HARD
    @given(
        act=st.sampled_from([act for act in ACTS if act.parameters]), path_id=st.text(max_size=50)
    )
    def test_ids(self, sender: Any, act: Any, path_id: str) -> None:
        sent = quote(path_id.encode("utf-8", "surrogatepass"), safe="")
        sender(act, body=b"{}", **{f"_{name}": sent for name in act.parameters})

    def test_bombs(self, sender: Any, subtests: pytest.Subtests) -> None:
        for name, bomb in BOMBS.items():
            with subtests.test(name):
                for act in ACTS:
                    if act.method in ("POST", "PUT", "PATCH"):
                        sender(act, body=bomb)

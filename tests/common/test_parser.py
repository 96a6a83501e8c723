import pytest

from conversations.models import Conversation, Message
from tests.asserts import assert_problem
from tests.client import ApiClient

LONGEST = b"9223372036854775807"

UNSTORABLE = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "a number too large": b"1e999",
    "a negative number too large": b"-1e999",
    "a NUL": rb'"a\u0000b"',
    "a NUL in a key": rb'{"a\u0000b": 1}',
    "a lone high surrogate": rb'"\ud800"',
    "a lone low surrogate": rb'"\udc00x"',
    "a lone surrogate in a key": rb'{"\ud800": 1}',
    "2**63": b"9223372036854775808",
    "-(2**63) - 1": b"-9223372036854775809",
    "2**64": b"18446744073709551616",
    "an integer of 30 digits": b"1" * 30,
    "an integer of 5,000 digits": b"1" * 5000,
}
UNREADABLE = {
    "invalid UTF-8": b'{"title": "\xff"}',
    "a surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"title": "a"}'.encode("utf-16"),
    "blanks alone": b"  ",
    "an open object": b'{"title": "a"',
    "something after the end": b"{} {}",
    "a comment": b"{} // nothing",
    "single quotes": b"{'title': 'a'}",
    "a raw control character": b'{"title": "a\x01"}',
}
NO_OBJECTS = {"a list": b"[]", "a text": b'"a"', "a number": b"5", "true": b"true", "null": b"null"}


def body_with(value: bytes) -> bytes:
    return b'{"metadata": {"value": ' + value + b"}}"


def nested(depth: int) -> bytes:
    """A body of that many lists and objects inside each other, its own and `metadata` counted."""
    return body_with(b"[" * (depth - 2) + b"]" * (depth - 2))


class TestABodyThatCannotBeStored:
    @pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
    def test_is_refused(self, person: ApiClient, value: bytes) -> None:
        response = person.post("/conversations", raw=body_with(value))

        assert_problem(response, 400, "malformed_json")
        assert not Conversation.objects.exists()

    # The parser has a second way for bodies with long numbers.
    @pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
    def test_is_refused_beside_a_long_number(self, person: ApiClient, value: bytes) -> None:
        response = person.post(
            "/conversations", raw=body_with(b"[" + LONGEST + b"," + value + b"]")
        )

        assert_problem(response, 400, "malformed_json")
        assert not Conversation.objects.exists()

    def test_is_told_where_it_is_wrong(self, person: ApiClient) -> None:
        response = person.post("/conversations", raw=body_with(rb'[0, "\u0000"]'))

        assert "/metadata/value/1" in assert_problem(response, 400, "malformed_json")["detail"]


class TestABodyOfTheMostValues:
    # The body and its members count as well: `metadata` and `value` are two.
    def test_is_taken(self, person: ApiClient) -> None:
        response = person.post("/conversations", raw=body_with(b"[" + b"1," * 99_997 + b"1]"))

        assert response.status_code == 201
        assert len(response.json()["metadata"]["value"]) == 99_998

    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "/conversations"), ("POST", "/cache/key"), ("PUT", f"/cache/entries/{'a' * 64}")],
    )
    @pytest.mark.parametrize(
        "value",
        [
            b"[" + b"1," * 99_998 + b"1]",
            b"[" + b"[]," * 1_700_000 + b"1]",
            b'[{"' + b'a":1,"' * 100_000 + b'"a":1}]',
            b"[" * 100_000,
        ],
        ids=["numbers", "lists", "members", "depth"],
    )
    def test_is_refused_with_one_more(
        self, person: ApiClient, method: str, path: str, value: bytes
    ) -> None:
        response = person.request(method, path, raw=body_with(value))

        assert assert_problem(response, 413, "too_many_values")["max_values"] == 100_000
        assert not Conversation.objects.exists()

    def test_counts_no_marks_in_texts(self, person: ApiClient) -> None:
        text = b'"' + rb",[{\"" * 200_000 + b'"'

        assert person.post("/conversations", raw=body_with(text)).status_code == 201


class TestABodyThatCannotBeRead:
    @pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
    def test_is_refused(self, person: ApiClient, raw: bytes) -> None:
        response = person.post("/conversations", raw=raw)

        assert_problem(response, 400, "malformed_json")
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
    def test_is_refused_with_a_long_number(self, person: ApiClient, raw: bytes) -> None:
        response = person.post("/conversations", raw=raw + b"," + LONGEST)

        assert_problem(response, 400, "malformed_json")
        assert not Conversation.objects.exists()


class TestABodyThatIsNoObject:
    @pytest.mark.parametrize("raw", NO_OBJECTS.values(), ids=NO_OBJECTS)
    def test_is_refused(self, person: ApiClient, raw: bytes) -> None:
        response = person.post("/conversations", raw=raw)

        assert_problem(response, 400, "invalid_request")
        assert not Conversation.objects.exists()

    def test_is_an_empty_object_when_it_is_missing(self, person: ApiClient) -> None:
        conversation = person.post("/conversations").json()["id"]

        response = person.post(f"/conversations/{conversation}/messages")

        problem = assert_problem(response, 400, "invalid_request")
        assert "role" in problem["errors"]
        assert not Message.objects.exists()


class TestIntegers:
    @pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1, 0, 10**18])
    def test_are_kept_exactly_within_64_bits(self, person: ApiClient, number: int) -> None:
        made = person.post("/conversations", raw=body_with(str(number).encode())).json()

        kept = person.get(f"/conversations/{made['id']}").json()["metadata"]["value"]

        assert (kept, type(kept)) == (number, int)


class TestNesting:
    def test_is_kept_down_to_a_depth_of_100(self, person: ApiClient) -> None:
        made = person.post("/conversations", raw=nested(100))

        assert made.status_code == 201, made.content
        kept = person.get(f"/conversations/{made.json()['id']}").json()["metadata"]["value"]
        assert str(kept) == "[" * 98 + "]" * 98

    def test_is_refused_from_a_depth_of_101(self, person: ApiClient) -> None:
        response = person.post("/conversations", raw=nested(101))

        assert "100" in assert_problem(response, 400, "malformed_json")["detail"]
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
    @pytest.mark.parametrize("first", [b"0", LONGEST], ids=["short numbers", "long numbers"])
    def test_of_90_000_brackets_is_refused(
        self, person: ApiClient, bracket: bytes, first: bytes
    ) -> None:
        raw = body_with(b"[" + first + b"," + bracket * 90_000)

        response = person.post("/conversations", raw=raw)

        assert_problem(response, 400, "malformed_json")
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize("first", [b"0", LONGEST], ids=["short numbers", "long numbers"])
    def test_of_90_000_closed_brackets_is_refused(self, person: ApiClient, first: bytes) -> None:
        raw = body_with(b"[" + first + b"," + b"[" * 90_000 + b"]" * 90_000 + b"]")

        response = person.post("/conversations", raw=raw)

        assert_problem(response, 400, "malformed_json")
        assert not Conversation.objects.exists()

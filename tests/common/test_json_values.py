import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import json_values

texts = st.text(
    st.characters(exclude_categories=[]) | st.sampled_from("\0\ud800\ufffd"), max_size=4
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


def clean(value: Any) -> tuple[Any, list[str]]:
    """The cleaned value, and where something was replaced."""
    pointers: list[str] = []
    return json_values.cleaned(value, lambda at, what: pointers.append(at)), pointers


def unstorable_parts(value: Any) -> int:
    if isinstance(value, str):
        return any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, dict):
        return sum(map(unstorable_parts, [*value.keys(), *value.values()]))
    if isinstance(value, list):
        return sum(map(unstorable_parts, value))
    if isinstance(value, float):
        return not math.isfinite(value)
    return type(value) is int and not -(2**63) <= value < 2**63


def leaf_count(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(leaf_count, inner))


class TestCleaning:
    @given(value=values)
    def test_gives_what_can_be_stored(self, value: Any) -> None:
        result, _ = clean(value)

        assert unstorable_parts(result) == 0
        assert clean(result) == (result, [])

    @given(value=values)
    def test_reports_each_replacement(self, value: Any) -> None:
        assert len(clean(value)[1]) == unstorable_parts(value)

    @given(value=values.filter(lambda value: not unstorable_parts(value)))
    def test_leaves_alone_what_can_be_stored(self, value: Any) -> None:
        result, pointers = clean(value)

        assert (json.dumps(result), pointers) == (json.dumps(value), [])

    @given(value=values)
    def test_loses_no_part(self, value: Any) -> None:
        assert leaf_count(clean(value)[0]) == leaf_count(value)

    @pytest.mark.parametrize(
        ("value", "cleaned"),
        [
            (math.nan, None),
            (-math.inf, None),
            (2**63, None),
            (-(2**63) - 1, None),
            ("a\0b\ud800", "a\ufffdb\ufffd"),
            ("😀 日本", "😀 日本"),
            (True, True),
        ],
    )
    def test_makes_of_a_number_null_and_of_a_character_u_fffd(
        self, value: Any, cleaned: Any
    ) -> None:
        assert clean(value)[0] == cleaned

    def test_keeps_both_of_two_keys_that_become_alike(self) -> None:
        result, _ = clean({"a\0": 1, "a\ud800": 2})

        assert sorted(result.values()) == [1, 2]

    @pytest.mark.parametrize("keys", [("a\0", "a\ufffd"), ("a\ufffd", "a\0")])
    def test_keeps_the_name_of_a_key_that_needed_no_cleaning(self, keys: tuple[str, str]) -> None:
        result, _ = clean({key: list(key.encode()) for key in keys})

        assert result["a\ufffd"] == list("a\ufffd".encode())


class TestAReport:
    def test_points_to_the_value(self) -> None:
        assert clean({"a": [0, {"b": math.nan}]})[1] == ["/a/1/b"]

    def test_escapes_slash_and_tilde_as_json_pointers_do(self) -> None:
        assert clean({"a/b": math.nan, "c~d": math.inf})[1] == ["/a~1b", "/c~0d"]

    def test_can_itself_be_written_as_utf_8(self) -> None:
        _, pointers = clean({"a\ud800": math.nan})

        assert len(pointers) == 2
        assert all(pointer.encode() for pointer in pointers)


class TestAValueThatCanBeStored:
    @given(value=values)
    def test_is_one_that_cleaning_leaves_alone(self, value: Any) -> None:
        assert json_values.is_storable(value) is (unstorable_parts(value) == 0)


class TestReadingWhatCanBeStored:
    @given(value=values)
    def test_gives_the_same_or_refuses(self, value: Any) -> None:
        self.assert_the_same(json_text(value))

    @pytest.mark.parametrize(
        "text",
        [
            "-0", "-0.0", "1e400", "[9223372036854775807]", "[-9223372036854775808]", "[1e19]",
            "[9223372036854775808]", "[18446744073709551616]", '{"a": -9223372036854775809}',
            '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '{"\\u0000": 1}', "[NaN]", "Infinity",
            '{"a": 1, "b": 2, "a": 3}', "[1,]", "\ufeff{}", "[" * 100 + "]" * 100,
            "[" * 101 + "]" * 101, '{"a":' * 99 + "[7]" + "}" * 99,
            '{"a":' * 100 + "[]" + "}" * 100,
        ],
    )  # fmt: skip
    def test_refuses_what_would_be_read_as_something_else(self, text: str) -> None:
        self.assert_the_same(text.encode())

    def test_does_not_refuse_what_is_plain(self) -> None:
        body = json_text({"a": [1, -1.5, None, True, "é", {"b": "\\u00e9"}]})

        assert json_values.loads_storable(body) == json.loads(body)

    def assert_the_same(self, body: bytes) -> None:
        try:
            value = json_values.loads_storable(body)
        except ValueError:
            return
        read = json_values.loads(body.decode())
        assert repr(value) == repr(read)  # which tells 1 from 1.0 and from true
        assert json_values.is_storable(read)


def json_text(value: Any) -> bytes:
    return json.dumps(value).encode()


def value_count(value: Any) -> int:
    """Items of lists and members of objects; of an empty one it counts one for what is missing."""
    inner = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(inner, list):
        return 0
    return (len(inner) or 1) + sum(map(value_count, inner))


class TestCounting:
    @given(value=values)
    def test_finds_as_many_values_as_there_are(self, value: Any) -> None:
        body, count = json_text([value, ",[{", '"\\', {",": "["}]), value_count(value) + 5

        assert not json_values.has_more_values(body, count)
        assert json_values.has_more_values(body, count - 1)

    @pytest.mark.parametrize(
        "body",
        [b'"' * 5_000_000, b'"' + b'\\"' * 2_500_000, b'["' + b"," * 5_000_000 + b'"]'],
        ids=["quotes", "escaped quotes", "commas in a text"],
    )
    def test_reads_nothing_twice(self, body: bytes) -> None:
        # Twice over five million characters would not end.
        assert not json_values.has_more_values(body, 100_000)

    def test_ends_at_the_first_value_too_many(self) -> None:
        assert json_values.has_more_values(b"[]," * 1_700_000, 100_000)


class TestDepth:
    def test_of_100_is_taken(self) -> None:
        value: Any = 0
        for _ in range(100):
            value = [value]

        assert clean(value) == (value, [])

    @pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
    def test_of_101_is_refused(self, wrap: Any) -> None:
        value: Any = 0
        for _ in range(101):
            value = wrap(value)

        with pytest.raises(json_values.NestedTooDeep):
            clean(value)
        with pytest.raises(json_values.NestedTooDeep):
            json_values.is_storable(value)

    def test_of_100_can_be_stored(self) -> None:
        value: Any = 0
        for _ in range(100):
            value = [value]

        assert json_values.is_storable(value)


class TestLoading:
    @pytest.mark.parametrize("digits", ["1" * 30, "-" + "1" * 30, "9" * 10_000])
    def test_takes_integers_of_any_size_without_reckoning(self, digits: str) -> None:
        assert not math.isfinite(json_values.loads(digits))

    @pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**63])
    def test_keeps_integers_of_64_bits(self, number: int) -> None:
        assert json_values.loads(str(number)) == number

    def test_refuses_a_depth_bomb(self) -> None:
        with pytest.raises(json_values.NestedTooDeep):
            json_values.loads("[" * 100_000 + "]" * 100_000)

    @pytest.mark.parametrize("text", ["", "{", "[1,]", "nul", "\ufeff{}"])
    def test_refuses_what_is_no_json(self, text: str) -> None:
        with pytest.raises(ValueError):
            json_values.loads(text)

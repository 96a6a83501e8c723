"""Keys: golden vectors for any client, and what does and does not make another key."""

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from querycache import keys
from querycache.keys import CacheRequest, canonical_json
from tests.client import ApiClient
from tests.querycache import cache

VECTORS = Path(settings.BASE_DIR) / "docs" / "examples" / "cache_key_vectors.json"
BIG: dict[str, Any] = {
    "query": "Compare these heat pumps",
    "context": {
        "messages": [{"id": number, "text": f"line {number}"} for number in range(300)],
        "budget": {"minimum": 0.5, "maximum": 1e5},
    },
    "model": "a/one",
    "parameters": {f"option{number}": number for number in range(400)},
}


def vectors(version: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())
    return [vector for vector in found if vector["version"] == version]


def key(request: dict[str, Any], *, ignore_case: bool = False) -> str:
    question = CacheRequest(**request)
    return question.key_ignoring_case if ignore_case else question.key


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for name, item in items for leaf in leaves(item, (*path, name))]
    return [path]


def flipped(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return f"{value} flipped"
    copied = value.copy()
    copied[path[0]] = flipped(value[path[0]], path[1:])
    return copied


class TestTheVectors:
    def test_have_the_canonical_texts_and_keys_of_our_code(self) -> None:
        assert len(vectors(2)) >= 20
        for vector in vectors(2):
            question, ignore_case = CacheRequest(**vector["request"]), vector["ignore_case"]
            assert question.canonical(ignore_case=ignore_case) == vector["canonical"]
            assert key(vector["request"], ignore_case=ignore_case) == vector["key"]

    def test_of_version_1_lower_the_query_and_are_no_keys_of_ours(self) -> None:
        assert len(vectors(1)) >= 10
        for vector in vectors(1):
            question = CacheRequest(**vector["request"])
            query = question.query.strip(keys.WHITE_SPACE).lower()
            asked = asdict(question) | {"query": query, "version": 1}
            assert vector["canonical"] == canonical_json(asked)
            assert vector["key"] == keys.key_of(vector["canonical"])
            assert vector["key"] not in (question.key, question.key_ignoring_case)

    @pytest.mark.django_db
    def test_are_what_the_route_shows(self, person: ApiClient) -> None:
        cache.make_namespace("faq", ignore_case=True)
        for vector in vectors(2):
            namespace = "faq" if vector["ignore_case"] else "default"
            shown = person.post("/cache/key", vector["request"] | {"namespace": namespace}).json()
            assert shown == {"key": vector["key"], "canonical": vector["canonical"]}

    @pytest.mark.django_db
    def test_are_the_keys_of_look_ups(self, person: ApiClient) -> None:
        cache.make_namespace("faq", ignore_case=True)
        for vector in vectors(2):
            namespace = "faq" if vector["ignore_case"] else "default"
            body = vector["request"] | {"namespace": namespace}
            assert person.post("/cache/lookup", body).json()["key"] == vector["key"]


class TestAKey:
    def test_differs_for_each_of_a_thousand_fields(self) -> None:
        paths = leaves(BIG)
        found = {key(BIG)} | {key(flipped(BIG, path)) for path in paths}

        assert len(paths) >= 1000
        assert len(found) == len(paths) + 1

    @pytest.mark.django_db
    def test_is_the_same_for_any_order_and_any_spaces(self, person: ApiClient) -> None:
        def shuffled(value: Any) -> Any:
            if isinstance(value, dict):
                names = list(value)
                source.shuffle(names)
                return {name: shuffled(value[name]) for name in names}
            return [shuffled(item) for item in value] if isinstance(value, list) else value

        source, found = random.Random(1), set()

        for indent in (None, 0, 1, 7):
            body = json.dumps(shuffled(BIG), indent=indent, ensure_ascii=bool(indent))
            found.add(person.post("/cache/key", raw=body.encode()).json()["key"])

        assert found == {key(BIG)}

    def test_tells_values_apart_that_look_alike(self) -> None:
        values: list[Any] = [
            None, False, True, 0, 1, "", "0", "null", [], {}, [None], {"a": None}, 0.1, -1,
            2**53, 2**53 + 1, 2**63 - 1, -(2**63), "a", "A", "é", "e\u0301", " a", "a ",
        ]  # fmt: skip

        assert len({key({"query": "a", "context": value}) for value in values}) == len(values)

    @pytest.mark.parametrize(
        ("one", "other"), [(1.0, 1), (1e5, 100_000), (-0.0, 0), (1e20, 100000000000000000000.0)]
    )
    def test_is_the_same_for_equal_numbers(self, one: Any, other: Any) -> None:
        assert key({"query": "a", "context": one}) == key({"query": "a", "context": other})

    def test_does_not_tell_missing_fields_from_their_defaults(self) -> None:
        full = {"query": "a", "context": None, "model": None, "parameters": {}}

        assert key({"query": "a"}) == key(full)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("\t A\u00a0\u2003", "a"),
            ("ΣΑΣ", "σας"),
            ("İ", "i\u0307"),
            ("I", "i"),
        ],
    )
    def test_ignores_case_as_unicode_has_it_where_told(self, one: str, other: str) -> None:
        assert key({"query": one}, ignore_case=True) == key({"query": other}, ignore_case=True)
        assert key({"query": one}) != key({"query": other})

    def test_is_another_one_where_case_is_ignored(self) -> None:
        # Or a namespace that no longer ignores it would serve what was meant for other letters.
        assert key({"query": "a"}, ignore_case=True) != key({"query": "a"})

    def test_trims_the_query(self) -> None:
        assert key({"query": "\t A\u00a0\u2003"}) == key({"query": "A"})

    def test_keeps_what_only_python_calls_white_space(self) -> None:
        assert key({"query": "\x1ca"}) != key({"query": "a"})

    def test_is_another_one_in_another_version(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = key({"query": "a"})

        monkeypatch.setattr(keys, "KEY_VERSION", 3)

        assert key({"query": "a"}) != first


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.1, "0.1"), (1.5, "1.5"), (-1.5, "-1.5"), (1e21, "1e+21"), (1.25e22, "1.25e+22"),
            (123456789012345680000.0, "123456789012345680000"), (1e-6, "0.000001"),
            (1.5e-6, "0.0000015"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"), (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"), (4.35, "4.35"), (-0.0, "0"),
            (0.00001, "0.00001"), (9007199254740994.0, "9007199254740994"),
        ],
    )  # fmt: skip
    def test_are_written_as_javascript_does(self, value: float, text: str) -> None:
        assert canonical_json(value) == text

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_come_back_as_they_were(self, value: float) -> None:
        assert float(canonical_json(value)) == value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
    | st.floats(-(2**53), 2**53),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@hypothesis_settings(max_examples=300, deadline=None)
@given(json_values)
def test_the_canonical_text_is_json_of_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


def test_the_document_leads_to_the_vectors() -> None:
    assert VECTORS.name in (Path(settings.BASE_DIR) / "docs" / "cache.md").read_text()

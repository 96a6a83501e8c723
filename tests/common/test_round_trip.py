import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import json_values
from conversations.models import Conversation
from tests.client import ApiClient

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
storable = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
any_text = st.text(st.characters(exclude_categories=[]) | st.sampled_from("\0\ud800"), max_size=4)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | integers | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=8,
)
examples = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def exact(value: Any) -> str:
    """Tells 1 from 1.0, 0.0 from -0.0, and one order of keys from another."""
    return json.dumps(value)


def is_storable(value: Any) -> bool:
    problems: list[str] = []
    json_values.cleaned(value, lambda at, what: problems.append(what))
    return not problems


class TestAnyJSON:
    @examples
    @given(value=storable)
    def test_comes_back_as_it_was_sent(self, person: ApiClient, value: Any) -> None:
        raw = json.dumps({"metadata": {"value": value}}).encode()
        made = person.post("/conversations", raw=raw)

        shown = person.get(f"/conversations/{made.json()['id']}")

        assert exact(made.json()["metadata"]["value"]) == exact(value)
        assert exact(shown.json()["metadata"]["value"]) == exact(value)

    @examples
    @given(value=anything)
    def test_is_kept_if_it_can_be_stored_and_refused_otherwise(
        self, person: ApiClient, value: Any
    ) -> None:
        before = Conversation.objects.count()

        response = person.post(
            "/conversations", raw=json.dumps({"metadata": {"value": value}}).encode()
        )

        assert response.status_code == (201 if is_storable(value) else 400), response.content
        assert Conversation.objects.count() == before + is_storable(value)

    @examples
    @given(raw=st.binary(max_size=60))
    def test_is_never_a_500_whatever_the_bytes(self, person: ApiClient, raw: bytes) -> None:
        response = person.post("/conversations", raw=b'{"metadata": {"value": ' + raw + b"}}")

        assert response.status_code in (201, 400), response.content

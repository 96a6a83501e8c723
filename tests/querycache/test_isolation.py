"""Nothing put under one namespace, owner or key version is ever returned to another.

A model of what may be read is kept beside the cache, while all routes are called in any order by
several persons, in private and shared namespaces, under two key versions.
"""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from querycache import keys
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db

PEOPLE = ("ann", "bob", "Ann", "ann ")
NAMESPACES = {"default": "private", "Default": "private", "faq": "shared"}
QUERIES = ("a", "b")

acts = st.tuples(
    st.sampled_from(["lookup", "lookup", "store", "store by lease", "get", "delete", "tag", "all"]),
    st.sampled_from(PEOPLE),
    st.sampled_from(list(NAMESPACES)),
    st.sampled_from(QUERIES),
    st.sampled_from([1, 2]),
)


class Caller:
    """Calls the routes, and knows what each of them may see."""

    def __init__(self, key: str) -> None:
        self.clients = {user_id: ApiClient(key, user_id) for user_id in PEOPLE}
        self.stored: dict[tuple[str, str, str], str] = {}
        self.count = 0

    def do(self, act: str, user_id: str, namespace: str, query: str) -> None:
        client = self.clients[user_id]
        question = {"query": query}
        key = cache.key_of(client, question)
        shared = NAMESPACES[namespace] == "shared"
        place = (namespace, "" if shared else user_id, key)
        expected = self.stored.get(place)
        if act.startswith("store"):
            self._store(act, client, place, question)
        elif act == "get":
            response = client.get(cache.entry_path(key, namespace))
            assert (response.json().get("result") if response.status_code == 200 else None) == (
                expected
            )
        elif act == "delete":
            client.delete(cache.entry_path(key, namespace))
            self.stored.pop(place, None)
        elif act in ("tag", "all"):
            what: dict[str, Any] = {"all": True} if act == "all" else {"tags": ["every"]}
            client.post("/cache/invalidate", {"namespace": namespace, **what})
            self.stored = {
                other: text for other, text in self.stored.items() if other[0] != namespace
            }
        else:
            found = cache.look_up(client, question, namespace=namespace)
            assert found["result"] == expected
            assert found["status"] == ("miss" if expected is None else "hit")

    def _store(
        self, act: str, client: ApiClient, place: tuple[str, str, str], question: dict[str, Any]
    ) -> None:
        namespace, _, key = place
        lease = None
        if act == "store by lease":
            lease = cache.look_up(client, question, namespace=namespace)["lease"]
            if lease is None:
                return
        self.count += 1
        text = f"{self.count} of {place}"
        token = {} if lease is None else {"lease": lease["token"]}
        response = cache.store(client, key, text, namespace=namespace, tags=["every"], **token)
        assert response.status_code in (200, 201)
        self.stored[place] = text


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(acts, min_size=5, max_size=25))
def test_nothing_is_returned_to_another(
    key: str, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, str, str, str, int]]
) -> None:
    with transaction.atomic():
        for name, sharing in NAMESPACES.items():
            if name != "default":
                cache.make_namespace(name, sharing=sharing)
        caller = Caller(key)

        for act, user_id, namespace, query, version in steps:
            monkeypatch.setattr(keys, "KEY_VERSION", version)
            caller.do(act, user_id, namespace, query)

        transaction.set_rollback(True)

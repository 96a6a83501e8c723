"""What holds for every route of the API, however many there are: the URL resolver names them.

Who may call which is tried in tests/access/test_matrix.py.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from access.services import persons
from billing.models import CreditHold, CreditTransaction
from billing.services import credits, holds
from common.idempotency import RequestKey
from querycache.models import CacheEntry
from querycache.services import entries
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of

OPEN_TO_ALL = {"/schema", "/docs"}
# Parameters in the path that are nobody's id: a value that is known, and what an unknown one gets.
NOBODYS = {"purpose": ("marketing", "purpose_unknown")}

# By the name of the parameter in the path: something of Ann's, and its id.
OWNED: dict[str, Callable[[], object]] = {
    "conversation_id": lambda: make_conversation_of(3).uid,
    "transaction_id": lambda: make_charge().uid,
    "hold_id": lambda: make_hold().uid,
    "key": lambda: make_cache_entry().key_hash,
    "user_id": lambda: make_person(),
}
NO_KEY = RequestKey(None, "x" * 64)


def make_person() -> str:
    """Not Ann, who is known by her other rows."""
    persons.meet_persons(["carl"])
    return "carl"


def make_charge() -> CreditTransaction:
    return credits.add_transaction(
        user_id="ann",
        new=credits.NewTransaction(type="deduct", amount=-3),
        actor="system",
        at=timezone.now(),
        request_key=NO_KEY,
    ).row


def make_hold() -> CreditHold:
    return holds.place_hold(
        user_id="ann",
        amount=3,
        ttl_seconds=300,
        description="",
        actor="system",
        at=timezone.now(),
        request_key=NO_KEY,
    ).row


def make_cache_entry() -> CacheEntry:
    return entries.store_answer(
        namespace="default",
        user_id="ann",
        key=hashlib.sha256(b"a key").hexdigest(),
        answer=entries.NewAnswer(text='"an answer"', value="an answer"),
        token=None,
        at=timezone.now(),
    ).entry


# Bodies that are right, for the acts that look at the body before they look for the row.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/conversations/<uid:conversation_id>/messages"): {"role": "user", "content": "a"},
    ("POST", "/consent/query"): {"user_ids": ["ann"], "purpose": "marketing"},
    ("PUT", "/consent"): {"purposes": {"marketing": True}},
    ("PUT", "/cache/entries/<cache_key:key>"): {"result": "an answer"},
}
# Anybody may compute the key of a request: storing under it makes an entry of one's own.
MAKES_ONES_OWN = {("PUT", "/cache/entries/<cache_key:key>")}

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Act:
    """One method of one route below /api/v1, as the resolver has it."""

    method: str
    route: str
    scopes: tuple[str, ...]

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.route)

    def path(self, value: Callable[[str], object]) -> str:
        return PARAMETER.sub(lambda match: str(value(match[1])), self.route)

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        else:
            yield route, pattern


def all_acts() -> list[Act]:
    """Every method of every route; HEAD, which is GET without the body, is left out."""
    found = []
    for route, pattern in patterns(get_resolver()):
        if not route.startswith("api/v1/"):
            continue
        view: Any = pattern.callback
        actions = getattr(view, "actions", None) or {"get": None}
        for method, action in actions.items():
            if method != "head":
                required = view.cls.required_scopes[action] if action else ()
                scopes = (required,) if isinstance(required, str) else tuple(required)
                found.append(Act(method.upper(), route.removeprefix("api/v1"), scopes))
    return found


ACTS = [act for act in all_acts() if act.route not in OPEN_TO_ALL]
# DELETE last, so that a row is there for the others.
ACTS_ON_ONE = sorted(
    # Service keys are trusted with all persons: tests/access/test_persons.py.
    (act for act in ACTS if set(act.parameters) - set(NOBODYS) - {"user_id"}),
    key=lambda act: act.method == "DELETE",
)


def ids_of_ann(**given: object) -> dict[str, object]:
    """A value for each parameter in a path but those given: of rows, ids of new ones of Ann's."""
    known = {name: value for name, (value, _) in NOBODYS.items()} | given
    return known | {name: make() for name, make in OWNED.items() if name not in known}


def send(client: ApiClient, act: Act, path: str) -> Any:
    return client.request(act.method, path, BODIES.get((act.method, act.route)))


class TestEveryRoute:
    def test_is_found(self) -> None:
        routes = {act.route for act in all_acts()}

        assert routes > OPEN_TO_ALL
        assert {str(act) for act in ACTS} >= {
            "GET /conversations",
            "DELETE /conversations/<uid:conversation_id>",
            "POST /conversations/<uid:conversation_id>/messages",
        }

    def test_hides_what_belongs_to_another_person(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        unknown = {name for act in ACTS_ON_ONE for name in act.parameters} - set(OWNED)
        assert not unknown, f"Say in OWNED how to make something with the ids {unknown}."
        ids = ids_of_ann()
        before = stored()

        for act in ACTS_ON_ONE:
            if (act.method, act.route) in MAKES_ONES_OWN:
                continue
            response = send(stranger, act, act.path(ids.__getitem__))
            assert_problem(response, 404, "not_found")
            assert stored() == before, act

        # And the owner is served, so that it was not the id or the body. Each act gets rows of its
        # own, since what one act ends another could not begin.
        for act in ACTS_ON_ONE:
            response = send(person, act, act.path(lambda name: OWNED[name]()))
            assert response.status_code < 300, (str(act), response.content)

    def test_knows_what_it_names_in_its_path(self, person: ApiClient) -> None:
        for act in (act for act in ACTS if set(act.parameters) & set(NOBODYS)):
            [name] = act.parameters
            before = stored()
            response = send(person, act, act.path(lambda _: "nothing"))
            assert_problem(response, 404, NOBODYS[name][1])
            assert stored() == before, act
            assert send(person, act, act.path(lambda name: NOBODYS[name][0])).status_code == 200

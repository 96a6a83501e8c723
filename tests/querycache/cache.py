"""What the tests of the cache say often."""

import datetime
import hashlib
from typing import Any

from django.utils import timezone

from access.models import Person
from access.services import persons
from querycache.models import CacheEntry, Namespace
from querycache.services import entries, namespaces, tidying
from tests.client import ApiClient

KEY = hashlib.sha256(b"a key").hexdigest()
QUESTION = {"query": "Which heat pump?"}


def known(user_id: str = "ann") -> Person:
    """The person's row, met if need be."""
    persons.meet_persons([user_id])
    return Person.objects.get(user_id=user_id)


def key_for(number: int) -> str:
    """A key of its own for each number."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def look_up(client: ApiClient, body: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The answer's body."""
    response = client.post("/cache/lookup", (body or QUESTION) | more)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def store(client: ApiClient, key: str = KEY, result: Any = "an answer", **more: Any) -> Any:
    """The response to a store; `namespace` goes into the address."""
    namespace = more.pop("namespace", "default")
    return client.put(f"/cache/entries/{key}?namespace={namespace}", {"result": result, **more})


def entry_path(key: str = KEY, namespace: str = "default") -> str:
    return f"/cache/entries/{key}?namespace={namespace}"


def key_of(client: ApiClient, body: dict[str, Any] | None = None) -> str:
    key: str = client.post("/cache/key", body or QUESTION).json()["key"]
    return key


def make_namespace(name: str, **numbers: Any) -> Namespace:
    """A namespace with these numbers."""
    return Namespace.objects.create(name=name, **numbers)


def change(name: str = "default", **numbers: Any) -> Namespace:
    """The namespace as staff would have changed it."""
    namespace = Namespace.objects.get(name=name)
    return namespaces.change_namespace(namespace_id=namespace.pk, changes=numbers)


def put(
    number: int, *, namespace: str = "default", user_id: str = "ann", text: str = '"text"',
    at: datetime.datetime | None = None, ttl_seconds: int | None = None,
) -> CacheEntry:  # fmt: skip
    """An entry stored by the service, without tidying unless it is due."""
    answer = entries.NewAnswer(text=text, value="text", ttl_seconds=ttl_seconds)
    return entries.store_answer(
        namespace=namespace,
        user_id=user_id,
        key=key_for(number),
        answer=answer,
        token=None,
        at=at or timezone.now(),
    ).entry


def forget_pace() -> None:
    """As a process that has stored nothing yet."""
    tidying.pace = tidying.Pace()
    tidying.lease_pace = tidying.LeasePace()


def later(seconds: float) -> datetime.datetime:
    return timezone.now() + datetime.timedelta(seconds=seconds)

"""The problem bodies that docs/api.md shows are the ones that such requests get."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings

from tests.client import ApiClient
from tests.consent.answers import publish

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "api.md"
# That of a server without its migrations; tests/operations/test_health.py has it.
NOT_READY = "not_ready"
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( UTC|Z)")
# Ids, hashes and paths are those of the day on which the example was recorded.
OF_ITS_DAY = ("instance", "text_sha256")


def shown(problem: dict[str, Any]) -> dict[str, Any]:
    """The body without what is another one each time."""
    kept = {name: value for name, value in problem.items() if name not in OF_ITS_DAY}
    return {
        name: TIME.sub("TIME", value) if isinstance(value, str) else value
        for name, value in kept.items()
    }


def examples() -> list[dict[str, Any]]:
    blocks = re.findall(r"^```http\n[^`]*?\n\n(\{.*?\})\n```", DOCUMENT.read_text(), re.M | re.S)
    problems = [orjson.loads(block) for block in blocks if '"urn:steward:problem:' in block]
    return [shown(problem) for problem in problems if problem["code"] != NOT_READY]


def conversations(person: ApiClient) -> list[Any]:
    keyed = {"idempotency_key": "create-1"}
    made = person.post("/conversations", {"title": "Which database?"}, **keyed).json()
    path = f"/conversations/{made['id']}"
    answers = [
        person.patch(path, {"titel": "A typing error"}),
        person.post("/conversations", {"title": "Another"}, **keyed),
    ]
    person.delete(path)
    return [*answers, person.get(path)]


def billing(person: ApiClient) -> list[Any]:
    person.post("/usage/increment", {"amount": 1})
    transactions = "/credits/transactions"
    charge = person.post(transactions, {"type": "deduct", "amount": 12}).json()["id"]
    items = [{"type": "deduct", "amount": 2}, {"type": "deduct", "amount": 300}]
    answers = [
        person.post("/usage/increment", {"amount": 10}),
        person.post(transactions, {"type": "deduct", "amount": 60}),
        person.post(f"{transactions}/batch", {"transactions": items}),
    ]
    person.post(f"{transactions}/{charge}/refund", {"amount": 4})
    hold = person.post("/credits/holds", {"amount": 10}).json()["id"]
    person.post(f"/credits/holds/{hold}/release", {})
    return [
        *answers,
        person.post(f"{transactions}/{charge}/refund", {"amount": 9}),
        person.post(f"/credits/holds/{hold}/capture", {}),
    ]


def consent(person: ApiClient) -> list[Any]:
    publish("marketing", version=2)
    return [
        person.put("/consent/marketing", {"policy_version": 1}),
        person.delete("/consent/terms"),
    ]


@pytest.mark.django_db(transaction=True)
def test_each_is_what_the_api_answers(person: ApiClient) -> None:
    answers = [*conversations(person), *billing(person), *consent(person)]

    told = [shown(answer.json()) for answer in answers]

    assert len(examples()) == len(told)
    for example, answer in zip(examples(), told, strict=True):
        assert example == answer

"""The API against its own description: every route with generated requests, right and wrong.

`CONTRACT_EXAMPLES=500` looks further than the suite does, at random.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.utils import timezone
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from access.scopes import SCOPES
from access.services import keys
from common import declarations
from querycache import waiting
from tests.common.test_openapi import undescribed

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "0"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 6,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
# A request may fit its schema and yet be refused: a cursor of another list, a tier that there is
# not. And a wrong header or an empty query may be replaced or left out on its way; of bodies we
# hold below that what is outside of the schema is refused.
UNTRUE = [positive_data_acceptance, negative_data_rejection]

ONE = "/api/v1/conversations/{conversation_id}"
# Not config.wsgi, whose limits for the web application would hold in every later test.
schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", WSGIHandler())


@pytest.fixture
def headers(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    # Nobody is making an answer here: with no place to wait in, a look-up does not wait for one.
    monkeypatch.setattr(waiting, "_places", threading.Semaphore(0))
    key = keys.create_key(name="application", scopes=SCOPES, actor="system", at=timezone.now()).key
    yield {"Authorization": f"Bearer {key}", "X-User-Id": "ann"}
    assert [said for check in declarations.checks() for said in check.find()] == []


def has_wrong_body(case: Any) -> bool:
    part = case.meta.components.get(ParameterLocation.BODY)
    return part is not None and part.mode == GenerationMode.NEGATIVE


@schema.parametrize()
@SETTINGS
def test_a_request_is_answered_as_described(case: Any, headers: dict[str, str]) -> None:
    response = case.call_and_validate(headers=headers, excluded_checks=UNTRUE)

    assert not (has_wrong_body(case) and response.status_code < 300), case.as_curl_command()
    assert undescribed(case.operation.definition.raw, response) == set(), case.as_curl_command()


def call(method: str, path: str, **given: Any) -> Any:
    """One right request, whose answer is held to its description."""
    case = schema[path][method].Case(media_type="application/json", **given)
    return case.call_and_validate().json()


@pytest.mark.parametrize("stage", [None, [], [{"model": "a"}], {"model": "a"}])
def test_a_message_with_and_without_stages_is_as_described(
    headers: dict[str, str], stage: Any
) -> None:
    stages = dict.fromkeys(("stage1", "stage2", "stage3"), stage)
    answer = {"role": "assistant", "content": "b", **stages}
    body = {"messages": [{"role": "user", "content": "a"}, answer]}

    made = call("POST", "/api/v1/conversations", headers=headers, body=body)
    one = {"path_parameters": {"conversation_id": made["id"]}, "headers": headers}
    call("POST", f"{ONE}/messages", body=answer, **one)

    read, listed = call("GET", ONE, **one), call("GET", f"{ONE}/messages", **one)
    for page in (read["messages"], listed["results"]):
        assert [message["stage2"] for message in page] == [None, stage, stage]

"""With the gate on, nothing of a person is kept without their consent to keeping it."""

from typing import Any

import pytest

from tests.asserts import assert_problem, stored
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

MESSAGE = {"role": "user", "content": "a"}


def test_conversations_are_kept_without_asking_by_default(person: ApiClient) -> None:
    assert person.post("/conversations", {}).status_code == 201


def test_conversations_and_messages_are_kept_with_consent_alone(
    person: ApiClient, settings: Any
) -> None:
    settings.CONSENT_GATES = ["history_storage"]
    person.put("/consent/history_storage", {})
    made = person.post("/conversations", {"messages": [MESSAGE]}).json()
    person.delete("/consent/history_storage")
    before = stored()

    for path, body in (
        ("/conversations", {"messages": [MESSAGE]}),
        (f"/conversations/{made['id']}/messages", MESSAGE),
    ):
        problem = assert_problem(person.post(path, body), 403, "consent_required")
        assert problem["purposes"] == [{"purpose": "history_storage", "policy_version": None}]

    assert stored() == before
    # What was kept before can still be read and taken away.
    assert person.get(f"/conversations/{made['id']}").status_code == 200
    assert person.delete(f"/conversations/{made['id']}").status_code == 204

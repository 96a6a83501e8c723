"""The API's operations one after the other: what one answers with, the next is asked for."""

import os
from typing import Any

import hypothesis
from schemathesis.specs.openapi.checks import ignored_auth

from tests.access.test_contract import UNTRUE, headers, schema  # noqa: F401  (a fixture)

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "0"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 8,
    stateful_step_count=8,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def test_a_sequence_is_answered_as_described(headers: dict[str, str]) -> None:  # noqa: F811
    class Sequence(schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers}

        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            # The good credentials above stand in for any that were made up.
            case.validate_response(response, excluded_checks=[*UNTRUE, ignored_auth])

    Sequence.run(settings=SETTINGS)

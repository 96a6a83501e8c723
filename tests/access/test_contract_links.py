"""The API's operations one after the other: what one answers with, the next is asked for."""

import os
from typing import Any

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import ignored_auth

from tests.access.test_contract import UNTRUE, headers, schema  # noqa: F401  (a fixture)

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "8"))
# One sequence a run: ids are new each time, which looks to hypothesis like a test that changes.
SETTINGS = hypothesis.settings(
    max_examples=1,
    stateful_step_count=20,
    phases=[hypothesis.Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_a_sequence_is_answered_as_described(
    headers: dict[str, str],  # noqa: F811
    seed: int,
) -> None:
    @hypothesis.seed(seed)
    class Sequence(schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers}

        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            # The good credentials above stand in for any that were made up.
            case.validate_response(response, excluded_checks=[*UNTRUE, ignored_auth])

    run_state_machine_as_test(Sequence, settings=SETTINGS)

"""The API against its own description: every route with generated requests, right and wrong.

`CONTRACT_EXAMPLES=500` looks further than the suite does, at random.
"""

import os
from typing import Any

import hypothesis
import pytest
import schemathesis

from access import services
from access.scopes import SCOPES
from config.wsgi import application

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "0"))

schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", application)
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 25,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.mark.django_db
@schema.parametrize()
@SETTINGS
def test_a_request_is_answered_as_described(case: Any) -> None:
    key = services.create_key(name=f"k{services.ApiKey.objects.count()}", scopes=SCOPES, by="x").key
    case.call_and_validate(headers={"Authorization": f"Bearer {key}", "X-User-Id": "ann"})

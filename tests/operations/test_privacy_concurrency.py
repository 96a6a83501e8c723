"""A person is forgotten while their application goes on writing."""

from collections import Counter

import pytest

from common import declarations
from operations.models import Erasure
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of
from tests.operations.persons import rows_by_table
from tests.processes import at_once

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 6


class TestAnErasureAmongWrites:
    def test_splits_no_act_between_the_old_life_and_the_new(self, key: str) -> None:
        conversation = make_conversation_of(2).uid
        acts = [
            ("POST", "/credits/transactions", {"type": "deduct", "amount": 1}),
            ("PUT", "/consent/training_use", {}),
            ("POST", f"/conversations/{conversation}/messages", {"role": "user", "content": "a"}),
            ("POST", "/usage/increment", {}),
        ]

        def act(number: int) -> list[int]:
            person = ApiClient(key, "ann")
            if number == 0:
                return [person.post("/privacy/erase", {"confirm": "ann"}).status_code]
            method, path, body = acts[number % 4]
            return [person.request(method, path, body).status_code for _ in range(TIMES)]

        statuses = Counter(sum(at_once(act, 9), []))

        # Messages find their conversation gone, calls their quota used up.
        assert set(statuses) <= {200, 201, 404, 429}
        erasure = Erasure.objects.get()
        assert [line for check in declarations.checks() for line in check.find()] == []
        new, old = rows_by_table("ann"), rows_by_table(erasure.reference)
        for table in ("billing.credit_transaction", "consent.consent_event"):
            # Two threads each; an account begins with its allocation, in either life.
            begun = sum(rows > 0 for rows in (new[table], old[table]))
            expected = 2 * TIMES + (begun if table.startswith("billing") else 0)
            assert new[table] + old[table] == expected
        assert new["conversations.message"] == old["conversations.message"] == 0

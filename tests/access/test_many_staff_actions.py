"""Staff actions cost the same, however many there are."""

import re
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from access.models import Person, StaffAction
from access.services import mentions, persons
from billing.models import Tier
from operations.services import erase_person
from tests.access.test_staff_actions import NOW, perform
from tests.billing import books


@pytest.mark.django_db
class TestAtAnySize:
    @pytest.fixture
    def many(self) -> None:
        """As many actions as there may be, of other people's rows."""
        persons.meet_persons(f"person-{number}" for number in range(20))
        keys = list(
            Person.objects.filter(user_id__startswith="person-").values_list("pk", flat=True)
        )
        StaffAction.objects.bulk_create(
            StaffAction(
                token=f"{number:032x}", actor=f"staff:{number % 20}",
                action=f"billing.{number % 20}", app_label="billing", model_name="tier",
                object_id=str(1000 + number % 20), person_id=keys[number % 20],
                sentence="Granted 1 credit.", at=NOW,
            )
            for number in range(2000)
        )  # fmt: skip
        connection.cursor().execute("ANALYZE access_staffaction")

    def test_an_action_sends_the_same_statements_each_by_an_index(self, many: None) -> None:
        with CaptureQueriesContext(connection) as sent:
            perform()

        asked = [query["sql"] for query in sent if "access_staffaction" in query["sql"]]
        assert len(asked) == 2  # is it there, and here it is
        assert_by_index(StaffAction.objects.filter(token="0" * 32))

    def test_an_erasure_sends_the_same_statements_each_by_an_index(
        self, request: pytest.FixtureRequest
    ) -> None:
        sizes = []
        for user_id in ("ann", "zoe"):
            books.open_account(user_id)
            with CaptureQueriesContext(connection) as sent:
                erase_person(user_id=user_id, actor="system", at=NOW)
            sizes.append(len(sent))
            request.getfixturevalue("many")

        assert sizes[0] == sizes[1]
        assert_by_index(StaffAction.objects.filter(person__user_id="person-1"))
        for actions in mentions._actions_with("person-1"):
            assert_by_index(actions)

    def test_each_list_has_an_index(self, many: None) -> None:
        rows = StaffAction.objects.order_by("-pk")
        for condition in (
            {"actor": "staff:eve"}, {"person": 0}, {"action": "billing.refund"},
        ):  # fmt: skip
            assert_by_index(rows.filter(**condition)[:50])
        assert_by_index(StaffAction.objects.about(Tier.objects.get(key="pro"))[:20])


def assert_by_index(rows: QuerySet[Any]) -> None:
    plan = rows.explain()
    whole = r"SCAN access_staffaction\b(?! USING)|Seq Scan on access_staffaction\b"
    assert not re.search(whole, plan), plan

"""What verify finds when the triggers were taken away and rows were changed by hand."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from tests.client import ApiClient

pytestmark = pytest.mark.django_db


def verify() -> str:
    """The sentences of a verify that found something."""
    output = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("verify", stdout=output)
    assert end.value.code == 1
    return output.getvalue()


@pytest.fixture
def unguarded(person: ApiClient) -> Iterator[None]:
    """A ledger with a charge, a refund, a captured and an open hold, and no trigger."""
    charge = person.post("/credits/transactions", {"type": "deduct", "amount": 10}).json()
    person.post(f"/credits/transactions/{charge['id']}/refund", {"amount": 4})
    hold = person.post("/credits/holds", {"amount": 5}).json()
    person.post(f"/credits/holds/{hold['id']}/capture", {})
    person.post("/credits/holds", {"amount": 3})
    person.post("/usage/increment", {"amount": 2})
    output = StringIO()
    call_command("verify", stdout=output)
    assert "All is as it should be" in output.getvalue()
    database_triggers.drop(all_triggers("billing"))
    yield
    database_triggers.create(all_triggers("billing"))


@pytest.mark.usefixtures("unguarded")
class TestVerify:
    @pytest.mark.parametrize(
        ("damage", "sentence"),
        [
            ("UPDATE billing_creditaccount SET balance = 1000", "the account has 1000"),
            ("UPDATE billing_creditaccount SET sequence = 9", "after entry 9"),
            ("UPDATE billing_creditaccount SET held = 4", "the account holds 4, its open holds 3"),
            (
                "UPDATE billing_credittransaction SET amount = -11 WHERE sequence = 2",
                "entry 2 of -11 leaves 40",
            ),
            ("DELETE FROM billing_credittransaction WHERE sequence = 2", "entry 3 of 4 leaves 44"),
            ("DELETE FROM billing_credittransaction WHERE sequence = 4", "the captured hold"),
            (
                "UPDATE billing_credithold SET captured_amount = 2 WHERE captured_amount = 5",
                "takes what no hold captured",
            ),
            (
                "UPDATE billing_credittransaction SET amount = 11 WHERE type = 'refund'",
                "11 were given back of a charge of 10",
            ),
            ("DELETE FROM billing_creditaccount", "there are entries and no account"),
            ("UPDATE billing_usage SET daily_used = 11", "11 calls today"),
        ],
    )
    def test_names_what_was_damaged(self, damage: str, sentence: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(damage)

        assert sentence in verify()

    def test_names_every_missing_trigger(self) -> None:
        output = verify()

        shown = [line for line in output.splitlines() if "is missing; run migrate" in line]
        expected = all_triggers("billing")
        assert len(shown) + (int(output.partition("… and ")[2].split(" ")[0] or 0)) == len(expected)

"""`verify --repair` on databases that were torn: it says, does with --yes, and leaves the rest."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from operations.models import MaintenanceRun
from operations.services import erase_person
from tests.asserts import stored
from tests.attacks.sessions import findings
from tests.client import ApiClient
from tests.operations.backups import command

pytestmark = pytest.mark.django_db

ANN = "(SELECT id FROM access_person WHERE user_id = 'ann')"


@pytest.fixture(autouse=True)
def rows(person: ApiClient, stranger: ApiClient) -> None:
    """Ann's and Bob's ledgers and consents, sound and of the same numbers."""
    for one in (person, stranger):
        live(one)
    assert findings() == []


def live(person: ApiClient) -> None:
    charge = person.post("/credits/transactions", {"type": "deduct", "amount": 5}).json()["id"]
    person.post(f"/credits/transactions/{charge}/refund", {"amount": 2})
    assert person.post("/credits/holds", {"amount": 4}).status_code == 201
    assert person.put("/consent/marketing", {}).status_code == 200
    assert person.delete("/consent/marketing").status_code == 200


def without(name: str, act: Callable[[], Any]) -> None:
    """While the trigger is missing."""
    [trigger] = [trigger for trigger in all_triggers() if trigger.name == name]
    database_triggers.drop([trigger])
    act()
    database_triggers.create([trigger])


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def charge(person: ApiClient) -> None:
    made = person.post("/credits/transactions", {"type": "deduct", "amount": 1})
    assert made.status_code == 201


TEARS: dict[str, Callable[[ApiClient], None]] = {
    "an entry that moved nothing": lambda person: without(
        "billing_credittransaction_apply", lambda: charge(person)
    ),
    "a hold that is not held": lambda person: without(
        "billing_credithold_held_at_birth",
        lambda: person.post("/credits/holds", {"amount": 3}),
    ),
    "a hold's end that freed nothing": lambda person: without(
        "billing_credithold_held_at_end",
        lambda: execute(
            f"UPDATE billing_credithold SET state = 'released' WHERE person_id = {ANN}"
        ),
    ),
    "an event that moved nothing": lambda person: without(
        "consent_consentevent_apply", lambda: person.put("/consent/marketing", {})
    ),
}


class TestARepair:
    @pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
    def test_says_what_it_would_do_and_writes_nothing(
        self, person: ApiClient, tear: Callable[[ApiClient], None]
    ) -> None:
        tear(person)
        before = stored()
        assert findings() != []

        code, said = command("verify", "--repair")

        assert code == 1
        assert "Nothing was done. With --yes" in said
        assert "ann: " in said and "LEFT" not in said
        assert stored() == before
        assert not MaintenanceRun.objects.exists()

    @pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
    def test_does_it_with_yes_and_records_it(
        self, person: ApiClient, tear: Callable[[ApiClient], None]
    ) -> None:
        tear(person)

        code, said = command("verify", "--repair", "--yes")

        assert (code, findings()) == (0, []), said
        assert "All is as it should be." in said
        assert MaintenanceRun.objects.filter(task__startswith="verify --repair: ").exists()
        assert command("verify")[0] == 0
        charge(person)
        assert person.put("/consent/marketing", {}).status_code == 200
        assert findings() == []

    def test_has_nothing_to_do_on_sound_tables(self) -> None:
        before = stored()

        assert command("verify", "--repair")[0] == 0
        assert command("verify", "--repair", "--yes")[0] == 0

        assert stored() == before
        assert not MaintenanceRun.objects.exists()


UNDECIDED: dict[str, Callable[[ApiClient], None]] = {
    "a balance without an entry": lambda person: without(
        "billing_creditaccount_proved",
        lambda: execute(f"UPDATE billing_creditaccount SET balance = 99 WHERE person_id = {ANN}"),
    ),
    "an entry that is gone": lambda person: without(
        "billing_credittransaction_no_delete",
        lambda: execute(
            f"DELETE FROM billing_credittransaction WHERE person_id = {ANN} AND sequence = 2"
        ),
    ),
    "a tear in what an erasure kept": lambda person: [
        without("billing_credittransaction_apply", lambda: charge(person)),
        erase_person(user_id="ann", actor="key:tests", at=timezone.now()),
    ],
}


class TestWhatNobodyCanKnow:
    @pytest.mark.parametrize("tear", UNDECIDED.values(), ids=UNDECIDED)
    def test_is_left_and_named_with_what_to_do(
        self, person: ApiClient, tear: Callable[[ApiClient], None]
    ) -> None:
        tear(person)
        before, found = stored(), findings()
        assert found != []

        for options in ([], ["--yes"]):
            code, said = command("verify", "--repair", *options)

            assert code == 1
            assert all(f"{sentence}\n" in said for sentence in found), said
            assert "nobody can tell from the tables which side is true" in said
        assert stored() == before


class TestTheOptions:
    @pytest.mark.parametrize(
        "options", [["--yes"], ["--repair", "--json"], ["--repair", "--head=1:a"]]
    )
    def test_that_do_not_go_together_are_refused(self, options: list[str]) -> None:
        code, said = command("verify", *options)

        assert code == 2
        assert "--repair" in said

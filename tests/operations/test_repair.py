"""`verify --repair` on databases that were torn: it says, does with --yes, and leaves the rest."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from billing.models import CreditAccount, CreditHold, CreditTransaction
from common import guards, privacy
from consent.models import ConsentChain, ConsentEvent, ConsentState
from operations.models import MaintenanceRun
from tests.attacks.sessions import findings
from tests.client import ApiClient
from tests.conversations.recipes import stored
from tests.operations.backups import command

pytestmark = pytest.mark.django_db

ERASED = "erased-0f63c050-e27d-485c-be80-48a12fdc445b"
OTHER = "erased-1f63c050-e27d-485c-be80-48a12fdc445b"


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


def rename(*models: Any, person: str = "ann", erased: str = ERASED) -> None:
    """What an erasure does to these tables; the triggers let it through."""
    tables = {table.model: table for table in privacy.tables()}
    for model in models:
        assert privacy.empty(tables[model], person, erased) > 0


def without(name: str, act: Callable[[], Any]) -> None:
    """While the trigger is missing."""
    [guard] = [guard for guard in guards.registered() if guard.name == name]
    guards.drop([guard])
    act()
    guards.create([guard])


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def charge(person: ApiClient) -> None:
    made = person.post("/credits/transactions", {"type": "deduct", "amount": 1})
    assert made.status_code == 201


TEARS: dict[str, Callable[[ApiClient], None]] = {
    "an account without its entries": lambda person: rename(CreditTransaction, CreditHold),
    "an account without its entries, and its holds": lambda person: rename(CreditTransaction),
    "entries without their account": lambda person: rename(CreditAccount),
    "a chain without its events": lambda person: rename(ConsentEvent, ConsentState),
    "a chain without its events, and its states": lambda person: rename(ConsentEvent),
    "events without their chain": lambda person: rename(ConsentChain),
    "states without their events": lambda person: rename(ConsentChain, ConsentEvent),
    "an entry that moved nothing": lambda person: without(
        "billing_credittransaction_apply", lambda: charge(person)
    ),
    "a hold that is not held": lambda person: without(
        "billing_credithold_held_at_birth",
        lambda: person.post("/credits/holds", {"amount": 3}),
    ),
    "a hold's end that freed nothing": lambda person: without(
        "billing_credithold_held_at_end",
        lambda: execute("UPDATE billing_credithold SET state = 'released' WHERE user_id = 'ann'"),
    ),
    "an event that moved nothing": lambda person: without(
        "consent_consentevent_apply", lambda: person.put("/consent/marketing", {})
    ),
}
BOTH = {
    "ledger and consents at once": lambda person: rename(CreditTransaction, ConsentEvent),
    "two persons of the same numbers": lambda person: [
        rename(CreditTransaction),
        rename(CreditTransaction, person="bob", erased=OTHER),
    ],
}


class TestARepair:
    @pytest.mark.parametrize("tear", [*TEARS.values(), *BOTH.values()], ids=[*TEARS, *BOTH])
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

    @pytest.mark.parametrize("tear", [*TEARS.values(), *BOTH.values()], ids=[*TEARS, *BOTH])
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

    def test_of_an_erasure_leaves_no_text_of_the_person(self) -> None:
        rename(CreditAccount, ConsentChain)

        assert command("verify", "--repair", "--yes")[0] == 0

        for model in (CreditTransaction, CreditHold, ConsentEvent, ConsentState):
            assert not model._default_manager.filter(user_id="ann").exists()
            assert model._default_manager.filter(user_id=ERASED).exists()
        assert set(ConsentEvent.objects.filter(user_id=ERASED).values_list("reason")) == {("",)}

    def test_has_nothing_to_do_on_sound_tables(self) -> None:
        before = stored()

        assert command("verify", "--repair")[0] == 0
        assert command("verify", "--repair", "--yes")[0] == 0

        assert stored() == before
        assert not MaintenanceRun.objects.exists()


UNDECIDED: dict[str, Callable[[ApiClient], None]] = {
    "a balance without an entry": lambda person: without(
        "billing_creditaccount_proved",
        lambda: execute("UPDATE billing_creditaccount SET balance = 99 WHERE user_id = 'ann'"),
    ),
    "an entry that is gone": lambda person: without(
        "billing_credittransaction_no_delete",
        lambda: execute(
            "DELETE FROM billing_credittransaction WHERE user_id = 'ann' AND sequence = 2"
        ),
    ),
    "somebody who went on with the account": lambda person: [
        rename(CreditTransaction, CreditHold),
        charge(person),
    ],
    "somebody who went on with the chain": lambda person: [
        rename(ConsentEvent, ConsentState),
        person.put("/consent/marketing", {}),
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

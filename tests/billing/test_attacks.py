"""Raw SQL against the books: all refused, nothing changed; and each trigger is needed."""

from typing import Any

import pytest
from django.db import IntegrityError, InternalError, OperationalError, connection

from billing.triggers import TRIGGERS
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from tests.asserts import stored
from tests.billing.attacks import AGAINST_CONSTRAINTS, ATTACKS
from tests.billing.books import drift, execute
from tests.billing.raw_rows import (
    ANN,
    CHARGED,
    OPEN_HOLD,
    REFUNDED,
    checkpoint,
    entry,
    with_ids,
    write_books,
    write_seal,
)

pytestmark = pytest.mark.django_db

ANNS_OLD = f"DELETE FROM billing_credittransaction WHERE person_id = {ANN} AND sequence <= 3"
RELEASE = f"UPDATE billing_credithold SET state = 'released' WHERE uid = {OPEN_HOLD}"


@pytest.fixture(autouse=True)
def books() -> None:
    write_books()
    assert drift() == []


def drop(name: str) -> None:
    [trigger] = [trigger for trigger in all_triggers("billing") if trigger.name == name]
    database_triggers.drop([trigger])


class TestAnAttack:
    @pytest.mark.parametrize("trigger", ATTACKS)
    def test_is_refused_by_a_trigger(self, trigger: str) -> None:
        if "ledgerseal" in trigger:
            write_seal()
        before = stored()

        # PostgreSQL tells a writer who comes after an erasure to try again.
        refusals = (IntegrityError, OperationalError)
        done = [name for name, sql in ATTACKS[trigger].items() if is_done(sql, refusals)]

        assert done == []
        assert stored() == before
        assert drift() == []

    def test_is_refused_by_a_constraint(self) -> None:
        before = stored()

        done = [name for name, sql in AGAINST_CONSTRAINTS.items() if is_done(sql, IntegrityError)]

        assert done == []
        assert stored() == before


class TestEachTrigger:
    def test_has_an_attack(self) -> None:
        # It refuses nothing itself: it keeps the sum, see below.
        quiet = {"billing_credithold_held_at_end"}

        assert {trigger.name for trigger in TRIGGERS} - quiet == set(ATTACKS)

    @pytest.mark.parametrize("trigger", ATTACKS)
    def test_is_what_keeps_an_attack_off(self, trigger: str) -> None:
        drop(trigger)
        if "ledgerseal" in trigger:
            write_seal()
        if trigger == "billing_creditaccount_no_replace" and connection.vendor == "postgresql":
            drop("billing_ledgerseal_no_replace")  # accounts go with their seals or not at all

        succeeded = [name for name, sql in ATTACKS[trigger].items() if changes_something(sql)]

        assert succeeded != []

    def test_of_a_holds_end_keeps_the_sum(self) -> None:
        execute(with_ids(RELEASE))
        assert drift() == []

    def test_of_a_holds_end_is_needed(self) -> None:
        drop("billing_credithold_held_at_end")

        execute(with_ids(RELEASE))

        assert drift() == ["I5: held is not the sum of open holds: ann"]


def is_done(sql: str, refusals: Any) -> bool:
    """Whether none of the refusals is what comes of it; then the whole of it is done."""
    try:
        execute(with_ids(sql))
    except refusals:
        return False
    return True


def changes_something(sql: str) -> bool:
    before = stored()
    is_done(sql, (IntegrityError, InternalError, OperationalError))
    return stored() != before


class TestACheckpoint:
    def test_does_not_let_a_charge_be_refunded_twice(self) -> None:
        execute(with_ids(checkpoint()))
        execute(with_ids(f"DELETE FROM billing_credittransaction WHERE uid = {REFUNDED}"))
        before = stored()

        with pytest.raises(IntegrityError):
            execute(with_ids(entry(type="'refund'", refunds=CHARGED, amount=20, balance_after=57)))

        assert stored() == before

    def test_lets_entries_below_it_go_and_no_other(self) -> None:
        execute(with_ids(checkpoint(sequence=3, balance=35)))

        assert execute(ANNS_OLD) == 3
        with pytest.raises(IntegrityError):
            execute(f"DELETE FROM billing_credittransaction WHERE person_id = {ANN}")

"""Raw SQL against events, chains, states and texts: all refused; and each trigger is needed."""

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, NotSupportedError

from common.schema import database_triggers
from consent.models import ConsentEvent, PolicyVersion
from consent.triggers import TRIGGERS
from tests.asserts import stored
from tests.consent.answers import drift, execute, fold, publish, say, states
from tests.consent.attacks import ATTACKS, BEHIND, SQLITE, event, text, write_events

pytestmark = pytest.mark.django_db

# Where foreign keys lead to a table, PostgreSQL does not truncate it anyhow.
REFUSALS = (IntegrityError, NotSupportedError)


@pytest.fixture(autouse=True)
def events() -> None:
    write_events()
    assert drift() == []


def everything() -> object:
    return stored(), list(PolicyVersion.objects.order_by("pk").values())


class TestAnAttack:
    @pytest.mark.parametrize("trigger", ATTACKS)
    def test_is_refused(self, trigger: str) -> None:
        before = everything()

        done = [name for name, sql in ATTACKS[trigger].items() if is_done(sql, REFUSALS)]

        assert done == []
        assert everything() == before

    def test_through_the_orm_is_refused(self) -> None:
        row = ConsentEvent.objects.order_by("sequence")[1]
        row.actor = "eve"
        before = everything()

        from django.db import transaction

        for act in (row.save, row.delete, lambda: ConsentEvent.objects.update(actor="eve")):
            with pytest.raises(IntegrityError), transaction.atomic():
                act()

        assert everything() == before


class TestEachTrigger:
    def test_has_an_attack(self) -> None:
        assert {trigger.name for trigger in TRIGGERS} == set(ATTACKS)

    @pytest.mark.parametrize("trigger", ATTACKS)
    def test_is_what_keeps_an_attack_off(self, trigger: str) -> None:
        dropped = {trigger, *(BEHIND.get(trigger, ()) if not SQLITE else ())}
        database_triggers.drop([one for one in TRIGGERS if one.name in dropped])

        succeeded = [name for name, sql in ATTACKS[trigger].items() if changes_something(sql)]

        assert succeeded != []


def is_done(sql: str, refusals: Any) -> bool:
    """Whether none of the refusals is what comes of it; then the whole of it is done."""
    try:
        execute(sql)
    except refusals:
        return False
    return True


def changes_something(sql: str) -> bool:
    before = everything()
    is_done(sql, DatabaseError)
    return everything() != before


class TestARightEvent:
    def test_moves_chain_and_state_even_by_raw_sql(self) -> None:
        execute(event())

        assert states("ann") == fold("ann")
        assert states("ann")["marketing"][0] is True

    def test_with_a_forged_hash_is_found_by_verify(self) -> None:
        execute(event())

        assert len(drift()) == 1 and drift()[0].startswith("ann: event 4 (")
        assert "its hash" in drift()[0]

    def test_follows_after_all_the_attacks(self) -> None:
        for attacks in ATTACKS.values():
            for sql in attacks.values():
                with pytest.raises(REFUSALS):
                    execute(sql)

        say(version=1)

        assert drift() == []

    def test_of_a_new_text_can_be_published(self) -> None:
        execute(text())

        assert publish(version=3).version == 3

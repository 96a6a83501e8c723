"""The one change that triggers let through: a person is forgotten, the chain still verifies."""

from itertools import permutations

import pytest
from django.db import DatabaseError, IntegrityError

from access.models import Person
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from consent import reports
from consent.models import ConsentChain, ConsentEvent, ConsentState
from tests.asserts import stored
from tests.client import ApiClient
from tests.consent.answers import MOMENT, drift, execute
from tests.consent.attacks import (
    CHAIN,
    EVENT,
    HASH,
    STATE,
    TRUE,
    chain,
    change,
    event,
    is_of,
    person,
    state,
    write_events,
)

pytestmark = pytest.mark.django_db

ERASED = "erased-0f63c050-e27d-485c-be80-48a12fdc445b"
EMPTIED = {CHAIN: "salt = NULL", EVENT: "reason = '', evidence = '{}', idempotency_key = NULL"}
OF_ANN, OF_ERASED = is_of("ann"), is_of(ERASED)


@pytest.fixture(autouse=True)
def events() -> None:
    write_events()


def empty(table: str, more: str = "") -> int:
    changes = ", ".join(part for part in (EMPTIED[table], more) if part)
    return execute(change(table, changes, OF_ANN))


def erase() -> None:
    """As the erasure does it: texts first, the person's id at the end."""
    for table in EMPTIED:
        empty(table)
    execute(
        f"UPDATE access_person SET user_id = NULL, erased_as = '{ERASED}',"
        " erased_at = '2026-04-01 12:00:00' WHERE user_id = 'ann'"
    )


class TestTheErasure:
    @pytest.mark.parametrize("order", list(permutations(EMPTIED)), ids=" ".join)
    def test_in_any_order_of_tables_leaves_a_chain_that_verifies(
        self, order: tuple[str, ...]
    ) -> None:
        totals = reports.totals(at=MOMENT)
        hashes = list(ConsentEvent.objects.order_by("id").values_list("hash", "recorded_at"))

        for table in order:
            assert empty(table) > 0
        erase()

        assert drift() == []
        assert reports.totals(at=MOMENT) == totals
        rows = ConsentEvent.objects.order_by("id")
        assert list(rows.values_list("hash", "recorded_at")) == hashes
        for model in (ConsentChain, ConsentEvent, ConsentState):
            persons = Person.objects.filter(
                pk__in=model._default_manager.values_list("person", flat=True)
            )
            assert {one.name for one in persons} == {ERASED, "bob"}
        assert "asked" not in str(stored()) and "'ann'" not in str(stored())

    def test_lets_the_person_begin_anew(self, person: ApiClient) -> None:
        erase()

        page = person.get("/consent/history").json()
        person.put("/consent/terms")

        assert page == {"reference": None, "results": [], "next": None}
        assert person.get("/consent/history").json()["results"][0]["sequence"] == 1
        references = list(ConsentChain.objects.values_list("reference", flat=True))
        assert len(set(references)) == len(references) == 3
        assert drift() == []

    @pytest.mark.parametrize(
        ("table", "more"),
        [
            (CHAIN, f"reference = {HASH}"),
            (CHAIN, "last_sequence = 4"),
            (CHAIN, f"last_hash = {HASH}"),
            (CHAIN, f"person_id = {person('eve')}"),
            (EVENT, "actor = 'eve'"),
            (EVENT, "details_hmac = ''"),
            (EVENT, "sequence = sequence + 5"),
            (EVENT, "method = 'x'"),
            (EVENT, "recorded_at = '2020-01-01 00:00:00'"),
            (EVENT, f"hash = {HASH}"),
            (EVENT, f"person_id = {person('eve')}"),
        ],
    )
    def test_is_refused_with_another_change(self, table: str, more: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            empty(table, more)

        assert stored() == before

    @pytest.mark.parametrize(
        ("table", "changes"),
        [
            (CHAIN, f"salt = {HASH}"),
            (EVENT, "reason = ''"),
            (EVENT, "evidence = '{}'"),
            (EVENT, "reason = 'x', evidence = '{}'"),
            (EVENT, "reason = '', evidence = '[]'"),
        ],
    )
    def test_is_refused_with_a_text_left_or_another_salt(self, table: str, changes: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            execute(change(table, changes, OF_ANN))

        assert stored() == before

    @pytest.mark.parametrize("table", [CHAIN, EVENT, STATE])
    def test_moves_no_row_to_another_person(self, table: str) -> None:
        before = stored()

        for name in ("eve", "bob"):
            with pytest.raises(IntegrityError):
                execute(change(table, f"person_id = {person(name)}", OF_ANN))

        assert stored() == before

    def test_that_left_a_text_is_named_by_verify(self) -> None:
        erase()
        database_triggers.drop(all_triggers("consent"))
        execute(change(EVENT, "reason = 'asked'", f"{OF_ERASED} AND sequence = 1"))

        assert [one for one in drift() if "outlived" in one and "event 1 (" in one]

    def test_that_left_the_salt_is_named_by_verify(self) -> None:
        erase()
        database_triggers.drop(all_triggers("consent"))
        execute(change(CHAIN, f"salt = {HASH}", OF_ERASED))

        assert f"{ERASED}: the chain's salt outlived its person" in drift()


# What would be right of a person who lives.
LATER = {
    "a new event": event(
        person_id=person(ERASED),
        previous_hash=f"(SELECT last_hash FROM {CHAIN} WHERE {OF_ERASED})",
    ),
    "a new chain": chain(person_id=person(ERASED)),
    "a new state": state(person_id=person(ERASED)),
    "an event": change(EVENT, EMPTIED[EVENT], OF_ERASED),
    "a chain": change(CHAIN, "salt = NULL", OF_ERASED),
    "a chain as it is": change(CHAIN, "last_sequence = last_sequence", OF_ERASED),
    "a state as it is": change(STATE, "granted = granted", OF_ERASED),
    "an event to who came back": change(EVENT, f"person_id = {person('eve')}", OF_ERASED),
    "a chain to who came back": change(CHAIN, f"person_id = {person('eve')}", OF_ERASED),
    "a state to who came back": change(STATE, f"person_id = {person('eve')}", OF_ERASED),
}


class TestAnErasedPerson:
    @pytest.mark.parametrize("sql", LATER.values(), ids=LATER)
    def test_has_no_row_added_or_changed(self, sql: str) -> None:
        erase()
        before = stored()

        # PostgreSQL tells a writer who waited for the erasure to try again: no IntegrityError.
        with pytest.raises(DatabaseError):
            execute(sql)

        assert stored() == before

    def test_has_no_state_added_that_their_events_would_allow(self) -> None:
        erase()
        database_triggers.drop([one for one in all_triggers("consent") if "no_delete" in one.name])
        execute(f"DELETE FROM {STATE} WHERE {OF_ERASED} AND purpose = 'terms'")
        last = f"{EVENT} WHERE {OF_ERASED} AND purpose = 'terms')"

        with pytest.raises(DatabaseError, match="the person was erased"):
            execute(
                state(
                    person_id=person(ERASED),
                    purpose="'terms'",
                    granted=TRUE,
                    event_id=f"(SELECT id FROM {last}",
                    since=f"(SELECT recorded_at FROM {last}",
                )
            )

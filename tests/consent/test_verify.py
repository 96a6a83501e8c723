"""What verify finds and names when the triggers were taken away and rows were changed by hand."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection

from access.models import Person
from common.models import new_uid
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from consent.models import ConsentChain, ConsentEvent, ConsentState, PolicyVersion
from tests.billing.test_verify import verify
from tests.consent.answers import DAY, MOMENT, drift, execute, publish, say, valid_for
from tests.consent.attacks import is_of, person

pytestmark = pytest.mark.django_db

SQLITE = connection.vendor == "sqlite"
EVENT, CHAIN, STATE, TEXT = (
    model._meta.db_table for model in (ConsentEvent, ConsentChain, ConsentState, PolicyVersion)
)
OTHER_UID = "0190a0b0-0000-7000-8000-000000000001"
UID = OTHER_UID.replace("-", "") if SQLITE else OTHER_UID
TRUE, FALSE = ("1", "0") if SQLITE else ("true", "false")
BOBS_TEXT = f"(SELECT id FROM {TEXT} WHERE purpose = 'training_use')"

# Ann's second event of four, a consent of 30 days to a text; column by column.
EVENT_COLUMNS = {
    "uid": f"'{UID}'",
    "person_id": person("eve"),
    "sequence": "20",
    "purpose": "'shared_cache'",
    "action": "'imported'",
    "granted": FALSE,
    "policy_version_id": "NULL",
    "text_sha256": f"'{'0' * 64}'",
    "source": "'admin'",
    "method": "'butto'",
    "actor": "'key:tests.'",
    "reason": "'another'",
    "evidence": """'{"form":"sign-up","n":1.0}'""",
    "details_hmac": "''",
    "recorded_at": "'2026-03-10 12:00:00.123457'",
    "expires_at": "'2026-04-09 12:00:00.123457'",
    "previous_hash": f"'{'1' * 64}'",
    "hash": f"'{'1' * 64}'",
}
# Where a value is a text, each end of it is changed as well: by one character.
# They say which request made the event, and nothing about consent; the triggers alone hold them.
UNCOVERED = {"idempotency_key", "request_hash"}
TEXT_COLUMNS = [
    "text_sha256", "method", "actor", "reason", "details_hmac", "previous_hash", "hash",
]  # fmt: skip
FLIPS = {
    "the first character": "'~' || SUBSTR({0}, 2)",
    "the last character": "SUBSTR({0}, 1, LENGTH({0}) - 1) || '~'",
    "one character more": "{0} || '~'",
    "one character less": "SUBSTR({0}, 2)",
}
STATE_COLUMNS = {
    "person_id": person("eve"),
    "purpose": "'terms'",
    "granted": FALSE,
    "event_id": f"(SELECT id FROM {EVENT} WHERE {is_of('ann')} AND sequence = 2)",
    "policy_version_id": "NULL",
    "since": "'2026-03-10 12:00:00.123457'",
    "expires_at": "'2030-03-10 12:00:00.123457'",
}
CHAIN_COLUMNS = {
    "person_id": person("eve"),
    "salt": f"'{'z' * 64}'",
    "reference": f"'{'z' * 64}'",
    "last_sequence": "3",
    "last_hash": f"'{'z' * 64}'",
}


@pytest.fixture(autouse=True)
def unguarded() -> Iterator[None]:
    """Ann's four events and Bob's two, clean; and no trigger, nor a constraint of this table."""
    Person.objects.create(user_id="eve")
    valid_for(30)
    publish()
    publish("training_use", 2)
    details = {"method": "button", "reason": "a reason", "evidence": {"form": "sign-up", "n": 1}}
    say("terms")
    say("marketing", version=1, **details)
    say("training_use", version=2, at=MOMENT + DAY)
    say("marketing", version=1, at=MOMENT + 2 * DAY)
    say("marketing", version=1, user_id="bob", **details)
    say("shared_cache", granted=False, user_id="bob")
    assert drift() == []
    database_triggers.drop(all_triggers("consent"))
    yield
    database_triggers.create(all_triggers("consent"))


def change(table: str, what: str, where: str) -> bool:
    """Whether it could be done; a constraint may still stand in its way."""
    try:
        assert execute(f"UPDATE {table} SET {what} WHERE {where}") == 1
        if not SQLITE:
            execute("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError:
        return False
    return True


SECOND = f"{is_of('ann')} AND sequence = 2"


class TestAnEvent:
    @pytest.mark.parametrize(("column", "value"), EVENT_COLUMNS.items())
    def test_with_another_value_is_named(self, column: str, value: str) -> None:
        columns = {field.column for field in ConsentEvent._meta.concrete_fields}
        assert set(EVENT_COLUMNS) == columns - {"id"} - UNCOVERED
        uid = ConsentEvent.objects.get(person__user_id="ann", sequence=2).uid

        if not change(EVENT, f"{column} = {value}", SECOND):
            # Two of a row's columns must fit each other; so both are changed.
            fitting = {
                "granted": "action = 'refused', expires_at = NULL",
                "policy_version_id": "text_sha256 = ''",
            }
            assert change(EVENT, f"{column} = {value}, {fitting[column]}", SECOND)

        sentences = drift()
        # A row that went to another place is told by the place it left.
        moved = column in ("sequence", "person_id")
        place = (
            "ann: event 3" if moved else f"ann: event 2 ({OTHER_UID if column == 'uid' else uid})"
        )
        assert [one for one in sentences if one.startswith(place)], sentences
        assert not [one for one in sentences if one.startswith("bob") and not moved]

    @pytest.mark.parametrize("flip", FLIPS.values(), ids=FLIPS)
    @pytest.mark.parametrize("column", TEXT_COLUMNS)
    def test_with_one_character_changed_is_named(self, column: str, flip: str) -> None:
        if not change(EVENT, f"{column} = {flip.format(column)}", SECOND):
            assert "hash" in column or "sha" in column or column == "details_hmac"
            return  # 64 characters are a constraint

        assert [one for one in drift() if one.startswith("ann: event 2 (")]

    def test_that_names_another_text_is_named(self) -> None:
        assert change(EVENT, f"policy_version_id = {BOBS_TEXT}", SECOND)

        assert [one for one in drift() if one.startswith("ann: event 2 (")]

    @pytest.mark.parametrize("sequence", [1, 2, 3])
    def test_that_was_dropped_is_named_by_the_next(self, sequence: int) -> None:
        # The state goes with it, where it leans on the event.
        execute(
            f"DELETE FROM {STATE} WHERE event_id IN"
            f" (SELECT id FROM {EVENT} WHERE {is_of('ann')} AND sequence = {sequence})"
        )
        execute(f"DELETE FROM {EVENT} WHERE {is_of('ann')} AND sequence = {sequence}")

        assert f"ann: event {sequence + 1} (" in drift()[0]
        assert f"event {sequence} should stand here" in drift()[0]

    def test_that_was_dropped_at_the_end_is_told_by_the_chain(self) -> None:
        execute(f"DELETE FROM {STATE} WHERE {is_of('ann')} AND purpose = 'marketing'")
        execute(f"DELETE FROM {EVENT} WHERE {is_of('ann')} AND sequence = 4")

        assert "ann: the chain ends at 4, its events at 3" in drift()
        assert "ann: no state of marketing, although there are events" in drift()

    def test_and_its_neighbour_swapped_are_named(self) -> None:
        execute(f"UPDATE {EVENT} SET sequence = 99 WHERE {is_of('ann')} AND sequence = 2")
        execute(f"UPDATE {EVENT} SET sequence = 2 WHERE {is_of('ann')} AND sequence = 3")
        execute(f"UPDATE {EVENT} SET sequence = 3 WHERE {is_of('ann')} AND sequence = 99")

        assert drift()[0].startswith("ann: event 2 (")
        assert "does not follow" in drift()[0]

    def test_of_another_person_in_its_place_is_named(self) -> None:
        execute(f"DELETE FROM {STATE} WHERE {is_of('ann')} AND purpose = 'marketing'")
        execute(f"DELETE FROM {EVENT} WHERE {is_of('ann')} AND sequence = 4")
        execute(f"UPDATE {EVENT} SET {is_of('ann')}, sequence = 4"
                f" WHERE {is_of('bob')} AND sequence = 1")  # fmt: skip

        assert [one for one in drift() if one.startswith("ann: event 4 (")]

    def test_made_up_with_a_right_link_is_named(self) -> None:
        row = ConsentEvent.objects.get(person__user_id="ann", sequence=4)
        row.pk, row.uid, row.sequence = None, new_uid(), 5
        row.previous_hash, row.hash = row.hash, "a" * 64
        row.save(force_insert=True)

        assert [one for one in drift() if one.startswith("ann: event 5 (")]

    def test_is_named_once_and_the_rest_of_its_chain_is_not(self) -> None:
        change(EVENT, "actor = 'eve'", SECOND)

        assert len(drift()) == 1
        assert "its hash" in drift()[0]

    def test_is_named_by_the_command(self) -> None:
        change(EVENT, "actor = 'eve'", SECOND)

        assert "ann: event 2 (" in verify()


class TestARowThatCannotBeRead:
    @pytest.mark.parametrize(
        ("table", "what"),
        [
            (EVENT, "uid = 'zz'"),
            (EVENT, "recorded_at = '2026-01-99 12:00:00'"),
            (STATE, "since = 'soon'"),
            (CHAIN, "salt = 'short'"),
        ],
    )
    def test_is_a_finding(self, table: str, what: str) -> None:
        where = SECOND if table == EVENT else f"{is_of('ann')}"
        where += " AND purpose = 'terms'" if table == STATE else ""
        if not SQLITE and table != CHAIN:
            # PostgreSQL keeps no such value at all.
            with pytest.raises(Exception, match="invalid|out of range"):
                execute(f"UPDATE {table} SET {what} WHERE {where}")
            return

        execute(f"UPDATE {table} SET {what} WHERE {where}")

        assert drift()
        assert table != EVENT or "one cannot be read" in drift()[0]
        assert "uid" not in what or drift()[0].startswith("after event 1 of ann")


class TestAChain:
    @pytest.mark.parametrize(("column", "value"), CHAIN_COLUMNS.items())
    def test_with_another_value_is_named(self, column: str, value: str) -> None:
        assert set(CHAIN_COLUMNS) == {f.column for f in ConsentChain._meta.concrete_fields} - {"id"}

        assert change(CHAIN, f"{column} = {value}", f"{is_of('ann')}")

        assert [one for one in drift() if one.startswith(("ann: ", "eve: "))]
        assert not [one for one in drift() if one.startswith("bob")]

    def test_without_a_salt_is_named_unless_the_person_is_erased(self) -> None:
        change(CHAIN, "salt = NULL", f"{is_of('ann')}")

        assert "ann: the chain has no salt, and the person is not erased" in drift()

    def test_that_is_gone_is_named(self) -> None:
        execute(f"DELETE FROM {CHAIN} WHERE {is_of('ann')}")

        assert "the person has no chain" in drift()[0]

    def test_cut_together_with_its_head_and_state_is_not_seen(self) -> None:
        # What a chain cannot show; docs/consent.md says so.
        execute(f"DELETE FROM {STATE} WHERE {is_of('ann')} AND purpose = 'training_use'")
        execute(f"DELETE FROM {STATE} WHERE {is_of('ann')} AND purpose = 'marketing'")
        execute(f"DELETE FROM {EVENT} WHERE {is_of('ann')} AND sequence > 1")
        first = ConsentEvent.objects.get(person__user_id="ann")
        change(CHAIN, f"last_sequence = 1, last_hash = '{first.hash}'", f"{is_of('ann')}")

        assert drift() == []


class TestAState:
    @pytest.mark.parametrize(("column", "value"), STATE_COLUMNS.items())
    def test_with_another_value_is_named(self, column: str, value: str) -> None:
        assert set(STATE_COLUMNS) == {f.column for f in ConsentState._meta.concrete_fields} - {"id"}
        where = f"{is_of('ann')} AND purpose = 'marketing'"
        if column == "purpose":
            execute(f"DELETE FROM {STATE} WHERE {is_of('ann')} AND purpose = 'terms'")

        assert change(STATE, f"{column} = {value}", where)

        assert [one for one in drift() if one.startswith(("ann: ", "eve: ")) and "state" in one]

    def test_that_is_gone_is_named(self) -> None:
        execute(f"DELETE FROM {STATE} WHERE {is_of('ann')} AND purpose = 'terms'")

        assert drift() == ["ann: no state of terms, although there are events"]


class TestAText:
    @pytest.mark.parametrize("flip", FLIPS.values(), ids=FLIPS)
    def test_that_was_changed_is_named(self, flip: str) -> None:
        [text] = PolicyVersion.objects.filter(purpose="marketing")
        change(TEXT, f"text = {flip.format('text')}", f"id = {text.pk}")

        assert drift()[0].startswith(f"text {text}: it is not the one that was published")

    def test_that_was_changed_with_its_hash_is_named_by_its_events(self) -> None:
        import hashlib

        digest = hashlib.sha256(b"another").hexdigest()
        change(TEXT, f"text = 'another', text_sha256 = '{digest}'", "purpose = 'marketing'")

        assert {one.partition(" (")[0] for one in drift()} == {"ann: event 2", "bob: event 1"}

    def test_of_another_version_or_purpose_is_named_by_its_events(self) -> None:
        change(TEXT, "version = 7", "purpose = 'marketing'")
        change(TEXT, "purpose = 'terms'", "purpose = 'training_use'")

        named = {one.partition(" (")[0] for one in drift()}
        assert named == {"ann: event 2", "bob: event 1"}
        execute(f"UPDATE {TEXT} SET version = 1 WHERE version = 7")
        assert {one.partition(" (")[0] for one in drift()} == {"ann: event 3"}


def test_every_missing_trigger_is_named() -> None:
    from tests.consent.answers import missing_triggers

    assert len(missing_triggers()) == len(all_triggers("consent")) > 10
    assert all("consent_" in one for one in missing_triggers())

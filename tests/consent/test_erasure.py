"""The one change that guards let through: a person is forgotten, the chain still verifies."""

from itertools import permutations

import pytest
from django.db import IntegrityError

from consent import reports
from consent.models import ConsentChain, ConsentEvent, ConsentState
from tests.client import ApiClient
from tests.consent.answers import MOMENT, drift, execute, say
from tests.consent.attacks import HASH, write_events
from tests.conversations.recipes import stored

pytestmark = pytest.mark.django_db

ERASED = "erased-0f63c050-e27d-485c-be80-48a12fdc445b"
EMPTIED = {
    "consentchain": "salt = NULL",
    "consentevent": "reason = '', evidence = '{}'",
    "consentstate": "",
}


@pytest.fixture(autouse=True)
def events() -> None:
    write_events()


def erase(table: str, more: str = "", user_id: str = ERASED) -> int:
    changes = ", ".join(part for part in (f"user_id = '{user_id}'", EMPTIED[table], more) if part)
    return execute(f"UPDATE consent_{table} SET {changes} WHERE user_id = 'ann'")


class TestTheErasure:
    @pytest.mark.parametrize("order", list(permutations(EMPTIED)), ids=" ".join)
    def test_in_any_order_of_tables_leaves_a_chain_that_verifies(
        self, order: tuple[str, ...]
    ) -> None:
        totals = reports.totals(at=MOMENT)
        hashes = list(ConsentEvent.objects.order_by("id").values_list("hash", "recorded_at"))

        for table in order:
            assert erase(table) > 0

        assert drift() == []
        assert reports.totals(at=MOMENT) == totals
        rows = ConsentEvent.objects.order_by("id")
        assert list(rows.values_list("hash", "recorded_at")) == hashes
        for model in (ConsentChain, ConsentEvent, ConsentState):
            persons = set(model._default_manager.values_list("user_id", flat=True))
            assert persons == {ERASED, "bob"}
        assert "asked" not in str(stored())

    def test_lets_the_person_begin_anew(self, person: ApiClient) -> None:
        for table in EMPTIED:
            erase(table)

        page = person.get("/consent/history").json()
        person.put("/consent/terms")

        assert page == {"reference": None, "results": [], "next": None}
        assert person.get("/consent/history").json()["results"][0]["sequence"] == 1
        references = list(ConsentChain.objects.values_list("reference", flat=True))
        assert len(set(references)) == len(references) == 3
        assert drift() == []

    def test_ends_the_chain(self) -> None:
        for table in EMPTIED:
            erase(table)
        before = stored()

        with pytest.raises(ValueError, match="erased"):
            say("shared_cache", user_id=ERASED)

        assert stored() == before

    @pytest.mark.parametrize("table", EMPTIED)
    @pytest.mark.parametrize("name", ["eve", "", "erased-", "erased-ann", ERASED.upper()])
    def test_is_refused_under_another_name(self, table: str, name: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            erase(table, user_id=name)

        assert stored() == before

    @pytest.mark.parametrize(
        ("table", "more"),
        [
            ("consentchain", f"reference = {HASH}"),
            ("consentchain", "last_sequence = 4"),
            ("consentchain", f"last_hash = {HASH}"),
            ("consentevent", "actor = 'eve'"),
            ("consentevent", "details_hmac = ''"),
            ("consentevent", "sequence = sequence + 5"),
            ("consentevent", "method = 'x'"),
            ("consentevent", "recorded_at = '2020-01-01 00:00:00'"),
            ("consentevent", f"hash = {HASH}"),
            ("consentstate", "since = '2020-01-01 00:00:00'"),
            ("consentstate", "expires_at = '2036-01-01 00:00:00'"),
            ("consentstate", "policy_version_id = NULL, purpose = 'shared_cache'"),
        ],
    )
    def test_is_refused_with_another_change(self, table: str, more: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            erase(table, more)

        assert stored() == before

    @pytest.mark.parametrize(
        ("table", "changes"),
        [
            ("consentchain", ""),
            ("consentchain", f", salt = {HASH}"),
            ("consentevent", ", reason = ''"),
            ("consentevent", ", evidence = '{}'"),
            ("consentevent", ", reason = 'x', evidence = '{}'"),
            ("consentevent", ", reason = '', evidence = '[]'"),
        ],
    )
    def test_is_refused_with_a_text_or_the_salt_left(self, table: str, changes: str) -> None:
        before = stored()

        with pytest.raises(IntegrityError):
            execute(
                f"UPDATE consent_{table} SET user_id = '{ERASED}'{changes} WHERE user_id = 'ann'"
            )

        assert stored() == before

    @pytest.mark.parametrize("table", EMPTIED)
    def test_is_refused_twice_or_back(self, table: str) -> None:
        for one in EMPTIED:
            erase(one)
        before = stored()

        for name in ("ann", ERASED.replace("0f63", "1f63")):
            with pytest.raises(IntegrityError):
                execute(f"UPDATE consent_{table} SET user_id = '{name}' WHERE user_id = '{ERASED}'")

        assert stored() == before

    def test_that_left_a_text_is_named_by_verify(self) -> None:
        from common import guards

        for table in EMPTIED:
            erase(table)
        guards.drop(guards.registered("consent"))
        execute(f"UPDATE consent_consentevent SET reason = 'asked' WHERE user_id = '{ERASED}'"
                " AND sequence = 1")  # fmt: skip

        assert [one for one in drift() if "outlived" in one and "event 1 (" in one]

"""Seals show what triggers cannot: a ledger that was rewritten as a whole, with owner's rights."""

import datetime
import json
from typing import Any

import pytest
from django.core import checks
from django.db import connection, transaction

from access.services import persons
from billing.models import CreditAccount, CreditTransaction, LedgerCheckpoint, LedgerSeal
from billing.services import archive as billing_archive
from billing.services import sealing
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from operations.services import erase_person
from tests.asserts import assert_statements
from tests.attacks.sessions import findings
from tests.billing.books import DAY, MOMENT, add, charge, execute, open_account, person
from tests.billing.raw_rows import ANN, BOB, EVE
from tests.operations.backups import command
from tests.processes import at_once

pytestmark = pytest.mark.django_db

LATER = MOMENT + DAY


def seal(at: datetime.datetime = LATER, limit: int = 500) -> int:
    return sealing.seal_entries(at=at, limit=limit)


def sealed() -> list[tuple[str, int, int]]:
    rows = LedgerSeal.objects.order_by("number")
    return list(rows.values_list("account__person__user_id", "sequence", "balance"))


def by_the_owner(*statements: str) -> None:
    """With all rights: the triggers go, and stand again afterwards."""
    database_triggers.drop(all_triggers("billing"))
    for statement in statements:
        execute(statement)
    database_triggers.create(all_triggers("billing"))


def head() -> str:
    return str(json.loads(command("verify", "--json")[1])["heads"]["billing.seals"])


@pytest.fixture
def books() -> None:
    """Ann's 3 entries and Bob's 2, sealed: seals 1 and 2."""
    open_account()
    charge(20)
    add("grant", 4)
    open_account("bob")
    charge(1, user_id="bob")
    assert seal() == 5
    assert findings() == []


RICH = (
    "UPDATE billing_credittransaction SET amount = amount + 1000000,"
    f" balance_after = balance_after + 1000000 WHERE person_id = {ANN} AND sequence = 1",
    "UPDATE billing_credittransaction SET balance_after = balance_after + 1000000"
    f" WHERE person_id = {ANN} AND sequence > 1",
    f"UPDATE billing_creditaccount SET balance = balance + 1000000 WHERE person_id = {ANN}",
)
NOT_THOSE = "ann: the entries 1 to 3 are not those of seal 1"
ACCOUNT = f"(SELECT id FROM billing_creditaccount WHERE person_id = {ANN})"

FORGERIES: dict[str, tuple[tuple[str, ...], str]] = {
    "a whole history rewritten": (RICH, NOT_THOSE),
    "an actor": (
        (f"UPDATE billing_credittransaction SET actor = 'x' WHERE person_id = {ANN}",),
        NOT_THOSE,
    ),
    "a time": (
        ("UPDATE billing_credittransaction SET created_at = '2020-01-01 00:00:00'",),
        NOT_THOSE,
    ),
    "the end cut off": (
        (
            f"DELETE FROM billing_credittransaction WHERE person_id = {ANN} AND sequence = 3",
            f"UPDATE billing_creditaccount SET sequence = 2, balance = 30 WHERE person_id = {ANN}",
        ),
        NOT_THOSE,
    ),
    "all of it gone, and the account empty": (
        (
            f"DELETE FROM billing_credittransaction WHERE person_id = {ANN}",
            f"UPDATE billing_creditaccount SET sequence = 0, balance = 0 WHERE person_id = {ANN}",
        ),
        NOT_THOSE,
    ),
    "a history rewritten, and its seals gone": (
        (*RICH, f"DELETE FROM billing_ledgerseal WHERE account_id = {ACCOUNT}"),
        "seal 1 is gone; the next is 2",
    ),
    "a checkpoint of another balance": (
        (
            "INSERT INTO billing_ledgercheckpoint"
            " (person_id, sequence, balance, digest, archive, created_at)"
            f" VALUES ({ANN}, 3, 1000000, '', '', '2026-03-10 12:00:00')",
            f"DELETE FROM billing_credittransaction WHERE person_id = {ANN}",
            f"UPDATE billing_creditaccount SET balance = 1000000 WHERE person_id = {ANN}",
        ),
        "ann: no seal says what checkpoint 3 says",
    ),
    "a seal of one's own making": (
        (f"UPDATE billing_ledgerseal SET mac = '{'a' * 64}' WHERE number = 1",),
        "seal 1 was not made by this server, or does not follow the one before",
    ),
    "a seal put at the end": (
        (
            "INSERT INTO billing_ledgerseal (number, account_id, sequence, balance, through, key,"
            " mac, chain, created_at) SELECT 3, account_id, 9, 9, through, key, mac, chain,"
            " created_at FROM billing_ledgerseal WHERE number = 2",
        ),
        "seal 3 was not made by this server, or does not follow the one before",
    ),
}


class TestAForgery:
    @pytest.mark.parametrize(("statements", "sentence"), FORGERIES.values(), ids=FORGERIES)
    def test_of_sealed_entries_is_found(
        self, books: None, statements: tuple[str, ...], sentence: str
    ) -> None:
        by_the_owner(*statements)

        found = findings()
        assert [one for one in found if sentence in one], found

    def test_of_entries_that_no_seal_covers_is_not_found(self, books: None) -> None:
        add("grant", 5)
        by_the_owner(
            "UPDATE billing_credittransaction SET amount = 50, balance_after = 84"
            f" WHERE person_id = {ANN} AND sequence = 4",
            f"UPDATE billing_creditaccount SET balance = 84 WHERE person_id = {ANN}",
        )

        assert findings() == []

    def test_of_whose_account_it_is_is_not_found(self, books: None) -> None:
        persons.meet_persons(["eve"])
        by_the_owner(
            f"UPDATE billing_creditaccount SET person_id = {EVE} WHERE person_id = {ANN}",
            f"UPDATE billing_credittransaction SET person_id = {EVE} WHERE person_id = {ANN}",
        )

        assert findings() == []

    def test_is_not_sealed_where_entries_do_not_fit(self, books: None) -> None:
        add("grant", 5)
        by_the_owner(
            "UPDATE billing_credittransaction SET amount = 50"
            f" WHERE person_id = {ANN} AND amount = 5"
        )

        assert seal() == 1
        assert len(sealed()) == 2


class TestTheHead:
    TAIL = (
        f"DELETE FROM billing_credittransaction WHERE person_id = {BOB}",
        f"UPDATE billing_creditaccount SET balance = 0, sequence = 0 WHERE person_id = {BOB}",
        "DELETE FROM billing_ledgerseal WHERE number = 2",
    )

    def test_that_was_kept_outside_shows_a_cut_tail(self, books: None) -> None:
        kept = head()
        assert kept.startswith("2:")
        by_the_owner(*self.TAIL)
        assert findings() == []

        code, said = command("verify", "--head", kept)

        assert code == 1
        assert f"the head {kept} does not stand any more" in said

    def test_that_was_kept_outside_shows_an_older_database(self, books: None) -> None:
        with transaction.atomic():
            charge(1)
            seal()
            kept = head()
            transaction.set_rollback(True)
        assert findings() == []

        assert command("verify", "--head", kept)[0] == 1

    def test_that_was_kept_outside_shows_seals_that_the_key_made_anew(self, books: None) -> None:
        kept = head()
        by_the_owner(*RICH, "DELETE FROM billing_ledgerseal")
        seal()
        assert findings() == []

        assert command("verify", "--head", kept)[0] == 1

    def test_that_was_kept_outside_goes_on_standing(self, books: None) -> None:
        kept = head()
        charge(1)
        seal()

        assert command("verify", "--head", kept)[0] == 0
        assert head() != kept
        for wrong in ("2:abc", "x", "9:", ":"):
            assert command("verify", "--head", wrong)[0] == 1

    def test_is_told_in_lines(self, books: None) -> None:
        assert f"head billing.seals                 {head()}" in command("verify")[1]


class TestASeal:
    def test_covers_what_is_a_minute_old(self) -> None:
        open_account()
        assert seal(at=MOMENT + datetime.timedelta(seconds=60)) == 0

        assert seal(at=MOMENT + datetime.timedelta(seconds=61)) == 1

        assert sealed() == [("ann", 1, 50)]

    def test_is_made_of_what_is_new_alone(self, books: None) -> None:
        assert seal() == 0
        charge(1)

        with assert_statements(8):
            assert seal() == 1

        assert sealed()[2:] == [("ann", 4, 33)]

    def test_takes_as_many_entries_as_it_may(self) -> None:
        open_account()
        for _ in range(4):
            charge(1)

        assert [seal(limit=2) for _ in range(4)] == [2, 2, 1, 0]
        assert sealed() == [("ann", 2, 49), ("ann", 4, 47), ("ann", 5, 46)]
        assert findings() == []

    def test_stays_true_when_its_person_is_erased(self, books: None) -> None:
        erase_person(user_id="ann", actor="key:tests", at=LATER)

        assert findings() == []

    def test_is_made_by_maintenance(self) -> None:
        open_account()

        code, said = command("maintain", "--task", "billing.seals")

        assert code == 0, said
        assert sealed() == [("ann", 1, 50)]


class TestAnArchive:
    def archive(self, sequence: int) -> None:
        last = CreditTransaction.objects.get(person__user_id="ann", sequence=sequence)
        billing_archive.replace_by_checkpoint(
            person=person(), last=last, digest="0", archive="a.jsonl", at=LATER
        )

    def test_ends_at_a_seal(self, books: None) -> None:
        charge(1)
        self.archive(4)

        assert sealed()[2:] == [("ann", 4, 33)]
        charge(2)
        seal()
        assert sealed()[3:] == [("ann", 5, 31)]
        assert findings() == []
        by_the_owner(*RICH)
        assert findings() != []

    def test_within_what_is_sealed_puts_a_seal_between(self, books: None) -> None:
        self.archive(2)

        assert sealed() == [("ann", 3, 34), ("bob", 2, 49), ("ann", 2, 30)]
        assert findings() == []
        charge(1)
        seal()
        assert findings() == []
        by_the_owner(
            "UPDATE billing_credittransaction SET amount = 5, balance_after = 35"
            f" WHERE person_id = {ANN} AND sequence = 3"
        )
        assert "ann: the entries 3 to 3 are not those of seal 1" in findings()

    def test_within_what_another_key_sealed_stays_sealed(self, books: None, settings: Any) -> None:
        settings.LEDGER_SEAL_KEYS = ["another", *settings.LEDGER_SEAL_KEYS]

        self.archive(2)

        assert findings() == []

    def test_of_before_there_were_seals_is_taken_at_its_word(self, settings: Any) -> None:
        keys = settings.LEDGER_SEAL_KEYS
        settings.LEDGER_SEAL_KEYS = []
        open_account()
        charge(1)
        self.archive(1)
        assert sealed() == []
        settings.LEDGER_SEAL_KEYS = keys

        seal()

        assert sealed() == [("ann", 1, 50), ("ann", 2, 49)]
        assert findings() == []


class TestTheKey:
    def test_before_goes_on_being_known(self, books: None, settings: Any) -> None:
        settings.LEDGER_SEAL_KEYS = ["another", *settings.LEDGER_SEAL_KEYS]
        charge(1)
        seal()

        assert LedgerSeal.objects.values("key").distinct().count() == 2
        assert findings() == []

    def test_that_is_not_known_is_named_once(self, books: None, settings: Any) -> None:
        settings.LEDGER_SEAL_KEYS = ["another"]

        assert findings() == [
            "2 seals were made with a key that is not known here: put it into"
            " LEDGER_SEAL_KEY_FALLBACKS"
        ]

    @pytest.mark.parametrize(("key", "errors"), [("x" * 31, 1), ("x" * 32, 0)])
    def test_that_is_short_is_refused(self, settings: Any, key: str, errors: int) -> None:
        settings.LEDGER_SEAL_KEYS = [key, settings.SECRET_KEY]

        assert sum(one.id == "billing.E003" for one in checks.run_checks()) == errors

    def test_is_needed_to_seal(self, settings: Any) -> None:
        settings.LEDGER_SEAL_KEYS = []
        open_account()

        assert seal() == 0
        assert not LedgerSeal.objects.exists()
        assert head() == "0:"


@pytest.mark.django_db(transaction=True)
class TestManySealers:
    def test_make_one_chain(self) -> None:
        for number in range(8):
            open_account(f"person{number}")
        CreditAccount.objects.get(person__user_id="person0")

        at_once(lambda number: seal(limit=1), 8)

        assert list(LedgerSeal.objects.order_by("number").values_list("number", flat=True)) == list(
            range(1, 9)
        )
        assert LedgerCheckpoint.objects.count() == 0
        assert findings() == []
        assert connection.vendor in ("sqlite", "postgresql")

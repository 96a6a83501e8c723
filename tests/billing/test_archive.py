import datetime
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from access.models import Person
from access.services import persons
from billing.models import CreditAccount, CreditTransaction, LedgerCheckpoint
from billing.services import archive as billing_archive
from billing.services import credits
from common.idempotency import RequestKey
from operations.services import erase_person
from tests.asserts import assert_problem, stored
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

OLD = datetime.datetime(2026, 1, 10, 12, tzinfo=datetime.UTC)
NEW = datetime.datetime(2026, 3, 10, 12, tzinfo=datetime.UTC)
BEFORE = "2026-02-01"


def act(
    user_id: str, type_: str, amount: int, at: datetime.datetime, key: str | None = None
) -> None:
    credits.add_transaction(
        user_id=user_id,
        new=credits.NewTransaction(type=type_, amount=amount),
        actor="system",
        at=at,
        request_key=RequestKey(key, "x" * 64),
        tier="guest",
    )


@pytest.fixture
def ledger() -> None:
    """Ann has three old entries and two new ones, Bob two old ones."""
    act("ann", "grant", 90, OLD, key="old")
    act("ann", "deduct", -20, OLD)
    act("bob", "deduct", -4, OLD)
    act("ann", "deduct", -5, NEW)
    act("ann", "deduct", -6, NEW)


def archive(file: Path, before: str = BEFORE) -> str:
    output = StringIO()
    call_command("archive_transactions", str(file), "--before", before, stdout=output)
    return output.getvalue()


def verify() -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("verify", stdout=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


@pytest.mark.usefixtures("ledger")
class TestArchiving:
    def test_moves_old_entries_into_the_file(self, tmp_path: Path) -> None:
        output = archive(tmp_path / "old.jsonl")

        lines = [json.loads(line) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
        assert [(line["user_id"], line["sequence"]) for line in lines] == [
            ("ann", 1), ("ann", 2), ("ann", 3), ("bob", 1), ("bob", 2),
        ]  # fmt: skip
        assert lines[1]["amount"] == 90
        left = CreditTransaction.objects.order_by("sequence")
        left = left.values_list("person__user_id", "sequence")
        assert list(left) == [("ann", 4), ("ann", 5)]
        assert "Archived 5 entries of 2 accounts" in output
        assert (tmp_path / "old.jsonl").stat().st_mode & 0o777 == 0o600

    def test_leaves_a_checkpoint_for_each_account(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")

        told = LedgerCheckpoint.objects.order_by("person__user_id")
        assert list(told.values_list("person__user_id", "sequence", "balance")) == [
            ("ann", 3, 80), ("bob", 2, 6),
        ]  # fmt: skip

    def test_keeps_balances_and_verifies(self, tmp_path: Path) -> None:
        before = list(CreditAccount.objects.order_by("pk").values())

        archive(tmp_path / "old.jsonl")

        assert list(CreditAccount.objects.order_by("pk").values()) == before
        assert verify()[0] == 0, verify()[1]

    def test_lets_the_ledger_go_on(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")

        act("ann", "deduct", -1, NEW)
        act("bob", "deduct", -1, NEW)

        assert CreditTransaction.objects.get(person__user_id="bob").sequence == 3
        assert verify()[0] == 0

    def test_can_be_done_again_later(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")

        archive(tmp_path / "newer.jsonl", before="2026-04-01")

        assert not CreditTransaction.objects.exists()
        assert verify()[0] == 0
        act("ann", "deduct", -1, NEW)
        assert CreditTransaction.objects.get().balance_after == 68

    def test_forgets_the_keys_of_what_went(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")

        act("ann", "grant", 90, NEW, key="old")

        assert CreditAccount.objects.get(person__user_id="ann").balance == 159

    def test_ends_refunds_of_what_went(self, tmp_path: Path, person: ApiClient) -> None:
        charge = CreditTransaction.objects.get(person__user_id="ann", sequence=3)
        archive(tmp_path / "old.jsonl")

        refund = person.post(f"/credits/transactions/{charge.uid}/refund", {})

        assert_problem(refund, 404, "not_found")

    def test_takes_entries_of_the_erased_under_the_erased_name(self, tmp_path: Path) -> None:
        erased = erase_person(user_id="ann", actor="key:tests", at=NEW).reference

        archive(tmp_path / "old.jsonl")

        lines = [json.loads(line) for line in (tmp_path / "old.jsonl").read_text().splitlines()]
        assert [line["user_id"] for line in lines] == [erased] * 3 + ["bob"] * 2
        assert CreditTransaction.objects.count() == 2
        assert verify()[0] == 0, verify()[1]

    def test_leaves_entries_whose_person_was_erased_since_the_file_was_written(self) -> None:
        person = Person.objects.get(user_id="ann")
        last = CreditTransaction.objects.get(person=person, sequence=3)
        erase_person(user_id="ann", actor="key:tests", at=NEW)

        removed = billing_archive.replace_by_checkpoint(
            person=person, last=last, digest="0" * 64, archive="a", at=NEW
        )

        assert removed == 0
        assert CreditTransaction.objects.count() == 7
        assert not LedgerCheckpoint.objects.exists()

    def test_with_nothing_old_writes_an_empty_file(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl", before="2020-01-01")

        assert (tmp_path / "old.jsonl").read_bytes() == b""
        assert CreditTransaction.objects.count() == 7


@pytest.mark.usefixtures("ledger")
class TestRefusals:
    def test_of_a_file_that_stands(self, tmp_path: Path) -> None:
        (tmp_path / "old.jsonl").write_text("mine")

        with pytest.raises(CommandError) as refusal:
            archive(tmp_path / "old.jsonl")

        assert refusal.value.returncode == 2
        assert (tmp_path / "old.jsonl").read_text() == "mine"
        assert CreditTransaction.objects.count() == 7

    @pytest.mark.parametrize("date", ["soon", "2026-13-01", "", "2999-01-01"])
    def test_of_what_is_no_date(self, tmp_path: Path, date: str) -> None:
        with pytest.raises(CommandError) as refusal:
            archive(tmp_path / "old.jsonl", before=date)

        assert refusal.value.returncode == 2
        assert not (tmp_path / "old.jsonl").exists()

    def test_of_deleting_above_a_checkpoint(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")

        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM billing_credittransaction WHERE sequence = 4")
        assert CreditTransaction.objects.count() == 2


@pytest.mark.usefixtures("ledger")
class TestVerifying:
    def test_finds_an_archive_that_was_changed(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")
        text = (tmp_path / "old.jsonl").read_text()
        (tmp_path / "old.jsonl").write_text(text.replace('"amount":90', '"amount":91'))

        code, output = verify()

        assert code == 1
        assert "ann: the lines in" in output
        assert "bob" not in output

    def test_knows_the_archive_of_who_was_moved_or_erased_since(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")
        persons.move_person(user_id="ann", to="zoe", actor="system", at=NEW)
        assert verify()[0] == 0, verify()[1]

        erase_person(user_id="zoe", actor="system", at=NEW)

        assert verify()[0] == 0, verify()[1]

    def test_goes_on_without_an_archive_that_was_moved(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl")
        (tmp_path / "old.jsonl").rename(tmp_path / "elsewhere.jsonl")

        assert verify()[0] == 0


@pytest.mark.usefixtures("ledger")
class TestRecentEntries:
    def days_ago(self, days: int) -> str:
        return (timezone.now() - datetime.timedelta(days=days)).date().isoformat()

    @pytest.mark.parametrize("days", [0, 1, 29])
    def test_are_refused(self, tmp_path: Path, days: int) -> None:
        before = stored()

        with pytest.raises(CommandError, match="30 days.*--allow-recent") as refusal:
            archive(tmp_path / "recent.jsonl", self.days_ago(days))

        assert refusal.value.returncode == 2
        assert not (tmp_path / "recent.jsonl").exists()
        assert stored() == before

    def test_go_when_told(self, tmp_path: Path) -> None:
        file = tmp_path / "recent.jsonl"

        call_command(
            "archive_transactions",
            str(file),
            "--before",
            self.days_ago(0),
            "--allow-recent",
            stdout=StringIO(),
        )

        assert not CreditTransaction.objects.exists()
        assert verify()[0] == 0

    def test_of_31_days_are_taken(self, tmp_path: Path) -> None:
        archive(tmp_path / "old.jsonl", self.days_ago(31))

        assert not CreditTransaction.objects.exists()

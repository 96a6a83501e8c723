"""A restore brings nobody back who was erased after its backup, while that is remembered."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from access.models import ErasedPerson
from billing.services import accounts
from conversations.models import Conversation
from conversations.services import legal_hold
from operations.models import Erasure
from tests.access.test_erased_person import KEY, erase
from tests.client import ApiClient
from tests.operations.backups import backup, command

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def remembered(settings: Any) -> None:
    settings.ERASED_PERSONS_KEY = KEY


def live(person: ApiClient) -> None:
    assert person.post("/conversations", {"title": "A secret"}).status_code == 201
    charge = person.post("/credits/transactions", {"type": "deduct", "amount": 3})
    assert charge.status_code == 201


def persons() -> set[str]:
    return set(Conversation.objects.values_list("person__user_id", flat=True))


class TestARestore:
    def test_erases_again_who_was_erased_after_the_backup(
        self, person: ApiClient, stranger: ApiClient, tmp_path: Path
    ) -> None:
        live(person)
        live(stranger)
        file = backup(tmp_path / "daily.zip")
        erase(person, "ann")

        code, said = command("restore", file, "--replace")

        assert code == 0, said
        assert "Erased again: 1 persons" in said and "Not repeated" not in said
        assert said.endswith("All is as it should be.\n")
        assert persons() == {"bob"}
        assert ErasedPerson.objects.among(["ann", "bob"]) == {"ann"}
        assert Erasure.objects.count() == 1

    def test_leaves_who_came_back_before_the_backup(
        self, person: ApiClient, tmp_path: Path
    ) -> None:
        erase(person, "ann")
        live(person)
        file = backup(tmp_path / "daily.zip")

        _, said = command("restore", file, "--replace")

        assert persons() == {"ann"}
        assert "rased" not in said

    def test_erases_again_who_came_back_and_was_erased_once_more(
        self, person: ApiClient, tmp_path: Path
    ) -> None:
        erase(person, "ann")
        live(person)
        file = backup(tmp_path / "daily.zip")
        erase(person, "ann")

        command("restore", file, "--replace")

        assert persons() == set()

    def test_leaves_them_in_when_told(self, person: ApiClient, tmp_path: Path) -> None:
        live(person)
        file = backup(tmp_path / "daily.zip")
        erase(person, "ann")

        code, said = command("restore", file, "--replace", "--include-erased")

        assert code == 0
        assert "ann was erased after the backup, and is back: --include-erased" in said
        assert persons() == {"ann"}
        assert ErasedPerson.objects.among(["ann"]) == {"ann"}

    def test_says_how_many_it_cannot_tell(
        self, person: ApiClient, tmp_path: Path, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = ""
        live(person)
        file = backup(tmp_path / "daily.zip")
        erase(person, "ann")

        code, said = command("restore", file, "--replace")

        assert code == 0
        assert "Not repeated: 1 erasures after the backup" in said
        assert persons() == {"ann"}

    def test_erases_again_who_was_frozen_in_the_backup(
        self, person: ApiClient, tmp_path: Path
    ) -> None:
        live(person)
        accounts.freeze_account(
            user_id="ann", actor="staff:dana", reason="a case", at=timezone.now()
        )
        file = backup(tmp_path / "daily.zip")
        call_command("erase_user", "ann", "--yes", "--frozen", "The court wants it")

        _, said = command("restore", file, "--replace")

        assert "Erased again: 1 persons" in said
        assert persons() == set()
        assert Erasure.objects.get().reason == "A restore had brought back who was erased."

    def test_names_who_cannot_be_erased_and_fails(self, person: ApiClient, tmp_path: Path) -> None:
        live(person)
        held = Conversation.objects.get()
        legal_hold.place_legal_hold(
            conversation=held, reason="A court", actor="staff:dana", at=held.created_at
        )
        file = backup(tmp_path / "daily.zip")
        legal_hold.lift_legal_hold(conversation=held)
        erase(person, "ann")

        code, said = command("restore", file, "--replace")

        assert code == 1
        assert "ann was erased after the backup, and is back: " in said
        assert "with persons who were erased: see above" in said
        assert persons() == {"ann"}

    def test_takes_the_place_of_a_database_that_knows_no_erasures(
        self, person: ApiClient, tmp_path: Path
    ) -> None:
        live(person)
        file = backup(tmp_path / "daily.zip")
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE access_erasedperson")
            cursor.execute("ALTER TABLE operations_erasure RENAME COLUMN reference TO name")

        code, said = command("restore", file, "--replace")

        assert code == 0
        assert "could not be read" in said
        assert persons() == {"ann"}

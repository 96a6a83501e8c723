"""`verify --since`: of what is only ever added, what came after the last clean run."""

import datetime
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, models
from django.utils import timezone

from billing.models import CreditTransaction, LedgerSeal
from billing.services import sealing
from common import declarations
from common.declarations import Check
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from consent.models import ConsentEvent
from conversations.models import Message
from operations import verified
from operations.models import MaintenanceRun
from tests.client import ApiClient
from tests.operations.backups import command

pytestmark = pytest.mark.django_db(transaction=True)

# By what is damaged: a row of which model, how, and the checks that say so.
DAMAGES: dict[str, tuple[type[models.Model], str, set[str]]] = {
    "an amount": (CreditTransaction, "amount = amount - 1", {"billing.entries", "billing.sealed"}),
    "who made an entry": (CreditTransaction, "actor = 'x'", {"billing.sealed"}),
    "a seal": (LedgerSeal, "chain = 'x'", {"billing.seals"}),
    "a mac": (LedgerSeal, "mac = 'x'", {"billing.seals", "billing.sealed"}),
    "a consent": (ConsentEvent, "actor = 'x'", {"consent.chains"}),
    "words": (Message, "search_text = 'boiler'", {"conversations.search_words"}),
}


def live(person: ApiClient) -> None:
    """Something is added of each kind, and sealed."""
    message = {"role": "user", "content": "Which pump?"}
    assert person.post("/conversations", {"messages": [message]}).status_code == 201
    charge = {"type": "deduct", "amount": 1}
    assert person.post("/credits/transactions", charge).status_code == 201
    assert person.put("/consent/marketing", {}).status_code == 200
    assert person.delete("/consent/marketing").status_code == 200
    assert sealing.seal_entries(at=timezone.now() + datetime.timedelta(hours=1), limit=500) > 0


@pytest.fixture
def clean(person: ApiClient, settings: Any) -> None:
    """Two rounds of everything, and a run that found nothing."""
    settings.LEDGER_SEAL_KEYS = ["a key of the ledger's seals, kept apart"]
    live(person)
    live(person)
    assert named() == set()


def named(*arguments: str) -> set[str]:
    """The checks that found something."""
    code, output = command("verify", "--json", *arguments)
    assert code in (0, 1), output
    found = {check["name"] for check in json.loads(output)["checks"] if check["problems"]}
    assert code == bool(found)
    return found


def damage(row: models.Model | None, change: str) -> None:
    assert row
    guarding = [one for one in all_triggers() if one.table == row._meta.db_table]
    if isinstance(row, Message):
        guarding = []  # they let this pass, and keep the index
    database_triggers.drop(guarding)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {change} WHERE id = %s", [row.pk])
    database_triggers.create(guarding)


class TestSinceTheLastCleanRun:
    def test_all_is_as_it_should_be(self, clean: None, person: ApiClient) -> None:
        live(person)

        assert named("--since") == set()

    @pytest.mark.parametrize("what", DAMAGES)
    def test_damage_is_found_where_something_was_added(
        self, clean: None, person: ApiClient, what: str
    ) -> None:
        model, change, expected = DAMAGES[what]
        live(person)
        damage(model._default_manager.order_by("pk").last(), change)

        assert named("--since") == named() == expected

    @pytest.mark.parametrize("what", DAMAGES)
    def test_what_stood_before_is_taken_as_it_is(
        self, clean: None, person: ApiClient, what: str
    ) -> None:
        model, change, expected = DAMAGES[what]
        live(person)
        damage(model._default_manager.order_by("pk").first(), change)

        assert named("--since") == set()
        assert expected <= named()

    @pytest.mark.parametrize("what", DAMAGES)
    def test_somebody_who_is_new_is_looked_at_from_the_first_row(
        self, clean: None, stranger: ApiClient, what: str
    ) -> None:
        model, change, expected = DAMAGES[what]
        before = model._default_manager.order_by("pk").last()
        assert before
        live(stranger)
        damage(model._default_manager.filter(pk__gt=before.pk).order_by("pk").first(), change)

        assert expected <= named("--since")

    def test_a_gap_before_what_was_added_is_found(self, clean: None, person: ApiClient) -> None:
        live(person)
        database_triggers.drop(all_triggers())
        CreditTransaction.objects.order_by("pk").reverse()[1:2].get().delete()
        ConsentEvent.objects.filter(pk=ConsentEvent.objects.order_by("-pk")[1].pk).delete()
        database_triggers.create(all_triggers())

        assert named("--since") == {"billing.entries", "consent.chains"}

    def test_what_is_changed_otherwise_is_looked_at_whole(self, clean: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE conversations_conversation SET message_count = 8")

        assert named("--since") == {"conversations.positions"}

    def test_a_run_that_found_something_is_no_beginning(
        self, clean: None, person: ApiClient
    ) -> None:
        live(person)
        damage(Message.objects.order_by("pk").last(), "search_text = 'boiler'")

        for _ in range(2):
            assert named("--since") == {"conversations.search_words"}

    def test_one_may_begin_earlier(self, clean: None, person: ApiClient) -> None:
        live(person)
        assert named("--since") == set()
        damage(Message.objects.order_by("pk").last(), "search_text = 'boiler'")
        last, first = MaintenanceRun.objects.of("verify")

        assert named("--since") == set()
        assert named("--since", last.started_at.isoformat()) == {"conversations.search_words"}
        told = json.loads(command("verify", "--json", "--since", last.started_at.isoformat())[1])
        assert datetime.datetime.fromisoformat(told["since"]) == first.started_at

    def test_is_said_in_the_first_line(self, clean: None) -> None:
        [run] = MaintenanceRun.objects.of("verify")

        _, output = command("verify", "--since")

        first, *_, last = output.splitlines()
        assert first == f"Since the clean run of {run.started_at:%Y-%m-%d %H:%M:%S} UTC:"
        assert last == "All is as it should be."


class TestWithoutACleanRun:
    def test_all_is_looked_at(self, person: ApiClient) -> None:
        live(person)
        damage(Message.objects.first(), "search_text = 'boiler'")

        assert named("--since") == {"conversations.search_words"}
        _, output = command("verify", "--since")
        assert output.splitlines()[0] == "No clean run is known: all is looked at."
        assert json.loads(command("verify", "--since", "--json")[1])["since"] is None
        assert "since" not in json.loads(command("verify", "--json")[1])

    @pytest.mark.parametrize(
        "arguments",
        [("soon",), ("2026-13-01",), (" ",), ("0001-01-01T00:00+01:00",), ("", "--repair")],
    )
    def test_what_cannot_be_meant_is_refused(self, arguments: tuple[str, ...]) -> None:
        code, output = command("verify", "--since", *arguments)

        assert code == 2
        assert "--since takes a date" in output or "--repair goes alone" in output
        assert not MaintenanceRun.objects.exists()


@contextmanager
def written_by_another() -> Iterator[None]:
    """Somebody's transaction has written, and stays open."""
    other: Any = connection.copy(alias="another")
    other.settings_dict["POOL"] = None
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE billing_tier SET name = name")
            yield
            cursor.execute("ROLLBACK")
    finally:
        other.close()


class TestBesideWriters:
    @pytest.mark.parametrize("arguments", [(), ("--since",)])
    def test_what_is_written_between_two_statements_is_no_damage(
        self, clean: None, key: str, arguments: tuple[str, ...]
    ) -> None:
        done: list[int] = []

        def act() -> None:
            person = ApiClient(key, "ann" if len(done) % 2 else f"new {len(done)}")
            assert person.put("/consent/marketing", {}).status_code == 200
            assert person.delete("/consent/marketing").status_code == 200
            message = {"role": "user", "content": "Which pump?"}
            assert person.post("/conversations", {"messages": [message]}).status_code == 201
            connection.close()

        def beside(execute: Any, sql: str, *statement: Any) -> Any:
            is_read = "consent_" in sql or "conversations_" in sql
            if is_read and len(done) < 40:  # what is read in batches would never end
                with ThreadPoolExecutor(1) as threads:
                    done.append(threads.submit(act).result() is None)
            return execute(sql, *statement)

        with connection.execute_wrapper(beside):
            assert named(*arguments) == set()

        assert len(done) > 10
        assert named() == set()


class TestATableThatIsMissing:
    def test_is_named(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE billing_ledgerseal RENAME TO elsewhere")
        try:
            code, output = command("verify")
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE elsewhere RENAME TO billing_ledgerseal")

        assert code == 2
        assert "table billing_ledgerseal: there is no such table; run migrate" in output


class TestBesideAnOpenTransaction:
    def test_a_run_is_no_beginning(
        self, clean: None, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQLite lets nobody write beside it, the run that is kept neither."""
        monkeypatch.setattr(verified, "PATIENCE_SECONDS", 0.1)
        live(person)

        with written_by_another():
            ends = verified.ends()

        assert (ends is None) == (connection.vendor == "postgresql")
        assert verified.ends() is not None

    def test_it_is_waited_for(self, clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
        other = written_by_another()
        other.__enter__()
        steps: list[float] = []

        def step(seconds: float) -> None:
            steps.append(seconds)
            if len(steps) == 3:
                other.__exit__(None, None, None)

        monkeypatch.setattr(verified.time, "sleep", step)
        if connection.vendor == "sqlite":
            other.__exit__(None, None, None)

        assert verified.ends() is not None
        assert len(steps) == (3 if connection.vendor == "postgresql" else 0)


if connection.vendor == "postgresql":

    class TestTheTransactionThatReads:
        def test_may_send_nothing_for_as_long_as_a_file_is_read(self) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET idle_in_transaction_session_timeout = '1s'")
                with verified.one_moment():
                    cursor.execute("SHOW idle_in_transaction_session_timeout")
                    assert cursor.fetchone()[0] == "0"
            connection.close()

        def test_that_is_lost_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
            def lose() -> list[str]:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                return []

            lost = Check("lost", "The connection stays", lose)
            monkeypatch.setattr(declarations, "checks", lambda: [lost])

            code, output = command("verify")
            connection.close()

            assert code == 2
            assert output.startswith("Could not run: ")
            assert "connection already closed" not in output

"""Every migration of every app, undone and applied again with rows in the tables."""

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from access import rates, staff_actions
from access.services import persons, readings
from billing.models import CreditAccount
from billing.services import accounts, sealing
from common import declarations
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from common.write_behind import flush_all
from consent.services import texts
from tests.client import ApiClient
from tests.common.proofs import write_proofs
from tests.migrating import come_to_the_latest
from tests.operations.persons import cache_an_answer
from tests.querycache import cache

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent

# What may stay empty: rows that no act of today makes without waiting for days.
UNFILLED = {"access_personmove", "billing_ledgercheckpoint", "billing_creditcheckpoint"}

# Columns that a step back takes and that no step forward can fill again: who made rows with a key.
LOST_GOING_BACK = {
    ("billing_usageincrement", "actor"),
    ("conversations_conversation", "actor"),
    ("conversations_message", "actor"),
}
# The way back takes the persons themselves: new ones, with new keys, are made of the ids.
KEYS_MADE_ANEW = {"access_person"}

Rows = dict[str, dict[Any, dict[str, Any]]]


def our_apps() -> list[str]:
    return sorted(
        app.label for app in apps.get_app_configs() if ROOT in Path(app.path).resolve().parents
        and (Path(app.path) / "migrations").is_dir()
        and ".venv" not in app.path
    )  # fmt: skip


def migrations_of(app: str) -> list[str]:
    return sorted(name for label, name in MigrationLoader(None).disk_migrations if label == app)


# Rows


def fill_conversations(person: ApiClient) -> None:
    made = person.post(
        "/conversations", {"title": "Heat", "messages": [{"role": "user", "content": "why?"}]}
    )
    assert made.status_code == 201
    person.post("/conversations", {"title": "Cold", "metadata": {"b": 1.0, "a": [None]}})


def fill_billing(person: ApiClient) -> None:
    charge = person.post("/credits/transactions", {"type": "deduct", "amount": 5}).json()["id"]
    person.post(f"/credits/transactions/{charge}/refund", {"amount": 2})
    hold = person.post("/credits/holds", {"amount": 5}).json()["id"]
    person.post(f"/credits/holds/{hold}/capture", {"amount": 3})
    person.post("/credits/holds", {"amount": 1})
    person.post("/usage/increment", {"amount": 2}, idempotency_key="k")
    person.patch("/usage", {"daily_limit": 20, "reason": "a good customer"})
    accounts.freeze_account(
        user_id="ann", actor="staff:sam", reason="a case of bob's", at=timezone.now()
    )
    sealing.seal_entries(at=timezone.now() + datetime.timedelta(hours=1), limit=10)


def fill_access(person: ApiClient) -> None:
    readings.record_reading(
        actor="staff:sam", at=timezone.now(), user_id="ann", what="conversation 1"
    )
    persons.change_person(user_id="ann", references={"customer": "C-1"})
    # On the way back what Sam did becomes a line of the admin's log, which needs the account.
    User.objects.get_or_create(username="sam", is_staff=True)
    persons.meet_persons(["bob"])
    with transaction.atomic():
        staff_actions.record(
            action="billing.freeze", rows=CreditAccount.objects.all(), actor="staff:sam",
            at=timezone.now(), sentence="Froze the account.", reason="a case of bob's",
        )  # fmt: skip
    rates.count([rates.Bucket("person", "ann", 0, rates.Rate(60, 60))], at=timezone.now())
    persons.bring_marks({"0" * 64: 1})


def fill_consent(person: ApiClient) -> None:
    texts.publish_policy(
        purpose="terms", version=1, locale="en", text="Be kind.", at=timezone.now()
    )
    assert person.put("/consent/marketing", {}).status_code == 200
    assert person.delete("/consent/marketing").status_code == 200


def fill_querycache(person: ApiClient) -> None:
    cache_an_answer(person)
    cache.make_namespace("faq", sharing="shared")
    shared = cache.look_up(person, namespace="faq")
    assert cache.store(person, shared["key"], namespace="faq").status_code == 201
    assert person.post("/cache/invalidate", {"tags": ["old"]}).status_code == 200
    flush_all()


def fill_guarded(person: ApiClient) -> None:
    write_proofs()


FILL: dict[str, Callable[[ApiClient], None]] = {
    "billing": fill_billing,
    "access": fill_access,
    "consent": fill_consent,
    "conversations": fill_conversations,
    "guarded": fill_guarded,
    "querycache": fill_querycache,
}


@pytest.fixture
def filled(person: ApiClient) -> None:
    for app, fill in FILL.items():
        if app in our_apps():
            fill(person)


@pytest.fixture(autouse=True)
def migrated_in_the_end() -> Iterator[None]:
    yield
    come_to_the_latest()


def standing() -> Rows:
    """Every row of our tables by its key, with the columns that stand just now."""
    found: Rows = {}
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for app in our_apps():
            for model in apps.get_app_config(app).get_models():
                table, key = model._meta.db_table, model._meta.pk.column  # type: ignore[union-attr]
                if table in tables:
                    cursor.execute(f'SELECT * FROM "{table}"')
                    columns = [column[0] for column in cursor.description]
                    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
                    found[table] = {row[key]: row for row in rows}
    return found


def assert_same(before: Rows, after: Rows) -> None:
    """What stands on both sides is equal: every table, key and column that can be kept."""
    for table in before.keys() & after.keys():
        if table in KEYS_MADE_ANEW:
            continue
        assert before[table].keys() == after[table].keys(), table
        lost = {column for name, column in LOST_GOING_BACK if name == table}
        for key, row in before[table].items():
            for column in (row.keys() & after[table][key].keys()) - lost - {"person_id"}:
                assert row[column] == after[table][key][column], (table, column)


def out_of_place() -> list[str]:
    """The triggers that stand although a column that they speak of is gone."""
    present = database_triggers.tables_and_columns(connection)
    there = database_triggers.standing(connection)
    return [
        trigger.name
        for trigger in all_triggers()
        if (trigger.table, trigger.name) in there and not trigger.can_be_created(present)
    ]


def drift() -> list[str]:
    return [sentence for check in declarations.checks() for sentence in check.find()]


class TestTheRows:
    def test_fill_every_table(self, filled: None) -> None:
        empty = {table for table, rows in standing().items() if not rows}
        known = {
            model._meta.db_table for app in FILL if app in our_apps()
            for model in apps.get_app_config(app).get_models()
        }  # fmt: skip

        assert (empty & known) - UNFILLED == set(), "say in FILL how to make such rows"


class TestGoingForward:
    def test_drops_no_table(self) -> None:
        migrations = MigrationLoader(None).disk_migrations
        dropping = [
            f"{app}.{name}"
            for (app, name), migration in migrations.items()
            if app in our_apps()
            and any(type(operation).__name__ == "DeleteModel" for operation in migration.operations)
        ]

        assert dropping == []


@contextmanager
def looked_at_after_each_step(look: Callable[[str, str], None]) -> Iterator[None]:
    """`migrate` calls `look(app, name)` after each migration, as if that had been its last.

    A command for each would have Django make its models of the whole history for each.
    """

    def looking(step: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(executor: Any, state: Any, migration: Any, **options: Any) -> Any:
            state = step(executor, state, migration, **options)
            database_triggers.create(all_triggers())
            look(migration.app_label, migration.name)
            if connection.vendor == "sqlite":  # where a step finds none
                database_triggers.drop(all_triggers())
            return state

        return stepped

    with pytest.MonkeyPatch.context() as patch:
        for name in ("apply_migration", "unapply_migration"):
            patch.setattr(MigrationExecutor, name, looking(getattr(MigrationExecutor, name)))
        yield


class TestMigrations:
    @pytest.mark.parametrize("app", our_apps())
    def test_are_undone_and_applied_again_one_by_one_with_every_row(
        self, filled: None, app: str
    ) -> None:
        names = migrations_of(app)
        before = {later: name for name, later in pairwise(names)}
        levels = {names[-1]: standing()}

        def undone(of: str, name: str) -> None:
            assert out_of_place() == []
            if of == app:
                levels[before[name]] = standing()
                assert_same(levels[name], levels[before[name]])

        with looked_at_after_each_step(undone):
            call_command("migrate", app, names[0], verbosity=0)
        assert levels.keys() == set(names)
        kept = set.intersection(*(set(rows) for rows in levels.values()))
        applied = []

        def done(of: str, name: str) -> None:
            assert out_of_place() == []
            if of == app:
                applied.append(name)
                assert_same({table: levels[name][table] for table in kept}, standing())

        with looked_at_after_each_step(done):
            call_command("migrate", verbosity=0)
        assert applied == names[1:]
        assert_same({table: levels[names[-1]][table] for table in kept}, standing())
        assert database_triggers.missing() == []
        assert drift() == []

    @pytest.mark.parametrize("app", our_apps())
    def test_of_an_app_can_all_be_undone(self, filled: None, app: str) -> None:
        before = standing()

        call_command("migrate", app, "zero", verbosity=0)
        gone = {table for table in before if table not in standing()}
        others = {table: rows for table, rows in before.items() if table not in gone}
        assert_same(others, standing())
        call_command("migrate", verbosity=0)

        own = {model._meta.db_table for model in apps.get_app_config(app).get_models()}
        assert own <= gone
        assert standing().keys() == before.keys()
        assert_same(others, standing())
        assert database_triggers.missing() == []

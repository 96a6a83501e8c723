"""The start of many processes at once, and a migration that fails."""

import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from common import locks
from common.schema import database_triggers
from tests import forks
from tests.common.proofs import rows, write_proofs
from tests.guarded.models import Proof
from tests.operations import backups
from tests.operations.server import environment_of, manage

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = 4


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    with backups.empty_database(tmp_path) as url:
        yield url


class TestManyProcesses:
    def test_migrate_an_empty_database_once(self, empty_database: str) -> None:
        environment = environment_of(empty_database)
        begun = [
            forks.popen(
                ["manage.py", "migrate"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(PROCESSES)
        ]
        ended = [(*process.communicate(timeout=300), process.returncode) for process in begun]

        assert [code for _, _, code in ended] == [0] * PROCESSES, ended
        applying = [output.count("Applying ") for output, _, _ in ended]
        assert sorted(applying)[:-1] == [0] * (PROCESSES - 1)
        assert max(applying) > 20
        assert manage(environment, "migrate", "--check").returncode == 0
        assert manage(environment, "check", "--database", "default").stderr.count("W001") == 0
        if empty_database.startswith("sqlite"):
            folder = Path(empty_database.removeprefix("sqlite:///")).parent
            assert list(folder.glob("*.migrating")) == []


class TestTheLock:
    def test_is_held_by_one_and_free_after_it(self) -> None:
        waited: list[str] = []

        def give_up() -> None:
            waited.append("waits")
            raise InterruptedError

        with locks.only_migration("default", give_up):
            with pytest.raises(InterruptedError), locks.only_migration("default", give_up):
                pass
            assert waited == ["waits"]
        with locks.only_migration("default", give_up):
            pass

        assert waited == ["waits"]


class TestAMigrationThatFails:
    @pytest.fixture(autouse=True)
    def a_failing_release(self, settings: Any) -> None:
        settings.MIGRATION_MODULES = {"guarded": "tests.operations.failing_migrations"}

    def columns(self) -> set[str]:
        with connection.cursor() as cursor:
            return {
                column.name
                for column in connection.introspection.get_table_description(
                    cursor, Proof._meta.db_table
                )
            }

    def test_is_named_and_leaves_nothing_half(self) -> None:
        before, columns = write_proofs(), self.columns()
        said = StringIO()

        with pytest.raises(RuntimeError, match="not as expected"):
            call_command("migrate", verbosity=0, stderr=said)

        assert "The migration guarded.0002_half failed. Nothing of it was kept" in said.getvalue()
        assert self.columns() == columns
        assert rows() == before
        assert database_triggers.missing() == []

    def test_can_be_tried_again(self) -> None:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="not as expected"):
                call_command("migrate", verbosity=0, stderr=StringIO())

        assert "colour" not in self.columns()

"""Backups while others write, restores while others read, and the recovery drill."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from operations import backup as backups
from operations import restore
from operations.errors import BackupFailed
from tests.asserts import stored
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of
from tests.forks import Fork
from tests.operations.backups import backup, command, empty_database
from tests.operations.load import assert_holds, counted, rounds, writing
from tests.operations.server import manage
from tests.operations.writers import WRITERS
from tests.processes import environment

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 40


@pytest.fixture
def writers(key: str) -> Iterator[Fork]:
    with writing(key) as process:
        yield process


class TestABackupWhileOthersWrite:
    def test_restores_and_verifies(self, writers: Fork, tmp_path: Path) -> None:
        before = rounds(writers, ROUNDS)
        file = backup(tmp_path / "busy.zip")
        after = rounds(writers, ROUNDS)

        with empty_database(tmp_path) as url:
            done = manage(os.environ | {"DATABASE_URL": url}, "restore", str(file))
            restored = counted(url)

        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.endswith("All is as it should be.\n")
        assert set(restored) == set(before) == {f"writer-{number}" for number in range(WRITERS)}
        assert sum(after[person][0] for person in after) > sum(
            before[person][0] for person in before
        )
        assert_holds(restored, before)


class TestADrill:
    def test_works_as_the_document_says(self, person: ApiClient, tmp_path: Path) -> None:
        person.post(
            "/conversations", {"title": "Heat", "messages": [{"role": "user", "content": "a"}]}
        )
        text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
        section = re.split(r"^## ", text.split("## A recovery drill\n")[1], flags=re.M)[0]
        [script] = re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
        backup_folder = tmp_path / "backups"
        backup_folder.mkdir()

        with empty_database(tmp_path) as url:
            done = subprocess.run(
                ["sh", "-eu", "-c", script.replace(".venv/bin/python", sys.executable)],
                cwd=settings.BASE_DIR,
                env=environment() | {"BACKUPS": str(backup_folder), "DRILL_DATABASE_URL": url},
                capture_output=True,
                text=True,
            )

        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("All is as it should be.") == 2
        assert "application" in done.stdout  # the service key
        assert len(list(backup_folder.iterdir())) == 1


if connection.vendor == "sqlite":

    class TestARestoreOfALiveFile:
        def test_lets_readers_see_the_old_or_the_new(self, key: str, tmp_path: Path) -> None:
            make_conversation_of(1)
            file = backup(tmp_path / "daily.zip")
            make_conversation_of(1)
            reader = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
            counting = "SELECT count(*) FROM conversations_conversation"
            reader.execute("BEGIN")
            assert reader.execute(counting).fetchone() == (2,)

            restore.restore(file, replace=True)

            assert reader.execute(counting).fetchone() == (2,)
            reader.execute("COMMIT")
            assert reader.execute(counting).fetchone() == (1,)
            reader.close()
            command("migrate", "--verbosity=0")

        def test_gives_up_when_a_writer_leaves_no_gap(
            self, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
        ) -> None:
            file = backup(tmp_path / "daily.zip")
            make_conversation_of(1)
            before = stored()
            monkeypatch.setattr(backups, "settings_timeout", lambda: 0)
            writer = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
            writer.execute("BEGIN IMMEDIATE")

            with pytest.raises(BackupFailed, match="Others write"):
                restore.restore(file, replace=True)

            writer.execute("ROLLBACK")
            writer.close()
            assert stored() == before

else:

    class TestPostgresqlsPrograms:
        def test_never_see_the_password_in_their_arguments(
            self, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
        ) -> None:
            real = backups.client_programs()
            folder, calls = tmp_path / "bin", tmp_path / "calls"
            folder.mkdir()
            for name in ("pg_dump", "pg_restore", "psql"):
                script = f'#!/bin/sh\necho "$0 $@" >> {calls}\nexec {real.path(name)} "$@"\n'
                (folder / name).write_text(script)
                (folder / name).chmod(0o755)
            monkeypatch.setattr(settings, "PG_BIN", str(folder))
            monkeypatch.setitem(connection.settings_dict, "PASSWORD", "hunter2")
            connection.close()

            file = backup(tmp_path / "daily.zip")
            code, said = command("restore", file, "--replace")

            assert code == 0, said
            assert calls.read_text().count("\n") >= 3
            assert "hunter2" not in calls.read_text() + said

        def test_that_fail_leave_no_file(
            self, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
        ) -> None:
            (tmp_path / "backups").mkdir()
            monkeypatch.setattr(
                backups, "connection_string", lambda: "host=/nowhere dbname=nothing"
            )

            code, said = command("backup", tmp_path / "backups" / "daily.zip")

            assert code == 1
            assert "pg_dump failed" in said and "Traceback" not in said
            assert list((tmp_path / "backups").iterdir()) == []

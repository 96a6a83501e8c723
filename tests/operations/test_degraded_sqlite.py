"""The database file locked by another process, read-only or gone: told, and well again."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.asserts import assert_problem
from tests.operations.faults import bound_by_modes, read_only
from tests.operations.server import environment_of, prepared
from tests.web import Answer, Web, served

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: Any) -> tuple[Path, str]:
    """A database and a key to it, of which each test has a copy."""
    file: Path = tmp_path_factory.mktemp("migrated") / "records.sqlite3"
    return file, prepared(environment_of(f"sqlite:///{file}"))


@pytest.fixture
def file(migrated: tuple[Path, str], tmp_path: Path) -> Path:
    (tmp_path / "database").mkdir()
    return Path(shutil.copy(migrated[0], tmp_path / "database"))


@pytest.fixture
def key(migrated: tuple[Path, str]) -> str:
    return migrated[1]


@pytest.fixture
def web(file: Path, key: str, tmp_path: Path) -> Iterator[Web]:
    variables = environment_of(f"sqlite:///{file}") | {"SQLITE_TIMEOUT": "1"}
    with served(variables, tmp_path) as one:
        yield one


@contextmanager
def locked_by_a_process(file: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    try:
        yield
    finally:
        holder.communicate("\n")


def charge(web: Web, key: str, idempotency_key: str) -> Answer:
    return web.request(
        "POST", "/api/v1/credits/transactions", {"type": "deduct", "amount": 1},
        Authorization=f"Bearer {key}", X_User_Id="ann", Idempotency_Key=idempotency_key,
    )  # fmt: skip


def entries(file: Path) -> int:
    connection = sqlite3.connect(file)
    try:
        [count] = connection.execute(
            "SELECT count(*) FROM billing_credittransaction WHERE type = 'deduct'"
        ).fetchone()
        return int(count)
    finally:
        connection.close()


class TestAFileThatIsLocked:
    def test_refuses_writes_in_time_and_is_read(self, web: Web, key: str, file: Path) -> None:
        assert charge(web, key, "first").status_code == 201

        with locked_by_a_process(file):
            refused = charge(web, key, "second")
            ready = web.get("/health/ready")
            read = web.get("/api/v1/conversations", Authorization=f"Bearer {key}", X_User_Id="ann")

        assert_problem(refused, 503, "database_unavailable")
        assert (ready.status_code, read.status_code) == (200, 200)
        assert entries(file) == 1
        assert charge(web, key, "second").status_code == 201
        assert entries(file) == 2


class TestAFileThatIsGone:
    def test_is_not_ready_and_the_process_lives(self, web: Web, key: str, file: Path) -> None:
        charge(web, key, "first")
        os.rename(file.parent, file.parent.with_name(f"{file.parent.name}-away"))
        try:
            live, ready = web.get("/health/live"), web.get("/health/ready")
        finally:
            os.rename(file.parent.with_name(f"{file.parent.name}-away"), file.parent)

        assert live.status_code == 200
        assert "database" in assert_problem(ready, 503, "not_ready")["failing"]
        assert web.get("/health/ready").status_code == 200


@pytest.fixture
def opened(file: Path) -> Iterator[Path]:
    """With the files beside it, without which nobody can read it who may not make them."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("SELECT 1 FROM django_migrations")
        yield file


class TestAFileThatIsReadOnly:
    def test_and_may_be_written_again_is_written_by_the_thread_that_read_it(
        self, opened: Path, key: str, tmp_path: Path
    ) -> None:
        file, variables = opened, environment_of(f"sqlite:///{opened}") | {"WEB_THREADS": "1"}
        for path in file.parent.iterdir():
            path.chmod(0o644)

        with read_only(file), served(variables, tmp_path, through=bound_by_modes()) as web:
            refused = charge(web, key, "first")
            ready = web.get("/health/ready")
            read = web.get("/api/v1/conversations", Authorization=f"Bearer {key}", X_User_Id="ann")
            mode = file.stat().st_mode & 0o777
            for path in (file.parent, *file.parent.iterdir()):
                path.chmod(0o700)
            kept = charge(web, key, "first")

        assert_problem(refused, 503, "database_unavailable")
        assert "database" in assert_problem(ready, 503, "not_ready")["failing"]
        assert read.status_code == 200
        assert mode == 0o400
        assert kept.status_code == 201
        assert entries(file) == 1

    def test_is_told_and_still_read(self, file: Path, key: str, tmp_path: Path) -> None:
        # SQLite's own switch, as of a file system that is read-only while the file is open.
        variables = environment_of(f"sqlite:///{file}")
        code = """
import django; django.setup()
from django.db import connection
from operations import in_time
from tests.client import ApiClient
import sys
in_time._begin = lambda work: work()  # the switch holds for this connection alone
person = ApiClient(sys.argv[1], "ann")
with connection.cursor() as cursor:
    cursor.execute("PRAGMA query_only = ON")
refused = person.post("/conversations", {"title": "Heat"})
read = person.get("/conversations")
ready = person.client.get("/health/ready")
with connection.cursor() as cursor:
    cursor.execute("PRAGMA query_only = OFF")
served = person.post("/conversations", {"title": "Heat"})
print(refused.status_code, refused.json()["code"], read.status_code, ready.status_code)
print(served.status_code)
"""
        done = subprocess.run(
            [sys.executable, "-c", code, key],
            env=variables | {"DJANGO_SETTINGS_MODULE": "config.settings"},
            capture_output=True, text=True, cwd=Path(__file__).parent.parent.parent,
        )  # fmt: skip

        assert done.stdout.split() == ["503", "database_unavailable", "200", "503", "201"], done

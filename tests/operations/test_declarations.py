"""An app of one's own that declares all there is: each name takes effect where operators look."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from common.apps import NAMES
from tests.operations import backups
from tests.operations.server import environment_of, manage, prepared
from tests.web import served

pytestmark = pytest.mark.django_db(transaction=True)

FILES = {
    "__init__.py": "",
    "apps.py": """
from common.apps import StewardAppConfig


class ShelfConfig(StewardAppConfig):
    name = "shelf"
    triggers = "shelf.triggers.TRIGGERS"
    initial_data = "shelf.services.add_first_board"
    verify_checks = ("shelf.declared.CHECKS", "shelf.declared.MORE_CHECKS")
    maintenance_tasks = "shelf.declared.TASKS"
    health_checks = "shelf.declared.HEALTH_CHECKS"
    stored_gauges = "shelf.declared.STORED_GAUGES"
    privacy_hooks = "shelf.declared.PRIVACY_HOOKS"
""",
    "models.py": """
from django.db import models

from access.models import PersonField


class Board(models.Model):
    name = models.TextField(unique=True)

    class Privacy:
        personal = set()
        not_personal = {"id", "name"}


class Loan(models.Model):
    person = PersonField()

    class Privacy:
        personal = {"person"}
        not_personal = {"id"}
""",
    "triggers.py": """
from common.schema.triggers import append_only
from shelf.models import Board

TRIGGERS = append_only(Board)
""",
    "services.py": """
from shelf.models import Board


def add_first_board():
    Board.objects.get_or_create(name="first")
""",
    "declared.py": """
from common.declarations import Check, Head, Health, HealthCheck, Repair, StoredGauge, Task, Tear
from common.errors import DomainError
from common.privacy import PrivacyHooks
from shelf.models import Board


class ShelfIsLocked(DomainError):
    code, status, title = "shelf_locked", 409, "The shelf is locked"


def refuse(user_id):
    if user_id == "ann":
        raise ShelfIsLocked("Ann's books lie on the shelf.")


def empty():
    return ["the shelf has no second board"] if Board.objects.count() < 2 else []


def second():
    return int(Board.objects.get_or_create(name="second")[1])


def lacking():
    return [Tear(frozenset(), "a second board is added", second)] if empty() else []


CHECKS = [Check("shelf.boards", "There are two boards", empty)]
MORE_CHECKS = [
    Head("shelf.boards", lambda: str(Board.objects.count()), lambda kept: kept == "1"),
    Repair("shelf.boards", lacking),
]
TASKS = [Task("shelf.dust", "Dusty boards", lambda at: Board.objects.count(), lambda at, n: 0)]
HEALTH_CHECKS = [HealthCheck("shelf", lambda: Health("ok", {"boards": Board.objects.count()}))]
STORED_GAUGES = [StoredGauge("shelf_boards", "Boards.", lambda: Board.objects.count())]
PRIVACY_HOOKS = PrivacyHooks(
    refuse_erasure=refuse, also_export=lambda user_id: ("boards", [{"name": "first"}])
)
""",
}


class Shelf:
    """The app's folder, and a database of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.database_url = database_url
        self.environment = environment_of(database_url) | {
            "EXTRA_APPS": "shelf",
            "PYTHONPATH": str(folder),
        }
        (folder / "shelf").mkdir()
        for name, text in FILES.items():
            (folder / "shelf" / name).write_text(text)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return manage(self.environment, *arguments)

    def said(self, *arguments: str) -> str:
        done = self.manage(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def execute(self, sql: str) -> Any:
        """As somebody who does not ask Steward."""
        path = self.database_url.removeprefix("sqlite:///")
        is_file = connection.vendor == "sqlite"
        own: Any = sqlite3.connect(path) if is_file else psycopg2.connect(self.database_url)
        try:
            cursor = own.cursor()
            cursor.execute(sql)
            rows = cursor.fetchall() if sql.startswith("SELECT") else None
            own.commit()
            return rows
        finally:
            own.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with backups.empty_database(tmp_path) as url:
        yield Shelf(tmp_path, url)


def test_each_takes_effect(shelf: Shelf, tmp_path: Path) -> None:
    shelf.said("makemigrations", "-v0", "shelf")
    key = prepared(shelf.environment)

    is_migrated(shelf)
    is_verified_and_mended(shelf)
    is_maintained(shelf)
    with served(shelf.environment, tmp_path) as web:
        health = web.get("/health/detailed", authorization=f"Bearer {key}").json()
        metrics = web.get("/metrics", authorization=f"Bearer {key}").content.decode()
    assert health["components"]["shelf"] == {"status": "ok", "boards": 2}
    assert "\nsteward_shelf_boards 2.0\n" in metrics
    is_exported_and_not_erased(shelf, tmp_path / "ann.json")


def is_migrated(shelf: Shelf) -> None:
    assert shelf.execute("SELECT name FROM shelf_board") == [("first",)]
    for statement in ("UPDATE shelf_board SET name = 'x'", "DELETE FROM shelf_board"):
        with pytest.raises(
            (sqlite3.IntegrityError, psycopg2.IntegrityError), match="shelf: rows are kept"
        ):
            shelf.execute(statement)


def is_verified_and_mended(shelf: Shelf) -> None:
    found = shelf.manage("verify", "--json")
    assert found.returncode == 1
    told = json.loads(found.stdout)
    problems = {check["name"]: check["first"] for check in told["checks"] if check["problems"]}
    assert problems == {"shelf.boards": ["the shelf has no second board"]}
    assert told["heads"]["shelf.boards"] == "1"
    assert "a second board is added: 1 rows" in shelf.said("verify", "--repair", "--yes")
    shelf.said("verify")


def is_maintained(shelf: Shelf) -> None:
    assert "       2  shelf.dust" in shelf.said("maintain", "--dry-run")
    assert "ok   shelf.dust" in shelf.said("maintain", "--task", "shelf.dust")


def is_exported_and_not_erased(shelf: Shelf, file: Path) -> None:
    shelf.said(
        "shell", "-v0", "-c", "from access.models import Person as P; P(user_id='ann').save()"
    )
    shelf.said("export_user", "ann", str(file))
    assert json.loads(file.read_text())["shelf"]["boards"] == [{"name": "first"}]
    refused = shelf.manage("erase_user", "ann", "--yes")
    assert (refused.returncode, "lie on the shelf" in refused.stderr) == (1, True)


@pytest.mark.parametrize("name", NAMES)
def test_each_that_leads_nowhere_ends_the_start(name: str, shelf: Shelf, tmp_path: Path) -> None:
    config = tmp_path / "shelf" / "apps.py"
    lines = config.read_text().splitlines()
    changed = [
        f'    {name} = "shelf.nothing.AT_ALL"' if line.startswith(f"    {name} =") else line
        for line in lines
    ]
    config.write_text("\n".join(changed))

    done = shelf.manage("check")

    assert done.returncode == 1
    assert "No module named 'shelf.nothing'" in done.stderr

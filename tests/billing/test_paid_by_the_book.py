"""The application of docs/billing.md, built word by word, served, and called as it says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.web import ROOT, Web, served

pytestmark = pytest.mark.django_db(transaction=True)

SECTION = "## Charge for your own views\n"


def section() -> str:
    text = (ROOT / "docs" / "billing.md").read_text()
    return text.partition(SECTION)[2].partition("\n## ")[0]


def blocks(language: str) -> list[str]:
    """The section's code in that language; what is printed has none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", section(), re.M | re.S)
    return [code for named, code in found if named == language]


# In one process: each takes longer to begin than for what it does.
EVERYTHING = """
import os
import django
from django.core.management import call_command
from django.utils import timezone
django.setup()
from access.models import Person
from shop.models import Sale
ann, _ = Person.objects.get_or_create(user_id="ann")
Sale.objects.create(person=ann, text="A heat pump", sold_at=timezone.now())
call_command("verify", "--json")
call_command("maintain", "--dry-run")
call_command("export_user", "ann", os.environ["ANN"])
call_command("erase_user", "ann", "--yes")
print("left:", Sale.objects.count())
"""


class Shop:
    """The application's folder, and the shell in which its reader works."""

    def __init__(self, folder: Path) -> None:
        self.environment = processes.environment() | {
            "EXTRA_APPS": "shop",
            "PYTHONPATH": str(folder),
            "SECRET_KEY": "for-tests-only",
        }
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").touch()
        for block in blocks("python"):
            name, _, code = block.partition("\n")
            (folder / name.removeprefix("# ")).write_text(code)

    def run(self, command: str, **environment: str) -> str:
        binaries = f"{Path(sys.executable).parent}/"
        done = subprocess.run(
            ["bash", "-c", command.replace(".venv/bin/", binaries)],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def called(self, web: Web, key: str) -> str:
        """What the documented calls print."""
        commands = blocks("sh")[1].replace(":8000", f":{web.port}")
        return self.run(commands, KEY=key).replace("\r", "")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.run(".venv/bin/python manage.py migrate -v0 shop zero")


@pytest.fixture
def key(shop: Shop) -> str:
    """What the commands before the server print last."""
    commands = [line for line in blocks("sh")[0].splitlines() if "manage.py" in line]
    assert [line.split()[2] for line in commands] == ["makemigrations", "migrate", "create_api_key"]
    return [shop.run(command) for command in commands][-1].splitlines()[-1]


class TestTheApplicationOfTheBook:
    def test_is_served_by_both_kinds_of_server_and_is_part_of_everything(
        self, shop: Shop, key: str, tmp_path: Path
    ) -> None:
        with served(shop.environment, tmp_path) as web:
            printed = shop.called(web, key)
            assert web.get("/api/shop/nothing").json()["code"] == "not_found"
            assert b"\n  /api/shop/questions:\n" in web.get("/api/v1/schema").content

        assert shown(printed) == shown(blocks("")[0])
        self.is_verified_maintained_exported_and_erased(shop, tmp_path / "ann.json")

        command = blocks("sh")[2].split()
        assert command == [".venv/bin/uvicorn", "config.asgi:application", "--port", "8000"]
        with served(shop.environment, tmp_path, server=command[:2]) as web:
            printed = shop.called(web, key)  # by Ann once more, as somebody new
            metrics = web.get("/metrics", authorization=f"Bearer {key}")

        assert shown(printed) == shown(blocks("")[0])
        assert b"steward_charges_total 2.0" in metrics.content

    def is_verified_maintained_exported_and_erased(self, shop: Shop, file: Path) -> None:
        printed = shop.run(
            f".venv/bin/python -c '{EVERYTHING}'",
            ANN=str(file),
            DJANGO_SETTINGS_MODULE="config.settings",
        ).splitlines()

        assert any("shop.texts" in line for line in printed)
        assert any("shop.sales" in line for line in printed)
        assert "A heat pump" in file.read_text()
        assert printed[-1] == "left: 0"


def shown(printed: str) -> list[set[str]]:
    """The answers; servers order headers, write them small and say the phrase, or not."""
    answers = re.split(r"^HTTP/1.1 ", printed.lower().replace("http/1.1", "HTTP/1.1"), flags=re.M)
    return [
        {line if ":" in line else line[:3] for line in answer.splitlines() if line}
        for answer in answers[1:]
    ]


class TestALabelThatTheAPIKeeps:
    def test_is_refused_with_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "v2").mkdir()
        (tmp_path / "v2" / "__init__.py").touch()
        environment = os.environ | {"EXTRA_APPS": "v2", "PYTHONPATH": str(tmp_path)}

        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )

        assert done.returncode == 1
        assert "common.E001" in done.stderr
        assert "would be served at /api/v2/" in done.stderr

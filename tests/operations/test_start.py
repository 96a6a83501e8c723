import json
import secrets
from pathlib import Path

import pytest

from tests.operations.processes import PRODUCTION, python, start

REFUSALS = {
    "without DATABASE_URL": ({"DATABASE_URL": ""}, "operations.E002", "Set DATABASE_URL"),
    "without SECRET_KEY": ({"SECRET_KEY": ""}, "operations.E003", "Set it to 50 random"),
    "with a short SECRET_KEY": ({"SECRET_KEY": "a-word-and-1"}, "operations.E003", "Set it to 50"),
    "with DEBUG": ({"DEBUG": "true"}, "operations.E004", "Unset DEBUG"),
    "without a host": ({"ALLOWED_HOSTS": ""}, "operations.E005", "Set ALLOWED_HOSTS"),
    "with every host": ({"ALLOWED_HOSTS": "*"}, "operations.E005", "Set ALLOWED_HOSTS"),
}
PLATFORMS = {
    "ours": {"STEWARD_PRODUCTION": "1"},
    "Railway": {"STEWARD_PRODUCTION": "", "RAILWAY_ENVIRONMENT": "production"},
    "Vercel": {"STEWARD_PRODUCTION": "", "VERCEL": "1"},
}


class TestProduction:
    def test_starts_when_everything_is_set(self) -> None:
        done = start(**PRODUCTION)

        assert (done.returncode, done.stdout) == (0, "started\n"), done.stderr
        assert "operations.E" not in done.stderr
        assert "WARNING" not in done.stderr

    @pytest.mark.parametrize(("broken", "name", "cure"), REFUSALS.values(), ids=REFUSALS)
    def test_does_not_start(self, broken: dict[str, str], name: str, cure: str) -> None:
        done = start(**(PRODUCTION | broken))

        assert done.returncode == 4
        assert done.stdout == ""
        assert done.stderr.startswith(f"{name}: ") and cure in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
    def test_is_known_by_its_platform(self, platform: dict[str, str]) -> None:
        done = start(**(PRODUCTION | platform | {"SECRET_KEY": ""}))

        assert done.returncode == 4
        assert "operations.E003" in done.stderr

    def test_passes_djangos_own_check_for_deployment(self) -> None:
        secret = {"SECRET_KEY": secrets.token_urlsafe(50)}
        code = (
            "import django; django.setup(); from django.core.management import call_command;"
            " call_command('check', deploy=True, fail_level='WARNING')"
        )

        done = python(code, DJANGO_SETTINGS_MODULE="config.settings", **(PRODUCTION | secret))

        assert done.returncode == 0, done.stderr
        assert "no issues" in done.stdout

    def test_logs_in_json(self) -> None:
        done = start(**PRODUCTION)

        [line] = [json.loads(line) for line in done.stderr.splitlines()]
        assert (line["level"], line["logger"]) == ("INFO", "operations.start")
        assert line["message"].startswith("Database: PostgreSQL, records on db.example:5433")


class TestElsewhere:
    def test_starts_with_nothing_set(self) -> None:
        done = start()

        assert (done.returncode, done.stdout) == (0, "started\n"), done.stderr
        assert "WARNING operations.start SECRET_KEY is not set" in done.stderr


class TestTheLog:
    @pytest.mark.parametrize(
        ("pool", "said"), [("on", "pool of 7 + 2"), ("off", "no pool")], ids=["pool", "no pool"]
    )
    def test_names_the_database_without_its_password(self, pool: str, said: str) -> None:
        variables = {"DB_POOL": pool, "DB_POOL_SIZE": "7", "DB_MAX_OVERFLOW": "2"}

        done = start(**(PRODUCTION | variables))

        assert f"Database: PostgreSQL, records on db.example:5433, {said}" in done.stderr
        assert "hunter2" not in done.stderr + done.stdout

    def test_names_the_file(self, tmp_path: Path) -> None:
        done = start(DATABASE_URL=f"sqlite:///{tmp_path}/records.sqlite3", SECRET_KEY="x")

        assert f"Database: SQLite, {tmp_path}/records.sqlite3" in done.stderr

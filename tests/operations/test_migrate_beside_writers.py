"""Migrations that make the ledger's tables anew, beside a server whose clients go on writing."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests import forks
from tests.forks import Fork
from tests.operations import backups
from tests.operations.server import environment_of, prepared
from tests.operations.survival import SETTLING_SECONDS, Load, Site, assert_nothing_lost
from tests.web import served

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 3
WRITES_BETWEEN = 30
# Each of these waits for a lock for one second; then its client is told to try again.
IMPATIENT = {"SQLITE_TIMEOUT": "1", "DB_LOCK_TIMEOUT": "1"}


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    with backups.empty_database(tmp_path) as url:
        yield url


@contextmanager
def migrating(database_url: str) -> Iterator[Fork]:
    """`migrate` of the later release, which has made the tables anew and waits for a line."""
    process = forks.popen(
        ["manage.py", "migrate", "-v0"],
        env=environment_of(database_url)
        | {"DJANGO_SETTINGS_MODULE": "tests.operations.later_settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout and process.stdout.readline() == "half\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_the_load(load: Load) -> None:
    """Until it was told to try again, or on PostgreSQL, where triggers stay, was served."""
    if connection.vendor == "postgresql":
        load.wait_for_more(WRITES_BETWEEN)
        return
    load.wait_for_refusals()


class TestMigrationsOfTheLedger:
    def test_beside_writers_and_killed_half_way_tear_nothing(
        self, database_url: str, tmp_path: Path
    ) -> None:
        key = prepared(environment_of(database_url))
        with served(environment_of(database_url) | IMPATIENT, tmp_path, workers=2) as web:
            site = Site(web, database_url, None)
            with Load(web, key, CLIENTS) as load:
                load.wait_for_more(WRITES_BETWEEN)
                with migrating(database_url) as migrate:
                    wait_for_the_load(load)
                    migrate.kill()
                load.wait_for_more(WRITES_BETWEEN)

                with migrating(database_url) as migrate:
                    wait_for_the_load(load)
                    assert migrate.stdin
                    migrate.stdin.write("on\n")
                    migrate.stdin.flush()
                    assert migrate.wait(SETTLING_SECONDS) == 0
                load.wait_for_more(WRITES_BETWEEN)

        assert_nothing_lost(site, load)

"""From the database of each earlier release to this one, with everything that is in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import psycopg2
import pytest
from django.db import connection

from tests import forks
from tests.operations import backups
from tests.operations.server import environment_of

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(__file__).parent / "releases"
RELEASES = sorted({file.name.partition(".")[0] for file in FOLDER.glob("*.sql")})


@pytest.fixture(params=RELEASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database as that release left it."""
    script = (FOLDER / f"{request.param}.{connection.vendor}.sql").read_text()
    with backups.empty_database(tmp_path) as url:
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
                database.executescript(script)
        else:
            with closing(psycopg2.connect(url)) as database:
                database.autocommit = True
                database.cursor().execute(script)
        yield url


def migrated(database_url: str) -> Any:
    given = environment_of(database_url) | {"EXTRA_APPS": "tests.guarded"}
    done = forks.run(["-m", "tests.operations.after_release"], given)
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout.splitlines()[-1])


class TestTheDatabaseOfAnEarlierRelease:
    def test_is_migrated_and_sound_and_answered_and_guarded(self, database_url: str) -> None:
        told = migrated(database_url)

        assert told["verify"] == []
        assert told["not refused"] == []
        assert told["verify in the end"] == []
        for person in ("ann", "bob"):
            statuses = {route: status for route, (status, _) in told[person].items()}
            assert {status for status in statuses.values()} <= {200, 201}, statuses
        self.assert_rows(told["ann"], told["bob"])

    def assert_rows(self, ann: Any, bob: Any) -> None:
        """What does not change as time goes by."""
        [conversation] = ann["/conversations"][1]["results"]
        assert (conversation["title"], conversation["message_count"]) == ("About quokka", 2)
        [hit] = ann["/conversations/search?q=shy"][1]["results"]
        assert hit["id"] == conversation["id"]
        assert ann["/usage"][1]["daily_limit"] == 7
        [entry] = ann["/credits/transactions"][1]["results"]
        assert (entry["sequence"], entry["balance_after"], entry["description"]) == (2, 47, "bilby")
        written = [
            (row["type"], row["amount"]) for row in bob["/credits/transactions"][1]["results"]
        ]
        assert written == [("deduct", -3), ("refund", 2), ("deduct", -5), ("allocate", 50)]
        assert bob["charge"][1]["amount"] == -1
        said = [row["action"] for row in bob["/consent/history"][1]["results"]]
        assert said == ["given", "withdrawn"]

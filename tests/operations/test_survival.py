"""kill -9 under load, in short; `python -m benchmarks.survival` does it for longer."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from tests.operations.server import environment_of, postgresql, prepared
from tests.operations.survival import Load, Site, assert_nothing_lost
from tests.web import served

CLIENTS = 4
WRITES_BETWEEN = 40


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as one:
        yield one


class TestKillMinusNine:
    def test_loses_nothing_that_was_answered(self, stack: ExitStack, tmp_path: Path) -> None:
        server = stack.enter_context(postgresql()) if connection.vendor == "postgresql" else None
        url = server.url if server else f"sqlite:///{tmp_path / 'records.sqlite3'}"
        key = prepared(environment_of(url))
        web = stack.enter_context(served(environment_of(url), tmp_path, workers=2))
        site = Site(web, url, server)

        with Load(web, key, CLIENTS) as load:
            load.wait_for_more(WRITES_BETWEEN)
            for kill in site.acts():
                kill()
                load.wait_for_more(WRITES_BETWEEN)

        assert_nothing_lost(site, load)
        assert sum(book.failures for book in load.books) > 0
        assert web.get("/health/ready").status_code == 200

"""Real threads and processes beside a test, on the test's database."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from tests import forks
from tests.forks import Fork

CLIENTS = 16


def at_once(act: Callable[[int], Any], clients: int = CLIENTS) -> list[Any]:
    """What `act(0)`, `act(1)` … give, each in a thread of its own that begins with the others."""
    begin = threading.Barrier(clients)

    def one(number: int) -> Any:
        try:
            begin.wait(timeout=120)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(clients) as threads:
        return list(threads.map(one, range(clients)))


def child(module: str, *arguments: str, database_url: str | None = None) -> Fork:
    """`python -m module` on this test's database or the one named, with pipes to talk to it."""
    given = environment() | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    if database_url:
        given["DATABASE_URL"] = database_url
    return forks.start(given, module, *arguments)


def environment() -> dict[str, str]:
    """The environment in which a child process finds this test's database."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return os.environ | {"DATABASE_URL": f"sqlite:///{name}"}
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return os.environ | {"DATABASE_URL": url}


@contextmanager
def onlooker() -> Iterator[Callable[[], bool]]:
    """Tells whether somebody waits for a lock; on SQLite who writes waits from the beginning."""
    if connection.vendor == "sqlite":
        yield lambda: True
        return
    other: Any = connection.copy(alias="onlooker")
    other.settings_dict["POOL"] = None  # closed in the end, not given back
    try:
        with other.cursor() as cursor:

            def is_waiting() -> bool:
                cursor.execute(
                    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock')"
                )
                return bool(cursor.fetchone()[0])

            yield is_waiting
    finally:
        other.close()

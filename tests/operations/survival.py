"""A load whose clients keep their own books, and what must hold after processes were killed.

A client sends a write again, with its Idempotency-Key, until it is answered: as real ones do. What
was answered with 2xx is in its book, and must stand in the end; what was never answered may.
"""

import hashlib
import http.client
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from tests.operations.server import PostgreSQL, environment_of, manage
from tests.web import Web

FUNDS = 1_000_000
PAUSE_SECONDS = 0.02
SETTLING_SECONDS = 60
# For answers in the cache: more than a clock is wrong by, which ends them.
DAY_SECONDS = 86_400


@dataclass
class Book:
    """What one client has been answered: ids of rows by kind, and how long it once had to wait."""

    user_id: str
    written: dict[str, list[str]] = field(
        default_factory=lambda: {"charge": [], "append": [], "store": []}
    )
    asked: int = 0
    failures: int = 0
    longest_gap_seconds: float = 0.0

    @property
    def answered(self) -> int:
        return sum(len(ids) for ids in self.written.values())


class Load:
    """Clients that charge, append and store answers for as long as the block lasts."""

    def __init__(self, web: Web, key: str, clients: int) -> None:
        self.web, self.key = web, key
        self.books = [Book(f"user-{number}") for number in range(clients)]
        self.ending = threading.Event()
        self.wrong: list[str] = []
        self.threads = [threading.Thread(target=self._run, args=(book,)) for book in self.books]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *raised: Any) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()

    @property
    def acknowledged(self) -> int:
        """How many writes were answered so far."""
        return sum(book.answered for book in self.books)

    def wait_for_more(self, writes: int) -> None:
        """Until so many more writes are answered."""
        wanted = self.acknowledged + writes
        self.wait_until(lambda: self.acknowledged >= wanted)

    def wait_for_everybody(self) -> None:
        """Until every client was answered once more."""
        before = [book.answered for book in self.books]
        self.wait_until(
            lambda: all(
                book.answered > answered for book, answered in zip(self.books, before, strict=True)
            )
        )

    def wait_for_refusals(self) -> None:
        """Until every client was told once more to try again, or not answered."""
        before = [book.failures for book in self.books]
        self.wait_until(
            lambda: all(
                book.failures > failures for book, failures in zip(self.books, before, strict=True)
            )
        )

    def wait_until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + SETTLING_SECONDS
        while not holds():
            if self.wrong or time.monotonic() > until:
                raise AssertionError(f"not so: {self.wrong} {self.web.log[-3000:]}")
            time.sleep(PAUSE_SECONDS)

    def _run(self, book: Book) -> None:
        made = self._insist(book, "POST", "/api/v1/conversations", {"title": "Load"}, "start")
        self._insist(
            book, "POST", "/api/v1/credits/transactions",
            {"type": "purchase", "amount": FUNDS}, "funds",
        )  # fmt: skip
        if made is None:
            return
        messages = f"/api/v1/conversations/{made['id']}/messages"
        acts: list[tuple[str, str, Any]] = [
            ("charge", "/api/v1/credits/transactions", {"type": "deduct", "amount": 1}),
            ("append", messages, {"role": "user", "content": "once more"}),
        ]
        while not self.ending.is_set():
            for kind, path, body in acts:
                row = self._insist(book, "POST", path, body, f"{kind}-{book.asked}")
                if row is not None:
                    book.written[kind].append(row["id"])
            self._store(book)

    def _store(self, book: Book) -> None:
        """A store needs no Idempotency-Key: the same answer under the same key is the same."""
        key = hashlib.sha256(f"{book.user_id} {book.asked}".encode()).hexdigest()
        path = f"/api/v1/cache/entries/{key}"
        body = {"result": book.asked + 1, "ttl_seconds": DAY_SECONDS}
        stored = self._insist(book, "PUT", path, body, "none")
        if stored is not None:
            book.written["store"].append(stored["key"])

    def _insist(self, book: Book, method: str, path: str, body: Any, key: str) -> Any:
        book.asked += 1
        begun = time.monotonic()
        while not self.ending.is_set():
            try:
                answer = self.web.request(
                    method, path, body,
                    Authorization=f"Bearer {self.key}", X_User_Id=book.user_id, Idempotency_Key=key,
                )  # fmt: skip
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status_code in (200, 201):
                gap = time.monotonic() - begun
                book.longest_gap_seconds = max(book.longest_gap_seconds, gap)
                return answer.json()
            if answer is not None and answer.status_code != 503:
                self.wrong.append(f"{answer.status_code} {answer.content!r}")
                return None
            book.failures += 1
            time.sleep(PAUSE_SECONDS)
        return None


@dataclass
class Site:
    """A server with its web application, and what keeps them running elsewhere: a supervisor."""

    web: Web
    database_url: str
    postgresql: PostgreSQL | None

    def kill_workers(self) -> None:
        """The server of the web application makes new ones by itself."""
        self.web.kill_workers()

    def kill_web(self) -> None:
        self.web.kill()
        self.web.start()

    def kill_database(self) -> None:
        assert self.postgresql
        self.postgresql.kill()
        self.postgresql.start()

    def kill_both(self) -> None:
        assert self.postgresql
        self.web.kill()
        self.postgresql.kill()
        self.postgresql.start()
        self.web.start()

    def ids(self, table: str, column: str) -> list[str]:
        """What a table's rows are called, over a connection that no web process has.

        Ids without hyphens, as SQLite keeps them.
        """
        on_sqlite = self.database_url.startswith("sqlite")
        open_database: Callable[[str], Any] = sqlite3.connect if on_sqlite else psycopg2.connect
        with closing(open_database(self.database_url.removeprefix("sqlite:///"))) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SELECT {column} FROM {table}")
            return [str(name).replace("-", "") for (name,) in cursor.fetchall()]


def assert_nothing_lost(site: Site, load: Load) -> None:
    """Every write that was answered stands, once; what stands was asked for; verify is clean."""
    assert load.wrong == []
    for kind, table, column in (
        ("charge", "billing_credittransaction", "uid"),
        ("append", "conversations_message", "uid"),
        ("store", "querycache_cacheentry", "key_hash"),
    ):
        standing = site.ids(table, column)
        answered = [uid.replace("-", "") for book in load.books for uid in book.written[kind]]
        assert len(answered) == len(set(answered)), f"one {kind} was answered twice"
        assert set(answered) <= set(standing), f"a {kind} that was answered is lost"
        # Besides: the purchase and first allowance, and the one request that was never answered.
        assert len(standing) <= len(answered) + 3 * len(load.books), f"a {kind} was done twice"
    done = manage(environment_of(site.database_url), "verify")
    assert done.returncode == 0, done.stdout + done.stderr

"""Steward as it is served, by two processes on the test's database, for callers of the cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import processes
from tests.web import Answer, Web, served


@dataclass(frozen=True)
class Server:
    """Where it listens, and the key to call it with."""

    web: Web
    key: str

    def call(self, method: str, path: str, body: Any = None, *, user_id: str = "ann") -> Answer:
        """One request over a connection of its own."""
        return self.web.request(
            method,
            f"/api/v1{path}",
            body,
            Authorization=f"Bearer {self.key}",
            X_User_Id=user_id,
        )


@contextmanager
def serve(key: str, folder: Path, **variables: str) -> Iterator[Server]:
    """Serve while the block runs, then stop it as an operator does and wait for its end."""
    environment = processes.environment() | {
        "WEB_THREADS": "8",
        # Longer than a test: what is written is written when the server stops.
        "DEFERRED_WRITE_SECONDS": "600",
        **variables,
    }
    with served(environment, folder, workers=2) as web:
        yield Server(web, key)

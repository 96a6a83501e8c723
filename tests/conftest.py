import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone

from access import services
from access.scopes import SCOPES
from common import deferred, guards
from operations import in_time
from tests.client import ApiClient

flush_tables = TransactionTestCase._fixture_teardown


def drop_guards_and_flush(case: Any) -> None:
    # Guards refuse to be emptied; post_migrate, which the flush sends, puts them back.
    emptying = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE"
    guards.drop(
        guard
        for guard in guards.registered()
        if guard.refuses and guards.fires_on(guard, connection.vendor, emptying)
    )
    flush_tables(case)


TransactionTestCase._fixture_teardown = drop_guards_and_flush

# A suite that a shell runs in the background ignores Ctrl-C, and so would what its tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_deferred() -> Iterator[None]:
    yield
    for waiting in list(deferred._all):
        waiting._notes.clear()


@pytest.fixture(autouse=True)
def asked_within_the_tests_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of its own would see nothing of it; what is served in tests has the thread."""
    monkeypatch.setattr(in_time, "_begin", lambda work: work())


@pytest.fixture
def key(db: None) -> str:
    """A service key with every scope."""
    return services.create_key(
        name="application", scopes=SCOPES, actor="system", at=timezone.now()
    ).key


@pytest.fixture
def person(key: str) -> ApiClient:
    """An application that acts for Ann."""
    return ApiClient(key, "ann")


@pytest.fixture
def stranger(key: str) -> ApiClient:
    """The same application, acting for somebody else."""
    return ApiClient(key, "bob")

import gc
import signal
from collections.abc import Iterator
from typing import Any

import django.urls
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone
from whitenoise.middleware import WhiteNoiseMiddleware

from access.scopes import SCOPES
from access.services import keys
from common import write_behind
from operations import in_time
from tests import pristine
from tests.client import ApiClient
from tests.engines import sees_the_engine

TransactionTestCase._fixture_teardown = lambda case: pristine.put_back()


_look_for_static_files = WhiteNoiseMiddleware.add_files_from_finders
_static_files: dict[tuple[str, int], dict[str, Any]] = {}


def _found_once(server: WhiteNoiseMiddleware) -> None:
    """Each client of a test makes all middleware; most of that time went into a walk for files."""
    told = (server.static_prefix, server.max_age)
    if told not in _static_files:
        _look_for_static_files(server)
        _static_files[told] = dict(server.files)
    server.files.update(_static_files[told])


WhiteNoiseMiddleware.add_files_from_finders = _found_once

# A test with routes of its own has them made, and those of all others anew after it. They are kept
# by the name of their module, so that none is taken for another's.
django.urls.clear_url_caches = lambda: None


def pytest_configure() -> None:
    # A log-in by a hash that is meant to be slow takes longer than the rest of its test.
    fast = "django.contrib.auth.hashers.MD5PasswordHasher"
    settings.PASSWORD_HASHERS = [fast, *settings.PASSWORD_HASHERS]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """All that is collected is kept to the end: looking through it for garbage finds none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What sees no database is the same on both engines: it runs with SQLite alone."""
    if connection.vendor != "sqlite":
        config.hook.pytest_deselected(items=[one for one in items if not sees_the_engine(one)])
        items[:] = [one for one in items if sees_the_engine(one)]


# A suite that a shell runs in the background ignores Ctrl-C, and so would what its tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        pristine.remember()


@pytest.fixture(autouse=True)
def nothing_pending() -> Iterator[None]:
    yield
    for waiting in list(write_behind._all):
        waiting._pending.clear()


@pytest.fixture(autouse=True)
def asked_within_the_tests_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of its own would see nothing of it; what is served in tests has the thread."""
    monkeypatch.setattr(in_time, "_begin", lambda work: work())


@pytest.fixture
def key(db: None) -> str:
    """A service key with every scope."""
    return keys.create_key(name="application", scopes=SCOPES, actor="system", at=timezone.now()).key


@pytest.fixture
def person(key: str) -> ApiClient:
    """An application that acts for Ann."""
    return ApiClient(key, "ann")


@pytest.fixture
def stranger(key: str) -> ApiClient:
    """The same application, acting for somebody else."""
    return ApiClient(key, "bob")

"""Places to wait in: at most half of a process's threads wait for others' answers.

The other half goes on serving, the maker's store among it. Whoever finds no place is told at once
when to come back.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

_places = threading.Semaphore(settings.WEB_THREADS // 2)


@contextmanager
def place() -> Iterator[bool]:
    """A place to wait in for as long as the block; False if all are taken."""
    has_place = _places.acquire(blocking=False)
    try:
        yield has_place
    finally:
        if has_place:
            _places.release()

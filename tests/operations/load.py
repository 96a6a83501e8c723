"""Four writers beside a backup, what they were told is stored, and what a database holds of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from tests.forks import Fork
from tests.operations.writers import WRITERS
from tests.processes import child

Counts = dict[str, tuple[int, int]]


@contextmanager
def writing(key: str, *, database_url: str | None = None) -> Iterator[Fork]:
    """The writers at work, on this test's database or the one named."""
    process = child("tests.operations.writers", key, database_url=database_url)
    assert process.stdout and process.stdin
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def rounds(writers: Any, count: int) -> Counts:
    """Messages and charges that each was told are stored, once all have begun and `count` came."""
    counts: Counts = {}
    while count > 0 or len(counts) < WRITERS:
        person, messages, charges = writers.stdout.readline().split()
        counts[person] = int(messages), int(charges)
        count -= 1
    return counts


COUNTED = (
    "import django, json; django.setup()\n"
    "from conversations.models import Conversation; from billing.models import CreditTransaction\n"
    "print(json.dumps({row.person.user_id: [row.message_count, CreditTransaction.objects.filter("
    "person=row.person, type='deduct').count()] for row in Conversation.objects.all()}))"
)


def counted(url: str) -> dict[str, list[int]]:
    """Messages and charges of each writer in the database at `url`."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTED],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[int]] = json.loads(done.stdout)
    return found


def assert_holds(restored: dict[str, list[int]], told: Counts) -> None:
    """All that was acknowledged is there."""
    for person, (messages, charges) in told.items():
        assert restored[person][0] >= messages and restored[person][1] >= charges, person

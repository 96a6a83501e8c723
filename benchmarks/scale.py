"""What calls cost in databases of 10,000 to a million messages, entries and cached answers each.

    DATABASE_URL=… python -m benchmarks.scale [--to 100000] [--rounds 7] [--without-verify]

Each size is ten times the one before. A figure is CPU microseconds of a call through Django's test
client in this process, and after the stroke those of PostgreSQL, from /proc: the least of the
rounds. `verify` comes last, in seconds, with the most memory that the process took so far. Run it
on a database made for it: it empties the tables. With `--standing` nothing is made, and what stands
is measured.
"""

import argparse
import io
import logging
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client, override_settings  # noqa: E402

from access.models import ApiKey, Person  # noqa: E402
from benchmarks import scale_rows  # noqa: E402
from billing.models import CreditTransaction  # noqa: E402
from conversations.models import Conversation  # noqa: E402

FIRST_SIZE = 10_000
CONVERSATIONS = "/admin/conversations/conversation/"
ENTRIES = "/admin/querycache/cacheentry/"
# By what is called: whose records, and the address; and for staff the search.
READS = {
    "credits": ("hot", "/credits"),
    "page of entries": ("hot", "/credits/transactions"),
    "page of purchases": ("hot", "/credits/transactions?type=purchase"),
    "statistics of a year": ("hot", "/credits/statistics?days=365"),
    "page of conversations": ("big", "/conversations"),
    "search, a rare word": ("p8", "/conversations/search?q=rare"),
    "cache statistics": ("p8", "/cache/stats"),
}
STAFF = {
    "admin: conversations": (CONVERSATIONS, ""),
    "admin: a common word": (CONVERSATIONS, "common"),
    "admin: a rare word": (CONVERSATIONS, "rare"),
    "admin: a person's id": (CONVERSATIONS, "p8"),
    "admin: the id of half": (CONVERSATIONS, "big"),
    "admin: a cached answer": (ENTRIES, f"{5:064x}"),
    "admin: cached, a person's": (ENTRIES, "p8"),
}


def of_database() -> float:
    """CPU microseconds that this connection's server process has taken; 0 on SQLite."""
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [[process]] = cursor.fetchall()
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1000


def cost(act: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """The least CPU microseconds of the act, here and in PostgreSQL."""
    act()
    mine, database = [], []
    for _ in range(rounds):
        before = of_database()
        begun = time.process_time()
        act()
        mine.append((time.process_time() - begun) * 1e6)
        database.append(of_database() - before)
    return min(mine), min(database)


def called(client: Client, method: str, address: str, **options: Any) -> Callable[[], None]:
    def call() -> None:
        response = client.generic(method, address, **options)
        if response.status_code not in (200, 201):
            raise SystemExit(f"{method} {address}: {response.status_code}")
        b"".join(response)

    return call


def calls(key: str) -> dict[str, Callable[[], None]]:
    application, staff = Client(), Client()
    staff.force_login(User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True}
    )[0])  # fmt: skip

    def api(method: str, person: str, address: str, data: str = "") -> Callable[[], None]:
        headers = {"Authorization": f"Bearer {key}", "X-User-Id": person}
        return called(application, method, f"/api/v1{address}", data=data, headers=headers,
                      content_type="application/json")  # fmt: skip

    big = Person.objects.get(user_id="big").pk
    newest = Conversation.objects.filter(person_id=big).latest("pk").uid
    charge = '{"type": "deduct", "amount": 1}'
    message = '{"role": "user", "content": "Which pump is the right one?"}'
    return {
        **{name: api("GET", *read) for name, read in READS.items()},
        "charge": api("POST", "hot", "/credits/transactions", charge),
        "append": api("POST", "big", f"/conversations/{newest}/messages", message),
        **{
            name: called(staff, "GET", f"{address}?q={words}" if words else address)
            for name, (address, words) in STAFF.items()
        },
    }


def measure(rounds: int, with_verify: bool) -> None:
    made = io.StringIO()
    ApiKey.objects.filter(name="bench").delete()
    call_command("create_api_key", "bench", "--scopes", "all", stdout=made)
    print(f"\n{connection.vendor}, {CreditTransaction.objects.count():,} of each", flush=True)
    for name, call in calls(made.getvalue().split()[-1]).items():
        here, there = cost(call, rounds)
        print(f"| {name} | {here:,.0f} / {there:,.0f} |", flush=True)
    if with_verify:
        before, begun = of_database(), time.process_time()
        call_command("verify", stdout=io.StringIO())
        seconds = time.process_time() - begun, (of_database() - before) / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| verify | {seconds[0]:.1f} s / {seconds[1]:.1f} s, {peak:.0f} MB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--without-verify", action="store_true")
    parser.add_argument("--standing", action="store_true")
    options = parser.parse_args()
    logging.disable()
    call_command("migrate", verbosity=0)
    size = FIRST_SIZE
    while size <= options.to and not options.standing:
        scale_rows.fill(size)
        measure(options.rounds, not options.without_verify)
        size *= 10
    if options.standing:
        measure(options.rounds, not options.without_verify)


if __name__ == "__main__":
    with override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False):
        main()

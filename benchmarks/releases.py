"""This release against another: times of calls, sizes of rows, and whether it answers the same.

    python -m benchmarks.releases CHECKOUT

`CHECKOUT` is a folder with the other release. Both are served in processes of their own, on
databases made for this, and called in turns; a figure is the median over the rounds, and a ratio
below 1 means that this release is cheaper. On PostgreSQL it needs DATABASE_URL, on whose server it
makes two databases; without one it takes SQLite files.

The 2,000 requests whose answers are compared byte by byte come from a seed, and so do times and
ids; they touch every app and erase people among all the rest.
"""

import argparse
import datetime
import hashlib
import io
import itertools
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

REQUESTS, PERSONS = 2_000, 12
ROUNDS, CALLS, CONVERSATIONS = 15, 60, 20
# As long as the ids of well-known providers: auth0|65f1c8b2a9d4e3f706b1a2c3.
ID = "auth0|65f1c8b2a9d4e3f7{:08x}"
MESSAGE = {"role": "user", "content": "Which pump is the right one for a deep well?"}
TABLES = {"a ledger entry": "billing_credittransaction", "a message": "conversations_message"}


# What runs in each release, in its folder


class Release:
    """The application of the folder this process runs in, called without a network."""

    def __init__(self) -> None:
        import django

        django.setup()
        from django.core.management import call_command
        from django.test import Client

        call_command("migrate", verbosity=0)
        from access.scopes import SCOPES

        # By the command, which is promised: services of other releases have other arguments.
        made = io.StringIO()
        call_command("create_api_key", "bench", scopes=list(SCOPES), stdout=made)
        self.key = made.getvalue().split()[-1]
        self.client = Client(raise_request_exception=False)
        self.numbers = itertools.count()

    def call(self, user_id: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {self.key}", "X-User-Id": user_id} | headers
        return self.client.generic(
            method, f"/api/v1{path}", content, content_type="application/json", headers=named
        )

    def fill(self) -> None:
        """50 people, one of them with much, so that pages and pools are as in use."""
        for number in range(50):
            user_id = ID.format(number)
            for _ in range(40):
                self.call(user_id, "POST", "/credits/transactions", {"type": "grant", "amount": 99})
            made = self.call(user_id, "POST", "/conversations", {"messages": [MESSAGE] * 40})
            self.first = made.json()["id"] if number == 0 else self.first
            for _ in range(10):
                self.call(user_id, "POST", "/conversations", {})
        unlimited = {"daily_limit": None, "monthly_limit": None, "reason": "measured"}
        self.call(ID.format(1), "PATCH", "/usage", unlimited)

    def measured(self, name: str) -> float:
        """Seconds of one call, of CALLS of them; an import is as long as many."""
        call = self.calls()[name]
        count = CALLS // CONVERSATIONS if name.startswith("import") else CALLS
        begun = time.perf_counter()
        for _ in range(count):
            answer = call()
            assert answer is None or answer.status_code < 300, answer.content
        return (time.perf_counter() - begun) / count

    def calls(self) -> dict[str, Callable[[], Any]]:
        user_id = ID.format(0)
        messages = f"/conversations/{self.first}/messages"
        charge = {"type": "deduct", "amount": 1}
        new = iter(lambda: ID.format(10**6 + next(self.numbers)), None)
        return {
            "charge": lambda: self.call(user_id, "POST", "/credits/transactions", charge),
            "append": lambda: self.call(user_id, "POST", messages, MESSAGE),
            "conversation": lambda: self.call(user_id, "POST", "/conversations", {}),
            "count usage": lambda: self.call(ID.format(1), "POST", "/usage/increment", {}),
            "consent": lambda: self.call(user_id, "PUT", "/consent/marketing", {}),
            "balance": lambda: self.call(user_id, "GET", "/credits"),
            "list of conversations": lambda: self.call(user_id, "GET", "/conversations"),
            "page of messages": lambda: self.call(user_id, "GET", messages),
            "page of entries": lambda: self.call(user_id, "GET", "/credits/transactions"),
            "first contact, charge": lambda: self.call(
                next(new), "POST", "/credits/transactions", charge
            ),
            "first contact, conversation": lambda: self.call(
                next(new), "POST", "/conversations", {}
            ),
            "import of 400 messages": self.import_some,
        }

    def import_some(self) -> None:
        from conversations import council
        from conversations.services import imports

        found = [
            council.read(
                json.dumps({"id": str(uuid.uuid4()), "messages": [MESSAGE] * 20}).encode(),
                file_stem="a", folder_owner=None, given_owner=ID.format(number),
            )
            for number in range(CONVERSATIONS)
        ]  # fmt: skip
        assert set(imports.store_imported(found, on_conflict="fail")) == {"created"}

    def sizes(self) -> dict[str, float]:
        """Bytes of a row of each table, with its part of the indexes."""
        from django.db import connection

        found = {}
        with connection.cursor() as cursor:
            for name, table in TABLES.items():
                if connection.vendor == "postgresql":
                    cursor.execute(f"VACUUM FULL {table}")
                    cursor.execute(f"SELECT pg_total_relation_size('{table}')")
                else:
                    cursor.execute(
                        "SELECT SUM(pgsize) FROM dbstat WHERE name IN"
                        f" (SELECT name FROM sqlite_master WHERE tbl_name = '{table}')"
                    )
                byte_size = cursor.fetchone()[0]
                cursor.execute(f"SELECT COUNT(*) FROM {table}")
                found[name] = byte_size / cursor.fetchone()[0]
        return found

    def answers(self) -> list[str]:
        """A hash of each answer: status, headers and body."""
        with_seed()
        chance = random.Random(14)
        known: dict[str, list[str]] = {"conversation": [], "hold": [], "entry": []}
        return [self.answer(number, chance, known) for number in range(REQUESTS)]

    def answer(self, number: int, chance: random.Random, known: dict[str, list[str]]) -> str:
        user_id = ID.format(9 * 10**6 + chance.randrange(PERSONS))
        method, path, body, kind = chance.choice(requests(user_id, chance, known))
        headers = {"Idempotency-Key": f"k{chance.randrange(40)}"} if chance.random() < 0.3 else {}
        answer = self.call(user_id, method, path, body, **headers)
        body = b"".join(answer) if answer.streaming else answer.content
        if kind and answer.status_code == 201:
            known[kind].append(json.loads(body)["id"])
        headers = sorted((name, value) for name, value in answer.items() if name != "Server-Timing")
        said = f"{answer.status_code} {headers} {body!r}"
        if os.environ.get("SHOWN"):
            print(number, method, path, said, file=sys.stderr)
        return hashlib.sha256(said.encode()).hexdigest()[:12] + f" {method} {path}"


def requests(user_id: str, chance: random.Random, known: dict[str, list[str]]) -> Any:
    """What may be asked next: method, path, body, and what an id in the answer is of."""
    of = {kind: chance.choice(ids or [str(uuid.UUID(int=1))]) for kind, ids in known.items()}
    conversation, hold = f"/conversations/{of['conversation']}", f"/credits/holds/{of['hold']}"
    charge = {"type": "deduct", "amount": chance.randrange(1, 30)}
    question = {"query": f"Question {chance.randrange(20)}"}
    return [
        ("POST", "/conversations", {"title": "a", "messages": [MESSAGE]}, "conversation"),
        ("POST", f"{conversation}/messages", MESSAGE, ""),
        ("GET", "/conversations", None, ""),
        ("GET", conversation, None, ""),
        ("GET", f"{conversation}/messages", None, ""),
        ("PATCH", conversation, {"title": f"t{chance.randrange(9)}"}, ""),
        ("DELETE", conversation, None, ""),
        ("GET", "/conversations/search?q=pump", None, ""),
        ("GET", f"{conversation}/export", None, ""),
        ("POST", "/credits/transactions", charge, "entry"),
        ("POST", "/credits/transactions", {"type": "grant", "amount": 50}, ""),
        ("POST", "/credits/transactions/batch", {"transactions": [charge, charge]}, ""),
        ("POST", f"/credits/transactions/{of['entry']}/refund", {"amount": 1}, ""),
        ("GET", "/credits/transactions", None, ""),
        ("GET", "/credits", None, ""),
        ("POST", "/credits/holds", {"amount": 5}, "hold"),
        ("POST", f"{hold}/capture", {"amount": 2}, ""),
        ("POST", f"{hold}/release", {}, ""),
        ("GET", hold, None, ""),
        ("GET", "/usage", None, ""),
        ("POST", "/usage/increment", {}, ""),
        ("PATCH", "/usage", {"daily_limit": 30, "reason": "more"}, ""),
        ("GET", "/consent", None, ""),
        ("PUT", "/consent/marketing", {}, ""),
        ("DELETE", "/consent/marketing", None, ""),
        ("GET", "/consent/history", None, ""),
        ("POST", "/consent/query", {"user_ids": [user_id], "purpose": "marketing"}, ""),
        ("POST", "/cache/lookup", question, ""),
        ("POST", "/cache/lookup", question | {"scope": "user"}, ""),
        ("GET", "/privacy/export", None, ""),
        ("POST", "/privacy/erase", {"confirm": user_id}, ""),
    ]


def with_seed() -> None:
    """From here on times and ids are the same in every run."""
    import uuid_utils
    import uuid_utils.compat
    from django.utils import timezone

    numbers, chance = itertools.count(1), random.Random(7)
    start = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)

    def uid() -> uuid.UUID:
        return uuid.UUID(int=(7 << 76) | (1 << 63) | next(numbers))

    moments = itertools.count()
    timezone.now = lambda: start + datetime.timedelta(seconds=next(moments))
    uuid_utils.compat.uuid7 = uid
    uuid_utils.uuid7 = uid  # type: ignore[assignment]
    uuid.uuid4 = uid
    secrets.token_hex = lambda length=32: chance.randbytes(length).hex()


def serve() -> None:
    """Do what the lines on standard input say, and answer each with a line of JSON."""
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    release = Release()
    acts = {"fill": release.fill, "sizes": release.sizes, "answers": release.answers}
    for line in sys.stdin:
        name = line.strip()
        said = acts[name]() if name in acts else release.measured(name)
        print("::", json.dumps(said), flush=True)


# What calls both


class Served:
    """One release in a process of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        environment = os.environ | {
            "DATABASE_URL": database_url,
            "SECRET_KEY": "a key of the benchmarks that is long enough to be one of a site",
            "DEBUG": "False",
            "LOG_LEVEL": "CRITICAL",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--serve"],
            cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def do(self, name: str) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith(":: "):
                return json.loads(line[3:])
        raise SystemExit(f"A release ended at {name!r}.")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


NAMES = [
    "charge", "append", "conversation", "count usage", "consent", "balance",
    "list of conversations", "page of messages", "page of entries", "first contact, charge",
    "first contact, conversation", "import of 400 messages",
]  # fmt: skip


def databases(folder: Path) -> list[str]:
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        return [f"sqlite:///{folder}/{name}.sqlite3" for name in ("other", "this")]
    import psycopg2

    connection = psycopg2.connect(server)
    connection.autocommit = True
    made = []
    for name in ("bench_other", "bench_this"):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name}")
        address, mark, options = server.partition("?")
        made.append(f"{address.rpartition('/')[0]}/{name}{mark}{options}")
    return made


def compare(folder: Path, checkout: Path) -> None:
    urls = databases(folder)
    both = [Served(checkout, urls[0]), Served(Path.cwd(), urls[1])]
    try:
        for one in both:
            one.do("fill")
        print("| call | the other | this | ratio |\n|---|---|---|---|")
        for name in NAMES:
            times = [[one.do(name) for one in both] for _ in range(ROUNDS)]
            other, this = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
            ratio = statistics.median(ours / theirs for theirs, ours in times)
            print(f"| {name} | {other:.2f} ms | {this:.2f} ms | {ratio:.2f} |", flush=True)
        other_sizes, this_sizes = (one.do("sizes") for one in both)
        for name, theirs in other_sizes.items():
            ours = this_sizes[name]
            print(f"| {name} | {theirs:.0f} bytes | {ours:.0f} bytes | {ours / theirs:.2f} |")
        answers = [one.do("answers") for one in both]
        differing = [pair for pair in zip(*answers, strict=True) if pair[0] != pair[1]]
        print(f"\n{len(answers[0])} answers, {len(differing)} of them differ")
        for theirs, _ in differing[:20]:
            print("  ", theirs[13:])
    finally:
        for one in both:
            one.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), options.checkout.resolve())


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        main()

"""Operations of all kinds by four processes at once, and exact counts of what they did.

    DATABASE_URL=… python -m benchmarks.operations [--count 100000] [--processes 4]

Each process calls the API on the same persons, in an order by its seed, sends some writes twice
with one Idempotency-Key, and keeps a book of what it was told is done. In the end the database must
hold what the books say together, to the credit and to the row, and `verify` must be clean; the exit
code is 1 otherwise. It makes a database for it: on DATABASE_URL's server, or a file of SQLite
without one.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import served
from benchmarks.application import answer, new_database

HERE = Path(__file__).resolve().parent.parent
WORK = "--work"
PERSONS, LIMIT = 40, 3_000
UNLIMITED = {"daily_limit": None, "monthly_limit": None, "reason": "counted"}
LIMITED = {"daily_limit": LIMIT, "monthly_limit": LIMIT, "reason": "counted"}


class Answer(NamedTuple):
    status_code: int
    content: str
    is_replay: bool

    def json(self) -> Any:
        return json.loads(self.content)


class Caller:
    """A person, in whose name the application of this process is called without a network."""

    def __init__(self, key: str, user_id: str) -> None:
        from config.wsgi import application

        self.application = application
        self.headers = {
            "Authorization": f"Bearer {key}",
            "X-User-Id": user_id,
            "Content-Type": "application/json",
        }

    def request(self, method: str, path: str, body: Any = None, **more: str) -> Answer:
        content = "" if body is None else json.dumps(body)
        headers = self.headers | {name.replace("_", "-"): value for name, value in more.items()}
        sent = {"method": method, "path": f"/api/v1{path}", "headers": headers, "body": content}
        said = answer(self.application, sent)
        is_replay = "Idempotency-Replayed: true" in said["headers"]
        return Answer(int(said["status"][:3]), said["body"], is_replay)


class Worker:
    """One process: its acts, and its book."""

    def __init__(self, number: int, key: str) -> None:
        self.chance = random.Random(number)
        self.number, self.made = number, 0
        self.book: Counter[str] = Counter()
        self.callers = [Caller(key, f"person{one}") for one in range(PERSONS)]
        self.limited, self.key = Caller(key, "limited"), key
        self.conversations: list[tuple[int, str]] = []

    def run(self, count: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        acts: list[Callable[[int, Any], None]] = [
            self.create, self.append, self.append, self.change, self.read, self.list, self.charge,
            self.charge, self.grant, self.batch, self.refund, self.hold, self.count_usage,
            self.count_limited, self.consent, self.cache, self.invalidate, self.reference,
            self.throw_away,
        ]  # fmt: skip
        while self.book["operations"] < count and time.monotonic() < until:
            person = self.chance.randrange(PERSONS)
            self.chance.choice(acts)(person, self.callers[person])

    def sent(self, caller: Any, method: str, path: str, body: Any = None, **more: str) -> Any:
        """The answer; no write may fail but by its rules."""
        self.book["operations"] += 1
        said = caller.request(method, path, body, **more)
        assert said.status_code < 500, (method, path, said.status_code, said.content)
        return said

    def once(self, caller: Any, path: str, body: Any) -> Any:
        """The answer to a write, one time in five sent again with the same key."""
        self.made += 1
        key = f"worker{self.number}-{self.made}"
        said = self.sent(caller, "POST", path, body, idempotency_key=key)
        # What was refused may be done when it comes again.
        if said.status_code < 300 and self.chance.random() < 0.2:
            again = self.sent(caller, "POST", path, body, idempotency_key=key)
            assert again.is_replay, (path, said.content, again.content)
        return said

    def create(self, person: int, caller: Any) -> None:
        made = self.sent(caller, "POST", "/conversations", {"title": "A pump", "messages": [SAID]})
        self.conversations.append((person, made.json()["id"]))
        self.book["conversations"] += 1
        self.book["messages"] += 1

    def append(self, person: int, caller: Any) -> None:
        if self.conversations:
            person, uid = self.chance.choice(self.conversations[-20:])
            said = self.once(self.callers[person], f"/conversations/{uid}/messages", SAID)
            assert said.status_code == 201, said.content
            self.book["messages"] += 1

    def change(self, person: int, caller: Any) -> None:
        if len(self.conversations) > 30:
            person, uid = self.conversations.pop(0)
            mine = self.callers[person]
            found = self.sent(mine, "GET", f"/conversations/{uid}").json()
            if self.sent(mine, "DELETE", f"/conversations/{uid}").status_code == 204:
                self.book["conversations"] -= 1
                self.book["messages"] -= found["message_count"]

    def read(self, person: int, caller: Any) -> None:
        for path in ("/credits", "/usage", "/consent", "/conversations/search?q=pump"):
            assert self.sent(caller, "GET", path).status_code == 200

    def list(self, person: int, caller: Any) -> None:
        for path in ("/conversations", "/credits/transactions", "/consent/history"):
            assert self.sent(caller, "GET", path).status_code == 200

    def note(self, person: int, kind: str, amount: int) -> None:
        self.book[f"{kind} of person{person}"] += 1
        self.book[f"credits of person{person}"] += amount

    def charge(self, person: int, caller: Any) -> None:
        amount = self.chance.randrange(1, 40)
        said = self.once(caller, "/credits/transactions", {"type": "deduct", "amount": amount})
        if said.status_code == 201:
            self.note(person, "deduct", -amount)

    def grant(self, person: int, caller: Any) -> None:
        amount = self.chance.randrange(1, 60)
        said = self.once(caller, "/credits/transactions", {"type": "grant", "amount": amount})
        assert said.status_code == 201, said.content
        self.note(person, "grant", amount)

    def batch(self, person: int, caller: Any) -> None:
        entries = [{"type": "grant", "amount": 7}, {"type": "deduct", "amount": 5}]
        said = self.once(caller, "/credits/transactions/batch", {"transactions": entries})
        if said.status_code == 201:
            self.note(person, "grant", 7)
            self.note(person, "deduct", -5)

    def refund(self, person: int, caller: Any) -> None:
        body = {"type": "deduct", "amount": 3}
        charged = self.sent(caller, "POST", "/credits/transactions", body)
        if charged.status_code == 201:
            self.note(person, "deduct", -3)
            path = f"/credits/transactions/{charged.json()['id']}/refund"
            if self.once(caller, path, {"amount": 2}).status_code == 201:
                self.note(person, "refund", 2)

    def hold(self, person: int, caller: Any) -> None:
        held = self.once(caller, "/credits/holds", {"amount": 9})
        if held.status_code != 201:
            return
        path = f"/credits/holds/{held.json()['id']}"
        if self.chance.random() < 0.5:
            if self.once(caller, f"{path}/capture", {"amount": 4}).status_code == 200:
                self.note(person, "deduct", -4)
                self.book["captured"] += 1
        elif self.once(caller, f"{path}/release", {}).status_code == 200:
            self.book["released"] += 1

    def count_usage(self, person: int, caller: Any) -> None:
        said = self.once(caller, "/usage/increment", {"amount": 2})
        if said.status_code == 200:
            self.book[f"usage of person{person}"] += 2

    def count_limited(self, person: int, caller: Any) -> None:
        if self.sent(self.limited, "POST", "/usage/increment", {}).status_code == 200:
            self.book["usage of limited"] += 1

    def consent(self, person: int, caller: Any) -> None:
        method = self.chance.choice(("PUT", "DELETE"))
        body = {} if method == "PUT" else None
        self.sent(caller, method, "/consent/training_use", body)

    def cache(self, person: int, caller: Any) -> None:
        question = {"query": f"Question {self.chance.randrange(60)}"}
        found = self.sent(caller, "POST", "/cache/lookup", question).json()
        if found["lease"]:
            body = {"result": "an answer", "tags": ["pumps"], "lease": found["lease"]["token"]}
            self.sent(caller, "PUT", f"/cache/entries/{found['key']}", body)

    def invalidate(self, person: int, caller: Any) -> None:
        if self.chance.random() < 0.1:
            self.sent(caller, "POST", "/cache/invalidate", {"tags": ["pumps"]})

    def reference(self, person: int, caller: Any) -> None:
        body = {"references": {"customer": f"C-{self.chance.randrange(9)}"}}
        self.sent(caller, "PATCH", f"/persons/person{person}", body)

    def throw_away(self, person: int, caller: Any) -> None:
        """A person of this process's own: comes, is moved, and is erased."""
        self.made += 1
        name = f"thrown{self.number}-{self.made}"
        gone = Caller(self.key, name)
        self.sent(gone, "POST", "/credits/transactions", {"type": "deduct", "amount": 1})
        self.sent(gone, "POST", "/conversations", {"messages": [SAID]})
        moved = self.sent(gone, "POST", f"/persons/{name}/move", {"to": f"{name}-moved"})
        assert moved.status_code == 200, moved.content
        gone = Caller(self.key, f"{name}-moved")
        done = self.sent(gone, "POST", "/privacy/erase", {"confirm": f"{name}-moved"})
        assert done.status_code == 200, done.content
        self.book["erased"] += 1


SAID = {"role": "user", "content": "Which pump is the right one for a deep well?"}


def found() -> Counter[str]:
    """What the database holds, in the words of the books."""
    from django.db.models import Count, Sum

    from access.models import Person
    from billing.models import CreditHold, CreditTransaction, Usage
    from conversations.models import Conversation, Message

    holds = CreditHold.objects.filter(person__user_id__startswith="person")
    counted = Counter(
        {
            "conversations": Conversation.objects.count(),
            "messages": Message.objects.count(),
            "captured": holds.filter(state="captured").count(),
            "released": holds.filter(state="released").count(),
            "erased": Person.objects.exclude(erased_as=None).count(),
        }
    )
    entries = CreditTransaction.objects.filter(
        person__user_id__startswith="person", type__in=("deduct", "grant", "refund")
    )
    for user_id, kind, number, amount in entries.values_list("person__user_id", "type").annotate(
        Count("id"), Sum("amount")
    ):
        counted[f"{kind} of {user_id}"] += number
        counted[f"credits of {user_id}"] += amount
    for user_id, total in Usage.objects.values_list("person__user_id", "total_queries"):
        counted[f"usage of {user_id}"] += total
    return counted


def work(number: int, key: str, count: int, seconds: float) -> None:
    """In a process of its own."""
    import django

    django.setup()
    worker = Worker(number, key)
    print("ready", flush=True)
    sys.stdin.readline()
    worker.run(count, seconds)
    print(json.dumps(worker.book), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=1e9, help="where there is no more time")
    options = parser.parse_args()
    with new_database("steward_operations") as url:
        return compare(url, options)


def compare(url: str, options: argparse.Namespace) -> int:
    key = served.prepared(HERE, url)
    os.environ.update(served.environment(url) | {"LOG_LEVEL": "CRITICAL"})
    import django

    django.setup()
    first = Worker(0, key)
    for caller, limits in [*((one, UNLIMITED) for one in first.callers), (first.limited, LIMITED)]:
        assert first.sent(caller, "PATCH", "/usage", limits).status_code == 200
    begun = time.monotonic()
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.operations", WORK, str(number), key,
             str(options.count // options.processes), str(options.seconds)],
            cwd=HERE, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True,
        )
        for number in range(1, options.processes + 1)
    ]  # fmt: skip
    books: Counter[str] = Counter()
    for one in workers:
        assert one.stdin and one.stdout and one.stdout.readline() == "ready\n"
    for one in workers:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in workers:
        books.update(json.loads(one.communicate()[0]))
    done, seconds = books.pop("operations"), time.monotonic() - begun
    held = found()
    differing = {
        name: (books[name], held[name]) for name in books | held if books[name] != held[name]
    }
    verified = subprocess.run([sys.executable, "manage.py", "verify"], cwd=HERE)
    print(
        f"{done:,} operations by {options.processes} processes in {seconds:.0f} s;"
        f" {len(books)} counts, {len(differing)} of them differ;"
        f" verify ended with {verified.returncode}"
    )
    for name, (told, stored) in differing.items():
        print(f"  {name}: {told} by the books, {stored} in the database")
    return 1 if differing or verified.returncode else 0


if __name__ == "__main__":
    if sys.argv[1:2] == [WORK]:
        work(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    else:
        sys.exit(main())

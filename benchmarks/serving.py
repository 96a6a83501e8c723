"""Requests a second of gunicorn with different numbers of processes and threads, in the same run.

    DATABASE_URL=… python -m benchmarks.serving [--seconds 3] [--clients 16]

Two calls: a charge of one credit (one of 100 people each), and a list of conversations. The clients
are threads of one process of their own and share the cores with the server. Run it on a database
made for it: it migrates it, and leaves its people there.
"""

import argparse
import http.client
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from access.models import ApiKey  # noqa: E402
from access.scopes import SCOPES  # noqa: E402
from access.services import keys  # noqa: E402
from benchmarks import served  # noqa: E402

PORT = 8765
SIZES = ((1, 8), (2, 4), (2, 8), (2, 15), (4, 8))
PEOPLE = 100
CHARGE = json.dumps({"type": "deduct", "amount": 1})
PURCHASE = json.dumps({"type": "purchase", "amount": 10**9})
CALLS = {
    "charge": ("POST", "/api/v1/credits/transactions", CHARGE),
    "list": ("GET", "/api/v1/conversations", None),
}


def call(server: Any, key: str, person: int, wanted: tuple[str, str, str | None]) -> int:
    method, path, body = wanted
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": f"bench-{person}"}
    server.request(method, path, body, headers | {"Content-Type": "application/json"})
    answer = server.getresponse()
    answer.read()
    return int(answer.status)


def connect() -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)


def load(key: str, wanted: Any, clients: int, seconds: float) -> tuple[float, float, int]:
    """Requests a second, the 95th percentile in milliseconds, and how many were refused."""
    times: list[float] = []
    refused: list[int] = []
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        server, person = connect(), number
        while time.monotonic() < until:
            begun = time.monotonic()
            status = call(server, key, person % PEOPLE, wanted)
            times.append(time.monotonic() - begun)
            if status >= 400:
                refused.append(status)
            person += clients

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    late = statistics.quantiles(times, n=20)[-1] * 1000
    return len(times) / seconds, late, len(refused)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    ApiKey.objects.filter(name="bench").delete()
    key = keys.create_key(name="bench", scopes=SCOPES, actor="system", at=timezone.now()).key
    connection.close()
    with tempfile.TemporaryFile() as log:
        for sizes in SIZES:
            server = served.begin(
                served.STEWARD, Path.cwd(), os.environ["DATABASE_URL"], PORT, sizes, log
            )
            try:
                print(f"{sizes[0]} x {sizes[1]}: {'; '.join(measured(key, options))}", flush=True)
            finally:
                server.terminate()
                server.wait()


def measured(key: str, options: argparse.Namespace) -> Iterator[str]:
    """What comes of each call, of people who have bought credits."""
    opened = connect()
    for person in range(PEOPLE):
        call(opened, key, person, ("POST", CALLS["charge"][1], PURCHASE))
    opened.close()
    for name, wanted in CALLS.items():
        rate, late, refused = load(key, wanted, options.clients, options.seconds)
        yield f"{name} {rate:,.0f}/s, 95 % in {late:.0f} ms, {refused} refused"


if __name__ == "__main__":
    main()

"""The most that one request of each route can cost, measured.

    DATABASE_URL=… python -m benchmarks.bounds FIGURES [--write]

Makes the largest rows that the API takes, sends each route the dearest requests that we know
(benchmarks/dearest.py), and prints CPU seconds, what the process's memory grew by, and the bytes of
the answer. On PostgreSQL the CPU of the server's processes counts, too, so that the server must run
here. Each request has a process of its own: no memory of another is used again.

FIGURES is a file that keeps the figures: run it once on each engine, and it holds the dearer.
`--write` puts the table into docs/security.md. Run it on databases made for it: it empties them.
"""

import argparse
import ctypes
import logging
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import django
import orjson

django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from access.scopes import SCOPES  # noqa: E402
from access.services import keys  # noqa: E402
from benchmarks.dearest import CASES, Case  # noqa: E402
from benchmarks.dearest_rows import prepare_all  # noqa: E402
from common.schema import database_triggers  # noqa: E402
from common.schema.triggers import all_triggers  # noqa: E402

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- the bounds begin -->", "<!-- the bounds end -->"
TICKS = os.sysconf("SC_CLK_TCK")
# CPU seconds, bytes of memory, bytes of the answer.
Figures = dict[str, list[float]]
handler = WSGIHandler()


def call(method: str, address: str, body: bytes, headers: dict[str, str]) -> tuple[int, int, bytes]:
    """Status, bytes and beginning of the answer, which is thrown away piece by piece."""
    location, _, query = address.partition("?")
    environment = {
        "REQUEST_METHOD": method, "PATH_INFO": location, "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": BytesIO(body), "wsgi.errors": BytesIO(), "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False, "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1", **headers,
    }  # fmt: skip
    statuses: list[str] = []
    response: Any = handler(environment, lambda status, *rest: statuses.append(status))
    byte_size, beginning = 0, b""
    for piece in response:
        beginning = beginning or piece[:400]
        byte_size += len(piece)
    response.close()
    return int(statuses[0][:3]), byte_size, beginning


def peak_bytes() -> int:
    """The most memory that this process had since `forget_peak`."""
    status = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def forget_peak() -> None:
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free must not hide what is used
    Path("/proc/self/clear_refs").write_text("5")


def cpu_seconds() -> float:
    """Of this process, and of the server's processes that answer it."""
    seconds = time.process_time()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            processes = [process for (process,) in cursor.fetchall()]
        for process in processes:
            times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            seconds += (int(times[11]) + int(times[12])) / TICKS
    return seconds


def in_a_process(work: Callable[[], Any]) -> Any:
    """What `work` gives, done in a process of its own. Raises RuntimeError where it fails."""
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writing, orjson.dumps(work()))
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("see above")
    return orjson.loads(answer)


def measured(case: Case, key: str) -> list[float]:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {key}"} | case.headers()
    address, body = case.address(), case.body()
    # Loads what every request needs.
    call("GET", "/api/v1/usage", b"", headers | {"HTTP_X_USER_ID": "nobody"})
    if case.person:
        headers["HTTP_X_USER_ID"] = case.person
    headers["HTTP_IDEMPOTENCY_KEY"] = str(uuid.uuid4())
    forget_peak()
    before, begun = peak_bytes(), cpu_seconds()
    status, byte_size, beginning = call(case.method, address, body, headers)
    seconds, memory_bytes = cpu_seconds() - begun, peak_bytes() - before
    if status not in case.statuses:
        sys.exit(f"{case.route}: {status} {beginning.decode(errors='replace')}")
    return [seconds, max(memory_bytes, 0), byte_size]


def measure_all(key: str, kept: Figures) -> Figures:
    """The dearest of each route, of these requests and of what is kept."""
    found: Figures = {}
    for case in CASES:
        figures = in_a_process(lambda case=case: measured(case, key))  # type: ignore[misc]
        print(f"{case.route} ({case.bound or 'the same'}): {_shown(figures)}", flush=True)
        for dearest in (found, kept):
            if case.route in dearest:
                figures = [max(pair) for pair in zip(figures, dearest[case.route], strict=True)]
        found[case.route] = figures
    return found


def _shown(figures: list[float]) -> str:
    seconds, memory_bytes, byte_size = figures
    return f"{seconds:.2f} | {memory_bytes / 1e6:.0f} | {byte_size / 1e6:.2f}"


def lines(found: Figures) -> list[str]:
    """The table as docs/security.md shows it."""
    bounds = {case.route: case.bound for case in CASES if case.bound}
    rows = [f"| `{route}` | {bounds[route]} | {_shown(found[route])} |" for route in found]
    return [
        "| route | bounded by | CPU, s | memory, MB | answer, MB |",
        "|---|---|---|---|---|",
        *rows,
    ]


def write(found: Figures) -> None:
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text("\n".join([f"{before}{BEGIN}", "", *lines(found), "", f"{END}{after}"]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("figures", type=Path, help="a file that keeps the figures")
    parser.add_argument("--write", action="store_true", help="put the table into the document")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    kept = orjson.loads(arguments.figures.read_bytes()) if arguments.figures.exists() else {}
    call_command("migrate", verbosity=0)
    database_triggers.drop(trigger for trigger in all_triggers() if trigger.rules)
    call_command("flush", interactive=False, verbosity=0)
    database_triggers.create(all_triggers())
    key = keys.create_key(name="benchmark", scopes=SCOPES, actor="system", at=timezone.now()).key
    in_a_process(prepare_all)
    print(f"{connection.vendor}: CPU, s | memory, MB | answer, MB\n")
    found = measure_all(key, kept)
    arguments.figures.write_bytes(orjson.dumps(found))
    if arguments.write:
        write(found)


if __name__ == "__main__":
    main()

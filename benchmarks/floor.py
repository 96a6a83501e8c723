"""What a hot route costs, as a multiple of the floor: the least that any service could do.

    DATABASE_URL=postgresql://… python -m benchmarks.floor [--tree NAME=CHECKOUT …] [--in-process]

The floor is a bare WSGI function that sends one statement by psycopg2 (benchmarks/floor_wsgi.py).
It, each checkout that is named, and this one run under gunicorn with the same processes and
threads, each on a database made for it on DATABASE_URL's server, and are asked in turn over
connections that are kept. The figures are CPU microseconds of a request, medians of the rounds:
those of the server's processes, and after the stroke those of PostgreSQL's, from /proc. A multiple
is the median of the rounds' own. With `--in-process` each is called within a process of its own
instead, without any server, and the least of the rounds counts.

On a machine that has much else to do, caches are cold after every wait, and whoever needs them most
looks dearest: `--real-time` lets each round run before all other work, with pauses twice as long.
Take rounds of 0.3 seconds then.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from benchmarks import floor_rows, floor_wsgi, served
from benchmarks.application import Application, new_database
from benchmarks.floor_rows import ROWS

HERE = Path(__file__).resolve().parent.parent
FLOOR, THIS = "floor", "Steward"


def cpu_of(process: psutil.Process) -> dict[Path, int]:
    """Nanoseconds by thread, of a process and all it has begun."""
    spent = {}
    for one in (process, *process.children(recursive=True)):
        for thread in Path(f"/proc/{one.pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                spent[thread] = int((thread / "schedstat").read_text().split()[0])
    return spent


def microseconds(before: dict[Path, int], after: dict[Path, int]) -> float:
    return sum(late - before.get(thread, 0) for thread, late in after.items()) / 1000


def scheduled(process: psutil.Process, policy: int, priority: int) -> None:
    """Let a process and all it has begun, and what they begin, run by this policy."""
    for thread in cpu_of(process):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))


def postmaster() -> psutil.Process:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    process = psutil.Process(connection.info.backend_pid).parent()
    connection.close()
    assert process
    return process


class Inside:
    """A subject in a process of its own that is called without a server."""

    def __init__(self, name: str, url: str, folder: Path, options: argparse.Namespace) -> None:
        module = floor_wsgi.__name__ if name == FLOOR else "config.wsgi"
        self.application = Application(folder, url, module, LOG_LEVEL="INFO", LOG_FORMAT="json")
        self.process = psutil.Process(self.application.process.pid)

    def call(self, method: str, path: str, body: Any, person: str, **headers: str) -> bytes:
        asked = floor_rows.request(method, path, body, person, **headers)
        answer = self.application.do(**asked)
        assert answer["status"][0] == "2", answer
        return str(answer["body"]).encode("latin-1")

    def send(self, requests: list[dict[str, Any]], seconds: float) -> int:
        return int(self.application.do(measure=requests, seconds=seconds)["count"])

    def end(self) -> None:
        self.application.end()


class Behind:
    """A subject behind gunicorn, and a client in a process of its own."""

    def __init__(self, name: str, url: str, folder: Path, options: argparse.Namespace) -> None:
        self.clients, self.port = options.clients, served.free_port()
        sizes = options.processes, options.threads
        arguments = served.floor(*sizes) if name == FLOOR else served.STEWARD
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        self.server = served.begin(arguments, folder, url, self.port, sizes, self.log)
        self.process = psutil.Process(self.server.pid)
        self.client = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def call(self, method: str, path: str, body: Any, person: str, **headers: str) -> bytes:
        asked = floor_rows.request(method, path, body, person, **headers)
        done = self._load([asked], 0, 1)
        assert not done["refused"], (asked, done)
        return str(done["last"]).encode()

    def send(self, requests: list[dict[str, Any]], seconds: float) -> int:
        done = self._load(requests, seconds, self.clients)
        assert not done["refused"], f"{requests[0]} and others were refused: {done}"
        return int(done["answered"])

    def _load(self, requests: list[dict[str, Any]], seconds: float, clients: int) -> Any:
        assert self.client.stdin and self.client.stdout
        wanted = {"port": self.port, "clients": clients, "seconds": seconds, "requests": requests}
        self.client.stdin.write(json.dumps(wanted) + "\n")
        self.client.stdin.flush()
        return json.loads(self.client.stdout.readline())

    def end(self) -> None:
        self.client.kill()
        self.client.wait()
        self.server.terminate()
        self.server.wait()


class Subject:
    """One of those that are measured, and what it is asked."""

    def __init__(self, name: str, way: Any, key: str) -> None:
        self.name, self.way = name, way

        def call(method: str, path: str, body: Any, person: str) -> bytes:
            bearer = {"Authorization": f"Bearer {key}"}
            return bytes(way.call(method, f"/api/v1{path}", body, person, **bearer))

        is_floor = name == FLOOR
        self.requests = floor_rows.of_floor() if is_floor else floor_rows.of_steward(key, call)

    def round(self, row: str, seconds: float, database: psutil.Process) -> list[float]:
        """CPU microseconds of a request, the server's and PostgreSQL's; requests a second."""
        processes = self.way.process, database
        before, began = [cpu_of(one) for one in processes], time.monotonic()
        count = self.way.send(self.requests[row], seconds)
        took = time.monotonic() - began
        after = [cpu_of(one) for one in processes]
        spent = [microseconds(*both) / count for both in zip(before, after, strict=True)]
        return [*spent, count / took]


def show(row: str, subjects: list[Subject], rounds: list[list[list[float]]], least: bool) -> None:
    """One line of the table: `rounds` has the figures of each subject in each round."""
    choose: Callable[..., float] = min if least else statistics.median
    cells = []
    for number, subject in enumerate(subjects):
        server, stored = (choose(one[number][kind] for one in rounds) for kind in range(2))
        rate = statistics.median(one[number][2] for one in rounds)
        cells.append(f"{server:,.0f} / {stored:,.0f}")
        if subject.name == FLOOR:
            floor_rate, floor_server = rate, server
            continue
        ratios = [one[number][0] / one[0][0] for one in rounds]
        multiple = server / floor_server if least else statistics.median(ratios)
        cells[-1] += f" | **{multiple:.1f}**" + ("" if least else f" | {rate / floor_rate:.0%}")
    print(f"| {ROWS[row]} | {' | '.join(cells)} |", flush=True)


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tree", action="append", default=[], metavar="NAME=CHECKOUT")
    parser.add_argument("--in-process", action="store_true")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument(
        "--real-time", action="store_true", help="on a busy machine, as root: before all others"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8)
    return parser.parse_args()


def ready(name: str, folder: Path, options: argparse.Namespace, stack: Any) -> Subject:
    """A subject on a database of its own, which the stack ends and removes."""
    url = stack.enter_context(new_database(f"steward_{name.lower()}"))
    if name == FLOOR:
        floor_wsgi.fill(url, floor_rows.ANSWER)
    key = "" if name == FLOOR else served.prepared(folder, url)
    way = (Inside if options.in_process else Behind)(name, url, folder, options)
    stack.callback(way.end)
    return Subject(name, way, key)


def rounds_of(
    row: str, subjects: list[Subject], options: argparse.Namespace, database: psutil.Process
) -> list[list[list[float]]]:
    """The figures of each subject in each round, after one that warms up."""
    rounds = []
    for _ in range(options.rounds + 1):
        rounds.append([])
        for subject in subjects:
            rounds[-1].append(subject.round(row, options.seconds, database))
            time.sleep(2 * options.seconds * options.real_time)
    return rounds[1:]


def main() -> None:
    options = options_given()
    folders = {FLOOR: HERE} | {
        name: Path(path).resolve() for name, _, path in (one.partition("=") for one in options.tree)
    } | {THIS: HERE}  # fmt: skip
    database = postmaster()
    with contextlib.ExitStack() as stack, futures.ThreadPoolExecutor() as pool:
        begun = [pool.submit(ready, *one, options, stack) for one in folders.items()]
        subjects = [one.result() for one in begun]
        rate = "" if options.in_process else " | rate to the floor's"
        heads = [one if one == FLOOR else f"{one} | to the floor{rate}" for one in folders]
        print(f"| server / PostgreSQL | {' | '.join(heads)} |")
        print("|---" * (" | ".join(heads).count("|") + 2) + "|", flush=True)
        if options.real_time:
            stack.callback(scheduled, database, os.SCHED_OTHER, 0)
            for process in (database, *(one.way.process for one in subjects)):
                scheduled(process, os.SCHED_RR, 1)
        for row in options.rows:
            show(row, subjects, rounds_of(row, subjects, options, database), options.in_process)


if __name__ == "__main__":
    main()

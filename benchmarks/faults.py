"""Eight kinds of faults under load, on both engines: `python -m benchmarks.faults`.

Clients charge, append and store answers, send each write again until it is answered, and keep their
own books, while

1. workers and 2. the master of gunicorn are ended by kill -9,
3. PostgreSQL is ended by kill -9, alone and together with the master,
4. a worker, or PostgreSQL, is stopped (SIGSTOP) for longer than the time limits, and goes on,
5. the connections to PostgreSQL are cut, and mended,
6. the disk under the database is full to the last byte, and has room again,
7. the database is read-only, and takes writes again,
8. the clock of web and database server is an hour fast, then an hour slow, then right.

What ended is started again, as a supervisor does; nothing else is done. After each fault every
client must be answered again, and then so many writes more. In the end no answered write may be
lost or stand twice, and `verify` must be clean; otherwise the exit code is 1.

The disk is a small tmpfs, which root alone can mount. SQLite is read-only by its files' modes; as
root the server runs without the capability that sets itself above them.
The clock is wrong through a library that is loaded before libc and compiled here (cc): the wall
clock of those processes jumps, as on a machine whose clock was set. Monotonic clocks and timers
are right then, too; times of files are the kernel's, and stay right here. What cannot be made on
this machine is named and left out.

The time limits are shorter than those of a deployment (tests/operations/faults.py). All that was
begun is ended and removed, also after Ctrl-C and SIGTERM.
"""

import argparse
import signal
import sys
import time
from typing import Any

from tests.operations.faults import Fault, Place, place
from tests.operations.survival import Load, assert_nothing_lost

ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=ENGINES, help="instead of both")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--writes", type=int, default=150, help="answered after each fault")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    print("| engine | fault | it took | all answered after | writes | repeated | longest wait |")
    print("|---|---|---|---|---|---|---|", flush=True)
    try:
        for engine in [options.engine] if options.engine else ENGINES:
            with place(engine) as one:
                survive(one, ENGINES[engine], options)
    except AssertionError as error:
        print(f"LOST: {error}")
        return 1
    return 0


def end(number: int, frame: Any) -> None:
    """Leave all blocks, once: whoever is impatient would leave half of it standing."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    sys.exit(128 + number)


def survive(site: Place, engine: str, options: argparse.Namespace) -> None:
    with Load(site.web, site.key, options.clients) as load:
        load.wait_for_everybody()
        for name, fault in site.faults().items():
            row = figures(load, fault, options.writes) if fault else "not possible here | | | |"
            print(f"| {engine} | {name} | {row} |", flush=True)
    assert_nothing_lost(site, load)
    print(
        f"{engine}: all {load.acknowledged} answered writes stand, none twice; verify is clean",
        flush=True,
    )


def figures(load: Load, fault: Fault, writes: int) -> str:
    """Makes the fault, waits until all is well, and says what the clients saw."""
    answered, repeated = load.acknowledged, sum(book.failures for book in load.books)
    for book in load.books:
        book.longest_gap_seconds = 0.0
    begun = time.monotonic()
    fault(load)
    ended = time.monotonic()
    load.wait_for_everybody()
    back = time.monotonic()
    load.wait_for_more(writes)
    repeated = sum(book.failures for book in load.books) - repeated
    longest = max(book.longest_gap_seconds for book in load.books)
    return (
        f"{ended - begun:.1f} s | {back - ended:.1f} s | {load.acknowledged - answered:,}"
        f" | {repeated:,} | {longest:.1f} s"
    )


if __name__ == "__main__":
    sys.exit(main())

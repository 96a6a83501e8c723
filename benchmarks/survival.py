"""kill -9 of workers, server, PostgreSQL and both under load: `python -m benchmarks.survival`.

Makes its own databases and throws them away. Ends with 1 when a write that was answered is lost,
one was done twice, or `verify` finds a difference.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.operations.server import environment_of, postgresql, prepared
from tests.operations.survival import Load, Site, assert_nothing_lost
from tests.web import served


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of every kind of kill")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--writes", type=int, default=300, help="answered between two kills")
    options = parser.parse_args()
    try:
        for engine in ("SQLite", "PostgreSQL"):
            survive(engine, options)
    except AssertionError as error:
        print(f"LOST: {error}")
        return 1
    return 0


def survive(engine: str, options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steward-survival-")))
        server = stack.enter_context(postgresql()) if engine == "PostgreSQL" else None
        url = server.url if server else f"sqlite:///{folder / 'records.sqlite3'}"
        key = prepared(environment_of(url))
        web = stack.enter_context(served(environment_of(url), folder, workers=2))
        site = Site(web, url, server)
        begun, kills = time.monotonic(), 0
        with Load(web, key, options.clients) as load:
            load.wait_for_more(options.writes)
            for _ in range(options.rounds):
                for kill in site.acts():
                    kill()
                    kills += 1
                    load.wait_for_more(options.writes)
        seconds = time.monotonic() - begun
        assert_nothing_lost(site, load)
        failures = sum(book.failures for book in load.books)
        gap = max(book.longest_gap_seconds for book in load.books)
        print(
            f"{engine}: {kills} kills in {seconds:.0f} s, {load.acknowledged} writes answered,"
            f" {failures} tries failed and were repeated, longest wait {gap:.1f} s;"
            " all answered writes stand, none twice, verify is clean",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())

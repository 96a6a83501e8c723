"""A disk that is full, without one: what the kernel or the server then says to a write, it says."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.operations.server import PostgreSQL
from tests.web import Web

ROOM_BYTES = 256 * 1024

FILL = (
    "CREATE FUNCTION there_is_no_room() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RAISE EXCEPTION ''could not extend file: No space left on device''"
    " USING ERRCODE = ''disk_full''; END'",
    "CREATE TRIGGER no_room BEFORE INSERT ON billing_credittransaction"
    " EXECUTE FUNCTION there_is_no_room()",
)
MAKE_ROOM = ("DROP FUNCTION there_is_no_room() CASCADE",)


@contextmanager
def full_disk(
    web: Web, file: Path | None, server: PostgreSQL | None, write: Callable[[], object]
) -> Iterator[None]:
    """No room for charges, for the time of the block; `write` is one that takes some now.

    SQLite: no process of the web application may write beyond a place that its -wal has passed.
    """
    if server is not None:
        server.execute(*FILL)
        try:
            yield
        finally:
            server.execute(*MAKE_ROOM)
        return
    assert file is not None
    log_bytes = web.log_file.stat().st_size
    limit = log_bytes + ROOM_BYTES
    while file.with_name(f"{file.name}-wal").stat().st_size <= limit:
        write()
    before = resource.prlimit(web.process.pid, resource.RLIMIT_FSIZE)
    _limit(web, (limit, before[1]))
    try:
        yield
    finally:
        _limit(web, before)


def _limit(web: Web, limits: tuple[int, int]) -> None:
    master = psutil.Process(web.process.pid)
    for process in [master, *master.children(recursive=True)]:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)

"""Whether Steward can serve: each component looked at, within a time that a probe can bear."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader

from common import declarations
from common.declarations import DEGRADED, DOWN, OK, Health
from operations import failed_writes, in_time, room
from operations.sqlite.base import can_be_written

if TYPE_CHECKING:
    from operations.postgresql.base import PoolStatistics

logger = logging.getLogger(__name__)

# A database file that cannot grow is the end of all writes: below this a person should look.
LOW_DISK_BYTES = 512 * 1024 * 1024
# Below this the next write may be the one that fails.
FULL_DISK_BYTES = 16 * 1024 * 1024
# A write that failed for want of room, or a broken disk, is no matter of one request.
RECENT_SECONDS = 60


def database() -> Health:
    """Whether the database answers, and takes writes, over the pool that requests use."""
    begun = time.perf_counter()
    if pool_is_exhausted():
        # Asking would mean waiting in the queue, where the requests stand already.
        return Health(DOWN, {"engine": connection.vendor}, "no connection is free")
    takes_writes = _takes_writes()
    facts = {
        "engine": connection.vendor,
        "response_time_ms": round((time.perf_counter() - begun) * 1000, 2),
    }
    return Health(OK, facts) if takes_writes else Health(DOWN, facts, "is read-only")


def _takes_writes() -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # On as well while a standby follows its primary.
            cursor.execute("SELECT current_setting('transaction_read_only')")
            return bool(cursor.fetchone()[0] == "off")
        cursor.execute("PRAGMA query_only")
        if cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    file = Path(str(connection.settings_dict["NAME"]))
    return can_be_written(file) and can_be_written(file.parent)


def pool_is_exhausted() -> bool:
    """Whether whoever asks the database now must wait for a connection."""
    return any(one.is_exhausted for one in _pools())


def pool() -> Health:
    """The connections of this process."""
    found = _pools()
    if not found:
        return Health(OK, {"kind": "none" if not _has_pool() else "unused"})
    numbers = found[0]
    facts = {name: value for name, value in asdict(numbers).items() if name != "alias"}
    if numbers.is_exhausted:
        return Health(DOWN, facts, "no connection is free")
    if numbers.is_busy:
        return Health(DEGRADED, facts, "nearly all are in use")
    return Health(OK, facts)


def _pools() -> "list[PoolStatistics]":
    """Those of this process to the database; SQLite needs none, and loads nothing for one."""
    if connection.vendor == "sqlite":
        return []
    from operations.postgresql import base

    return [one for one in base.statistics() if one.alias == connection.alias]


def _has_pool() -> bool:
    return bool(connection.settings_dict.get("POOL"))


_migrated = False


def migrations() -> Health:
    """Whether the tables are those that this code expects; looked up until they once are."""
    global _migrated
    if _migrated:
        return Health(OK, {"pending": []})
    if pool_is_exhausted():
        return Health(DOWN, {}, "not known: no connection is free")
    pending = pending_migrations()
    _migrated = not pending
    if pending:
        missing = f"{', '.join(pending)} {'is' if len(pending) == 1 else 'are'} missing"
        return Health(DOWN, {"pending": pending}, f"{missing}; run `python manage.py migrate`")
    return Health(OK, {"pending": []})


def pending_migrations() -> list[str]:
    """The migrations of this code that the database lacks, in their order."""
    loader = MigrationLoader(connection)
    needed = (
        name for leaf in loader.graph.leaf_nodes() for name in loader.graph.forwards_plan(leaf)
    )
    missing = dict.fromkeys(name for name in needed if name not in loader.applied_migrations)
    return [f"{app_label}.{name}" for app_label, name in missing]


def writes() -> Health:
    """Whether the last minute's writes could be kept, in any process of this server."""
    seconds = failed_writes.seconds_since()
    if seconds is None or seconds >= RECENT_SECONDS:
        return Health(OK, {})
    facts = {"failed_seconds_ago": round(seconds)}
    return Health(DOWN, facts, "a write could not be kept: no room, or a broken disk")


def disk() -> Health:
    """Room for the database file; on SQLite alone."""
    try:
        facts = room.of_file()
    except OSError:
        return Health(DOWN, {}, "the database's folder cannot be read")
    if facts["free_bytes"] < FULL_DISK_BYTES:
        return Health(DOWN, facts, "less than 16 MiB are free")
    if facts["free_bytes"] < LOW_DISK_BYTES:
        return Health(DEGRADED, facts, "less than 512 MiB are free")
    return Health(OK, facts)


def needed(*, seconds: float) -> dict[str, Health]:
    """What requests cannot do without, as far as it is known after so many seconds."""
    until = time.monotonic() + seconds
    found = {
        "database": _in_time(database, until, "does not answer"),
        "migrations": migrations() if _migrated else _in_time(migrations, until),
        "pool": pool(),
        "writes": writes(),
    }
    if connection.vendor == "sqlite":
        found["disk"] = _in_time(disk, until, "the database's folder does not answer")
    return found


def all_components(*, seconds: float) -> dict[str, Health]:
    """Everything there is to see within so many seconds, the apps' own components included."""
    until = time.monotonic() + seconds
    found = needed(seconds=seconds)
    if found["database"].status == DOWN:
        return found
    return found | {one.name: _in_time(one.check, until) for one in declarations.health_checks()}


def _in_time(
    check: Callable[[], Health],
    until: float,
    otherwise: str = "not known: the database does not answer",
) -> Health:
    try:
        return in_time.ask(check, seconds=until - time.monotonic())
    except (DatabaseError, InterfaceError) as error:
        logger.debug("The database does not answer", exc_info=error)
        return Health(DOWN, {}, otherwise)


def worst(found: dict[str, Health]) -> str:
    """The status of the whole."""
    statuses = {component.status for component in found.values()}
    return next((status for status in (DOWN, DEGRADED) if status in statuses), OK)


_last_failing: list[str] = []


def note(found: dict[str, Health]) -> list[str]:
    """The names of what is down; a change is logged once, with its reason."""
    global _last_failing
    failing = [name for name, component in found.items() if component.status == DOWN]
    if failing != _last_failing:
        _last_failing = failing
        if failing:
            reasons = "; ".join(f"{name}: {found[name].reason}" for name in failing)
            logger.error("Not ready. %s", reasons)
        else:
            logger.info("Ready again.")
    return failing

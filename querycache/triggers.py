"""The size of each namespace, kept by triggers: every change of an entry appends what it changed.

They refuse nothing. Counting the entries at each store instead took 16.6 ms at 100,000 entries on
PostgreSQL, and one counter for a namespace would let all its stores wait for each other.
"""

from common.guards import FUNCTION, Guard
from querycache.models import CacheEntry, CacheSize

ENTRY = CacheEntry._meta.db_table
SIZE = CacheSize._meta.db_table
NAME = f"{ENTRY}_size"
INSERT = f"INSERT INTO {SIZE} (namespace_id, entries, bytes, ttl_seconds)"
ADD = f"{INSERT} VALUES (NEW.namespace_id, 1, NEW.byte_size, NEW.ttl_seconds);"
REMOVE = f"{INSERT} VALUES (OLD.namespace_id, -1, -OLD.byte_size, -OLD.ttl_seconds);"
CHANGE = (
    f"{INSERT} VALUES (NEW.namespace_id, 0, NEW.byte_size - OLD.byte_size,"
    " NEW.ttl_seconds - OLD.ttl_seconds);"
)
MOVED = "NEW.namespace_id <> OLD.namespace_id"
RESIZED = "NEW.byte_size <> OLD.byte_size OR NEW.ttl_seconds <> OLD.ttl_seconds"


def _postgresql() -> list[str]:
    return [
        f"""
        CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger {FUNCTION} AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN {ADD}
            ELSIF TG_OP = 'DELETE' THEN {REMOVE}
            ELSIF {MOVED} THEN {REMOVE} {ADD}
            ELSIF {RESIZED} THEN {CHANGE}
            END IF;
            RETURN NULL;
        END $$
        """,
        f"CREATE TRIGGER {NAME} AFTER INSERT OR UPDATE OR DELETE ON {ENTRY}"
        f" FOR EACH ROW EXECUTE FUNCTION {NAME}()",
    ]


def _guard(name: str, postgresql: list[str], sqlite: str) -> Guard:
    return Guard(
        name,
        CacheEntry,
        lambda: postgresql,
        lambda: [f"CREATE TRIGGER {name} {sqlite}"] if sqlite else [],
        refuses=False,
        also_needs=SIZE,
    )


GUARDS = [
    _guard(NAME, _postgresql(), ""),
    _guard(f"{NAME}_insert", [], f"AFTER INSERT ON {ENTRY} BEGIN {ADD} END"),
    _guard(f"{NAME}_delete", [], f"AFTER DELETE ON {ENTRY} BEGIN {REMOVE} END"),
    _guard(
        f"{NAME}_update",
        [],
        f"AFTER UPDATE ON {ENTRY} WHEN NOT ({MOVED}) AND ({RESIZED}) BEGIN {CHANGE} END",
    ),
    _guard(
        f"{NAME}_move",
        [],
        f"AFTER UPDATE ON {ENTRY} WHEN {MOVED} BEGIN {REMOVE} {ADD} END",
    ),
]

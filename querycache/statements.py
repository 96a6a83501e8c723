"""The statements of a look-up and of a store, one for each act; everything else is ORM.

The read has all rules of what may be served in one statement. PostgreSQL would plan it anew for
each call, at twice the price of running it; there it is the function querycache_read (migration
0003), whose plan a session keeps.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from django.db import connection

from querycache.models import CacheEntry, CacheLease, CacheTag, Namespace

READ_ON_SQLITE = """
SELECT n.id, n.epoch, n.sharing, n.ignore_case, e.id, e.result, e.cost_credits, e.created_at,
       e.fresh_until, l.token, l.epoch, l.created_at, l.expires_at
  FROM querycache_namespace AS n
  LEFT JOIN querycache_cacheentry AS e
    ON e.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE %(owner)s END
   AND e.namespace_id = n.id
   AND e.key_hash = CASE n.ignore_case WHEN 0 THEN %(key)s ELSE %(key_ignoring_case)s END
   AND e.epoch = n.epoch AND e.stale_until > %(at)s
   AND (e.tags IS NULL OR NOT EXISTS (
        SELECT 1 FROM querycache_cachetag AS t
         WHERE t.namespace_id = e.namespace_id
           AND t.name IN (SELECT value FROM json_each(e.tags))
           AND t.invalidated_at >= e.created_at))
  LEFT JOIN querycache_cachelease AS l
    ON l.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE %(owner)s END
   AND l.namespace_id = n.id
   AND l.key_hash = CASE n.ignore_case WHEN 0 THEN %(key)s ELSE %(key_ignoring_case)s END
 WHERE n.name = %(namespace)s
"""
READ_ON_POSTGRESQL = (
    "SELECT * FROM querycache_read("
    "%(namespace)s, %(owner)s, %(key)s, %(key_ignoring_case)s, %(at)s)"
)


class Seen(NamedTuple):
    """A key as the database has it: the entry that may be served, and the lease. None: none."""

    namespace_id: int
    epoch: int
    sharing: str
    ignore_case: bool
    entry_id: int | None
    result: str | None
    cost_credits: int | None
    created_at: datetime.datetime | None
    fresh_until: datetime.datetime | None
    lease_token: str | None
    lease_epoch: int | None
    lease_created_at: datetime.datetime | None
    lease_expires_at: datetime.datetime | None

    def is_being_made(self, *, at: datetime.datetime) -> bool:
        """Whether somebody has the right to make the answer at that time."""
        return (
            self.lease_expires_at is not None
            and self.lease_expires_at > at
            and self.lease_epoch == self.epoch
        )


IGNORE_CASE = Seen._fields.index("ignore_case")
TIMES = [place for place, name in enumerate(Seen._fields) if name.endswith(("_at", "_until"))]


def read(
    *,
    namespace: str,
    owner: str,
    key: str,
    at: datetime.datetime,
    key_ignoring_case: str | None = None,
) -> Seen | None:
    """What may be served for a key to this person at that time; None without such a namespace.

    A namespace that ignores case is asked for the other key, if there is one.
    """
    postgresql = connection.vendor == "postgresql"
    parameters = {
        "namespace": namespace,
        "owner": owner,
        "key": key,
        "key_ignoring_case": key_ignoring_case or key,
        "at": _time(at),
    }
    row = _row(READ_ON_POSTGRESQL if postgresql else READ_ON_SQLITE, parameters)
    if row is None:
        return None
    if postgresql:
        return Seen._make(row)
    values = list(row)
    values[IGNORE_CASE] = bool(values[IGNORE_CASE])  # and no truth values
    for place in TIMES:  # SQLite knows no zones: times come back naive.
        if values[place] is not None:
            values[place] = values[place].replace(tzinfo=datetime.UTC)
    return Seen._make(values)


def take_lease(lease: CacheLease, *, seen_token: str | None) -> bool:
    """Take the right to make an answer, unless somebody took or used it since it was seen.

    `seen_token` is what the read found. It is what makes one maker: whoever read before the answer
    was stored finds another token, and is refused.
    """
    table = CacheLease._meta.db_table
    columns = _values(lease)
    passed_on = [name for name in columns if name not in ("owner", "namespace_id", "key_hash")]
    row = _row(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({_placeholders(columns)})"
        f" ON CONFLICT (owner, namespace_id, key_hash) DO UPDATE SET {_excluded(passed_on)}"
        f" WHERE {table}.token = %(seen_token)s RETURNING id",
        columns | {"seen_token": seen_token},
    )
    return row is not None


def namespace_and_entry(
    *, namespace: str, user_id: str, key: str
) -> tuple[Namespace, int | None] | None:
    """The namespace by name, and the id of the entry that stands under this person's key."""
    columns = [str(field.column) for field in Namespace._meta.concrete_fields]
    row = _row(
        f"SELECT {', '.join(f'n.{column}' for column in columns)}, e.id"
        f" FROM {Namespace._meta.db_table} AS n LEFT JOIN {CacheEntry._meta.db_table} AS e"
        " ON e.owner = CASE n.sharing WHEN 'shared' THEN '' ELSE %(owner)s END"
        " AND e.namespace_id = n.id AND e.key_hash = %(key)s WHERE n.name = %(namespace)s",
        {"namespace": namespace, "owner": user_id, "key": key},
    )
    if row is None:
        return None
    return Namespace.from_db("default", columns, row[:-1]), row[-1]


def put_entry(entry: CacheEntry) -> None:
    """Store the entry, in place of the one under its key if there is one. Fills in its id."""
    columns = _values(entry)
    replaced = [name for name in columns if name not in ("owner", "namespace_id", "key_hash")]
    row: Any = _row(
        f"INSERT INTO {CacheEntry._meta.db_table} ({', '.join(columns)})"
        f" VALUES ({_placeholders(columns)})"
        f" ON CONFLICT (owner, namespace_id, key_hash) DO UPDATE SET {_excluded(replaced)}"
        " RETURNING id",
        columns,
    )
    entry.pk = row[0]


def invalidate_tags(*, namespace_id: int, names: Sequence[str], at: datetime.datetime) -> None:
    """Note the time for all these tags in one write; an earlier clock takes nothing back."""
    table = CacheTag._meta.db_table
    named = {f"name{number}": name for number, name in enumerate(names)}
    rows = ", ".join(f"(%(namespace_id)s, %({name})s, %(at)s)" for name in named)
    _row(
        f"INSERT INTO {table} (namespace_id, name, invalidated_at) VALUES {rows}"
        " ON CONFLICT (namespace_id, name) DO UPDATE SET invalidated_at = excluded.invalidated_at"
        f" WHERE {table}.invalidated_at < excluded.invalidated_at",
        {"namespace_id": namespace_id, "at": _time(at)} | named,
    )


def add_counts(*, namespace: str, hour: datetime.datetime, counts: Mapping[str, int]) -> int:
    """Add to the hour's counters; how many rows that were: 0 without such a namespace."""
    names = list(counts)
    table = "querycache_cachestatistics"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (namespace_id, hour, {', '.join(names)})"
            f" SELECT id, {_typed('hour')}, {', '.join(map(_typed, names))}"
            f" FROM {Namespace._meta.db_table} WHERE name = %(namespace)s"
            " ON CONFLICT (namespace_id, hour) DO UPDATE SET "
            + ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in names),
            {"namespace": namespace, "hour": _time(hour), **counts},
        )
        return cursor.rowcount


def _typed(name: str) -> str:
    if connection.vendor != "postgresql":
        return f"%({name})s"
    return f"%({name})s::{'timestamptz' if name == 'hour' else 'bigint'}"


def _time(at: datetime.datetime) -> Any:
    if connection.vendor == "postgresql":
        return at
    # As Django writes times on SQLite, at a tenth of its price.
    return at.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(" ")


def _values(row: CacheEntry | CacheLease) -> dict[str, Any]:
    values = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(value, datetime.datetime):
            value = _time(value)
        elif field.name in ("context", "tags") and value is not None:
            value = orjson.dumps(value).decode()
        if not field.primary_key:
            values[str(field.column)] = value
    return values


def _placeholders(columns: Iterable[str]) -> str:
    return ", ".join(f"%({column})s" for column in columns)


def _excluded(columns: Iterable[str]) -> str:
    return ", ".join(f"{column} = excluded.{column}" for column in columns)


def _row(sql: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone() if cursor.description else None

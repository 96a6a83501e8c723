"""The statements of a look-up and of a store, one for each act; everything else is ORM.

The read has all rules of what may be served in one statement. PostgreSQL would plan it anew for
each call, at twice the price of running it; there it is the function querycache_read (migration
0004), whose plan a session keeps.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from access.services import persons
from common.models import insert_from
from querycache.models import CacheEntry, CacheLease, CacheTag, Namespace

ENTRY, LEASE = CacheEntry._meta.db_table, CacheLease._meta.db_table
# What a row is found by, and keeps when it is written over.
KEY = {"id", "person_id", "namespace_id", "key_hash"}


def _standing(table: str, key: str) -> str:
    """The id of the row under a key: nobody's in a shared namespace, else the person's.

    Each side finds it by the unique key of its own. A person who was never seen has no row, and
    must not find nobody's in a namespace that was shared once.
    """
    found = f"SELECT id FROM {table} WHERE namespace_id = n.id AND key_hash = {key}"
    return (
        f"CASE n.sharing WHEN 'shared' THEN ({found} AND person_id IS NULL)"
        f" ELSE ({found} AND person_id = p.id) END"
    )


KEY_ON_SQLITE = "CASE n.ignore_case WHEN 0 THEN %(key)s ELSE %(key_ignoring_case)s END"
READ_ON_SQLITE = f"""
SELECT n.id, n.epoch, n.sharing, n.ignore_case, p.id, e.id, e.result, e.cost_credits, e.created_at,
       e.fresh_until, l.token, l.epoch, l.created_at, l.expires_at
  FROM querycache_namespace AS n
  LEFT JOIN access_person AS p ON p.user_id = %(user_id)s
  LEFT JOIN {ENTRY} AS e
    ON e.id = {_standing(ENTRY, KEY_ON_SQLITE)}
   AND e.epoch = n.epoch AND e.stale_until > %(at)s
   AND (e.tags IS NULL OR NOT EXISTS (
        SELECT 1 FROM querycache_cachetag AS t
         WHERE t.namespace_id = e.namespace_id
           AND t.name IN (SELECT value FROM json_each(e.tags))
           AND t.invalidated_at >= e.created_at))
  LEFT JOIN {LEASE} AS l ON l.id = {_standing(LEASE, KEY_ON_SQLITE)}
 WHERE n.name = %(namespace)s
"""
READ_ON_POSTGRESQL = (
    "SELECT * FROM querycache_read("
    "%(namespace)s, %(user_id)s, %(key)s, %(key_ignoring_case)s, %(at)s)"
)


class Seen(NamedTuple):
    """A key as the database has it: the entry that may be served, and the lease. None: none.

    `person_id` is the key of who asks; None of somebody who was never seen.
    """

    namespace_id: int
    epoch: int
    sharing: str
    ignore_case: bool
    person_id: int | None
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
    user_id: str,
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
        "user_id": user_id,
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


class Place(NamedTuple):
    """Where an answer is stored: the namespace, whether its person was seen, and what stands."""

    namespace: Namespace
    is_known: bool
    entry_id: int | None


def place_of(*, namespace: str, user_id: str, key: str) -> Place | None:
    """Where an answer of this person goes under a key; None without such a namespace."""
    columns = [str(field.column) for field in Namespace._meta.concrete_fields]
    row = _row(
        f"SELECT {', '.join(f'n.{column}' for column in columns)}, p.id,"
        f" {_standing(ENTRY, '%(key)s')} FROM {Namespace._meta.db_table} AS n"
        " LEFT JOIN access_person AS p ON p.user_id = %(user_id)s WHERE n.name = %(namespace)s",
        {"namespace": namespace, "user_id": user_id, "key": key},
    )
    if row is None:
        return None
    *values, person_id, entry_id = row
    return Place(Namespace.from_db("default", columns, values), person_id is not None, entry_id)


def take_lease(lease: CacheLease, *, owner: str | None, seen_token: str | None) -> bool:
    """Take the right to make an answer, unless somebody took or used it since it was seen.

    `seen_token` is what the read found. It is what makes one maker: whoever read before the answer
    was stored finds another token, and is refused. So is an owner who was erased meanwhile.
    """
    return _put(lease, owner, f"WHERE {LEASE}.token = %(seen_token)s", {"seen_token": seen_token})


def put_entry(entry: CacheEntry, *, owner: str | None) -> bool:
    """Store the entry, in place of the one under its key if there is one. Fills in its id.

    False of an owner who is not known (any more): then nothing is stored.
    """
    return _put(entry, owner)


def _put(
    row: CacheEntry | CacheLease,
    owner: str | None,
    condition: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> bool:
    """Insert the row for its owner, or write it over the one under its key on that condition."""
    key = "(namespace_id, key_hash) WHERE person_id IS NULL"
    if owner is not None:
        key = "(person_id, namespace_id, key_hash) WHERE person_id IS NOT NULL"
    columns = {str(field.column) for field in row._meta.concrete_fields} - KEY
    replaced = ", ".join(f"{name} = excluded.{name}" for name in sorted(columns))
    on_conflict = f"ON CONFLICT {key} DO UPDATE SET {replaced} {condition}"
    if owner is not None:
        return persons.insert_for_person(
            row, user_id=owner, on_conflict=on_conflict, parameters=parameters or {}
        )
    inserted = insert_from(
        row,
        f"(SELECT 1) AS nobody WHERE TRUE {on_conflict}",
        parameters or {},
        values={"person_id": "NULL"},
    )
    if inserted is not None:
        [row.pk] = inserted
    return inserted is not None


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


def _row(sql: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone() if cursor.description else None

"""How many requests a caller may send: token buckets in the database, which all processes share.

A bucket holds `count` requests and fills up again within `window_seconds`. It is one number, the
time at which it is full (the generic cell rate algorithm of ATM Forum TM 4.0); a request moves that
time on by one step, and is refused where it would lie further ahead than the window.
"""

import datetime
import math
import re
from dataclasses import dataclass
from functools import lru_cache

from django.db import connection, transaction

from access.models import RequestRate

UNITS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}
WRITTEN = re.compile(rf"([1-9]\d{{0,5}})/({'|'.join(UNITS)})")
MICROS = 1_000_000


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    count: int
    window_seconds: int

    @property
    def window_micros(self) -> int:
        return self.window_seconds * MICROS

    @property
    def step_micros(self) -> int:
        """What one request takes. Rounded down, so that `count` of them fit into the window."""
        return self.window_micros // self.count


@lru_cache
def rate_of(text: str) -> Rate | None:
    """`600/min` as a rate; None for an empty text. Raises ValueError."""
    if not text:
        return None
    match = WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no rate, such as 600/min; units are {', '.join(UNITS)}")
    return Rate(int(match[1]), UNITS[match[2]])


@dataclass(frozen=True)
class Bucket:
    """The rate of one caller. `name` is what answers call it: key or person."""

    name: str
    user_id: str
    key_id: int
    rate: Rate

    @property
    def owner(self) -> tuple[str, int]:
        return self.user_id, self.key_id


@dataclass(frozen=True)
class State:
    """A bucket as a request has left it, or found it when it was refused."""

    bucket: Bucket
    micros_to_full: int

    @property
    def remaining(self) -> int:
        left = self.bucket.rate.window_micros - self.micros_to_full
        return max(0, left // self.bucket.rate.step_micros)

    @property
    def seconds_to_full(self) -> int:
        return math.ceil(max(0, self.micros_to_full) / MICROS)

    @property
    def seconds_to_wait(self) -> int:
        """Until one more request fits in."""
        rate = self.bucket.rate
        wait = self.micros_to_full + rate.step_micros - rate.window_micros
        return max(1, math.ceil(wait / MICROS))


TABLE = RequestRate._meta.db_table

# {wanted} has one SELECT for each bucket. Nothing at all is written when one of them is used up, so
# that a refused person takes nothing from their application's key; the last condition decides again
# under the row's lock, where others may have been quicker.
COUNT = f"""
WITH wanted (user_id, key_id, step, room) AS ({{wanted}})
INSERT INTO {TABLE} (user_id, key_id, full_at_micros)
SELECT user_id, key_id, %s + step FROM wanted WHERE NOT EXISTS (
    SELECT 1 FROM {TABLE} AS used JOIN wanted AS asked
    ON used.user_id = asked.user_id AND used.key_id = asked.key_id
    WHERE used.full_at_micros + asked.step > %s + asked.room
)
ON CONFLICT (user_id, key_id) DO UPDATE SET full_at_micros = excluded.full_at_micros
    + CASE WHEN {TABLE}.full_at_micros > %s THEN {TABLE}.full_at_micros - %s ELSE 0 END
WHERE {TABLE}.full_at_micros - %s + excluded.full_at_micros
    <= %s + CASE excluded.key_id WHEN 0 THEN %s ELSE %s END
RETURNING user_id, key_id, full_at_micros
"""


def count(buckets: list[Bucket], *, at: datetime.datetime) -> list[State] | None:
    """Count one request in all of these buckets; None, and nothing is written, if one is used up.

    One statement in autocommit, exact among any number of processes. At most one bucket of a person
    and one of a key.
    """
    now = micros(at)
    by_kind = {bucket.name: bucket.rate.window_micros for bucket in buckets}
    sql = COUNT.format(wanted=" UNION ALL ".join(["SELECT %s, %s, %s, %s"] * len(buckets)))
    parameters: list[str | int] = []
    for bucket in buckets:
        rate = bucket.rate
        parameters += [*bucket.owner, rate.step_micros, rate.window_micros]
    parameters += [now] * 6 + [by_kind.get("person", 0), by_kind.get("key", 0)]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        full_at = {(user_id, key_id): moment for user_id, key_id, moment in cursor.fetchall()}
    if len(full_at) < len(buckets):
        return None
    return [State(bucket, full_at[bucket.owner] - now) for bucket in buckets]


def states(buckets: list[Bucket], *, at: datetime.datetime) -> list[State]:
    """The buckets as they are now; counts nothing."""
    rows = RequestRate.objects.filter(
        user_id__in=[bucket.user_id for bucket in buckets],
        key_id__in=[bucket.key_id for bucket in buckets],
    ).values_list("user_id", "key_id", "full_at_micros")
    full_at = {(user_id, key_id): moment for user_id, key_id, moment in rows}
    now = micros(at)
    return [State(bucket, full_at.get(bucket.owner, now) - now) for bucket in buckets]


def micros(at: datetime.datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(
        microseconds=1
    )


# What maintain tidies: buckets that are full again say nothing.


def full_buckets(at: datetime.datetime) -> int:
    return RequestRate.objects.filter(full_at_micros__lte=micros(at)).count()


def remove_full_buckets(at: datetime.datetime, limit: int) -> int:
    """Remove at most `limit` of them; one that is used again meanwhile stays."""
    full = RequestRate.objects.filter(full_at_micros__lte=micros(at))
    with transaction.atomic():
        # One that is being counted, or erased with its person, is not waited for.
        free = full.select_for_update(skip_locked=True).values_list("pk", flat=True)
        removed, _ = full.filter(pk__in=list(free[:limit])).delete()
    return removed

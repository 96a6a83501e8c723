"""Hits and stores a second of the query cache, against Django's own DatabaseCache in the same run.

    DATABASE_URL=… python -m benchmarks.cache [--entries 100000] [--seconds 3]

Answers of 2.3 KB; 1 and 4 processes. Both sides compute the key of the request anew each time. Ours
counts every look-up and tidies after its stores, with all triggers; theirs may grow as it likes, so
that it never culls. Run it on a database made for it: it empties the cache.
"""

import argparse
import base64
import datetime
import multiprocessing
import pickle
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.core.cache.backends.db import DatabaseCache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from access.models import Person  # noqa: E402
from access.services import persons  # noqa: E402
from querycache.keys import CacheRequest  # noqa: E402
from querycache.models import CacheEntry, CacheSize, Namespace  # noqa: E402
from querycache.services import entries as querycache_entries  # noqa: E402
from querycache.services import lookups  # noqa: E402

TABLE = "bench_cache"
TEXT = "Heat pumps move heat instead of making it, so that one unit of power gives three. " * 28
RESULT = f'{{"text": "{TEXT}"}}'
VALUE = {"text": TEXT}
BATCH = 2000
DAY = datetime.timedelta(days=1)

theirs = DatabaseCache(TABLE, {"OPTIONS": {"MAX_ENTRIES": 10**9}, "TIMEOUT": 86_400})


def question(number: int) -> CacheRequest:
    return CacheRequest(f"Question {number}?", model="a/one", parameters={"temperature": 0})


def our_hit(number: int) -> None:
    answer = lookups.look_up(
        namespace="default", user_id="ann", cache_request=question(number), at=timezone.now()
    )
    if answer.status != "hit":
        raise AssertionError(answer)


def their_hit(number: int) -> None:
    if theirs.get(question(number).key) is None:
        raise AssertionError("missed")


def our_store(number: int) -> None:
    querycache_entries.store_answer(
        namespace="default",
        user_id="ann",
        key=question(number).key,
        answer=querycache_entries.NewAnswer(text=RESULT, value=VALUE, model="a/one"),
        token=None,
        at=timezone.now(),
    )


def their_store(number: int) -> None:
    theirs.set(question(number).key, VALUE)


WAYS: dict[str, tuple[Callable[[int], None], Callable[[int], None]]] = {
    "hits": (our_hit, their_hit),
    "stores": (our_store, their_store),
}


def fill(entries: int) -> None:
    """The same keys and answers in both."""
    CacheEntry.objects.all().delete()
    Namespace.objects.filter(name="default").update(
        max_entries=entries * 2, max_bytes=10**12, default_ttl_seconds=86_400
    )
    namespace = Namespace.objects.get(name="default")
    persons.meet_persons(["ann"])
    ann = Person.objects.get(user_id="ann").pk
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
    call_command("createcachetable", TABLE, verbosity=0)
    now = timezone.now()
    for begin in range(0, entries, BATCH):
        keys = [question(number).key for number in range(begin, min(begin + BATCH, entries))]
        CacheEntry.objects.bulk_create(_entry(namespace, ann, key, now) for key in keys)
        _insert_theirs(keys, now)
    CacheSize.objects.all().delete()
    CacheSize.objects.create(
        namespace=namespace,
        entries=entries,
        bytes=entries * len(RESULT),
        ttl_seconds=entries * 86_400,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _entry(namespace: Namespace, person_id: int, key: str, now: datetime.datetime) -> CacheEntry:
    return CacheEntry(
        namespace=namespace,
        person_id=person_id,
        key_hash=key,
        result=RESULT,
        model="a/one",
        tags=["model:a/one"],
        byte_size=len(RESULT),
        ttl_seconds=86_400,
        epoch=namespace.epoch,
        created_at=now,
        fresh_until=now + DAY,
        stale_until=now + DAY,
    )


def _insert_theirs(keys: list[str], now: datetime.datetime) -> None:
    value = base64.b64encode(pickle.dumps(VALUE, theirs.pickle_protocol)).decode("latin1")
    expires = connection.ops.adapt_datetimefield_value(now + DAY)
    rows = [(theirs.make_key(key), value, expires) for key in keys]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {TABLE} VALUES (%s, %s, %s)", rows)


def work(act: Callable[[int], None], entries: int, seconds: float, seed: int, results: Any) -> None:
    """One process: act until the time is over; send the number and the slowest hundredth."""
    connection.close()
    source, times = random.Random(seed), []
    act(0)  # connects
    end = time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        try:
            act(source.randrange(entries))
        except OperationalError:
            continue
        times.append(time.monotonic() - begun)
    results.put((len(times), statistics.quantiles(times, n=100)[-1] if len(times) > 1 else 0.0))


def measure(
    act: Callable[[int], None], entries: int, processes: int, seconds: float
) -> tuple[float, float]:
    """Acts a second over all processes, and the slowest hundredth in milliseconds."""
    connection.close()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [
        context.Process(target=work, args=(act, entries, seconds, seed, results))
        for seed in range(processes)
    ]
    for worker in workers:
        worker.start()
    done = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(count for count, _ in done) / seconds, max(slow for _, slow in done) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    fill(options.entries)
    print(f"{connection.vendor}, {options.entries} entries: a second (slowest hundredth)")
    for title, (ours, others) in WAYS.items():
        for processes in (1, 4):
            rates = [
                measure(act, options.entries, processes, options.seconds) for act in (ours, others)
            ]
            (our_rate, our_slow), (their_rate, their_slow) = rates
            print(
                f"{title}, {processes} processes: query cache {our_rate:.0f} ({our_slow:.1f} ms),"
                f" DatabaseCache {their_rate:.0f} ({their_slow:.1f} ms);"
                f" ratio {our_rate / max(their_rate, 0.001):.1f}",
                flush=True,
            )
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")
    call_command("verify")


if __name__ == "__main__":
    main()

"""Charges a second, entry first against lock, update and insert through the ORM, in the same run.

    DATABASE_URL=… python -m benchmarks.billing [--seconds 3]

One hot account and 1,000 accounts at random; 1, 4 and 8 processes. The ORM's way runs with the
ledger's triggers taken away (it has nothing to prove), ours with all of them. Afterwards `verify`
must find nothing wrong with ours. Run it on a database made for it: it deletes all accounts.
"""

import argparse
import multiprocessing
import random
import statistics
import time
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402

from access.models import PersonKey  # noqa: E402
from billing.models import CreditAccount, CreditHold, CreditTransaction  # noqa: E402
from billing.services import credits  # noqa: E402
from common.idempotency import RequestKey  # noqa: E402
from common.schema import database_triggers  # noqa: E402
from common.schema.triggers import all_triggers  # noqa: E402

ACCOUNTS = 1000
RICH = 10**12
NO_KEY = RequestKey(None, "")
CHARGE = credits.NewTransaction(type="deduct", amount=-1)


def by_ledger(user_id: str) -> None:
    credits.add_transaction(
        user_id=user_id, new=CHARGE, actor="bench", at=timezone.now(), request_key=NO_KEY
    )


def by_orm(user_id: str) -> None:
    with transaction.atomic():
        account = CreditAccount.objects.select_for_update().get(person_id=PersonKey(user_id))
        if account.balance - account.held < 1:
            raise AssertionError("too little")
        CreditAccount.objects.filter(pk=account.pk).update(
            balance=F("balance") - 1, sequence=F("sequence") + 1
        )
        CreditTransaction.objects.create(
            person_id=account.person_id,
            sequence=account.sequence + 1,
            type="deduct",
            amount=-1,
            balance_after=account.balance - 1,
            actor="bench",
            created_at=timezone.now(),
        )


WAYS = {"entry first": by_ledger, "ORM": by_orm}


def charge_for(seconds: float, way: str, accounts: int, seed: int, results: Any) -> None:
    """One process: charge until the time is over; send the number and the slowest hundredth."""
    connection.close()
    source = random.Random(seed)
    act, times = WAYS[way], []
    act("person0")  # connects
    end = time.monotonic() + seconds
    while (begun := time.monotonic()) < end:
        try:
            act(f"person{source.randrange(accounts)}")
        except OperationalError:
            continue
        times.append(time.monotonic() - begun)
    slowest = statistics.quantiles(times, n=100)[-1] if len(times) > 1 else 0.0
    results.put((len(times), slowest))


def reset() -> None:
    database_triggers.drop(all_triggers("billing"))
    for model in (CreditTransaction, CreditHold, CreditAccount):
        model.objects.all().delete()
    database_triggers.create(all_triggers("billing"))
    at = timezone.now()
    for number in range(ACCOUNTS):
        credits.add_transaction(
            user_id=f"person{number}",
            new=credits.NewTransaction(type="grant", amount=RICH),
            actor="bench",
            at=at,
            request_key=NO_KEY,
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure(way: str, accounts: int, processes: int, seconds: float) -> tuple[float, float]:
    """Charges a second over all processes, and the slowest hundredth in milliseconds."""
    if way == "ORM":
        database_triggers.drop(all_triggers("billing"))
    connection.close()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [
        context.Process(target=charge_for, args=(seconds, way, accounts, seed, results))
        for seed in range(processes)
    ]
    for worker in workers:
        worker.start()
    done = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    if way == "ORM":
        reset()
    return sum(count for count, _ in done) / seconds, max(slow for _, slow in done) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    call_command("migrate", verbosity=0)
    reset()
    print(f"{connection.vendor}: charges a second (slowest hundredth)")
    for title, accounts in (("one hot account", 1), (f"{ACCOUNTS} accounts", ACCOUNTS)):
        for processes in (1, 4, 8):
            rates = {way: measure(way, accounts, processes, seconds) for way in WAYS}
            shown = ", ".join(
                f"{way} {rate:.0f} ({slow:.1f} ms)" for way, (rate, slow) in rates.items()
            )
            ratio = rates["entry first"][0] / max(rates["ORM"][0], 0.001)
            print(f"{title}, {processes} processes: {shown}; ratio {ratio:.1f}", flush=True)
    measure("entry first", 1, 4, 1.0)
    call_command("verify")


if __name__ == "__main__":
    main()

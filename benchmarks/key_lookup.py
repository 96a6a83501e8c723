"""Whether the time of a refusal tells a right key prefix from a wrong one.

`python -m benchmarks.key_lookup` sends both kinds in turns, in random order, and compares the
medians. A difference far below the spread of one kind tells a stranger nothing.
"""

import random
import statistics
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402

from access.authentication import caller_of  # noqa: E402
from access.services import keys as access_keys  # noqa: E402

TRIES = 2000


def microseconds(key: str) -> float:
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {key}"})
    begun = time.perf_counter()
    try:
        caller_of(request)
    except AuthenticationFailed:
        return (time.perf_counter() - begun) * 1e6
    raise AssertionError("a wrong key was let in")


def main() -> None:
    call_command("migrate", verbosity=0)
    name = f"benchmark {time.time_ns()}"
    new = access_keys.create_key(
        name=name, scopes=["cache:read"], actor="system", at=timezone.now()
    )
    wrong_secret = "A" * 43
    keys = {
        "right prefix": f"stw_{new.row.prefix}_{wrong_secret}",
        "wrong prefix": f"stw_0123456789ab_{wrong_secret}",
    }
    times: dict[str, list[float]] = {kind: [] for kind in keys}
    for _ in range(TRIES):
        for kind in random.sample(list(keys), 2):
            times[kind].append(microseconds(keys[kind]))
    print(f"{connection.vendor}, {TRIES} tries of each, microseconds\n")
    print("| key | median | quartiles |\n|---|---|---|")
    for kind, taken in times.items():
        low, middle, high = statistics.quantiles(taken, n=4)
        print(f"| {kind} | {middle:.1f} | {low:.1f} to {high:.1f} |")
    access_keys.revoke_key(name=name, at=timezone.now())


if __name__ == "__main__":
    main()

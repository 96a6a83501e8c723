"""How long the tables of a million rows take to point to their people, and back.

    python -m benchmarks.migrating CHECKOUT [--rows 1000000]

`CHECKOUT` is a folder with a release from before there were people. Half of the rows are entries of
ledgers, half are messages, of 2,000 people; the other release makes them, this one migrates, checks
them with `verify`, and goes back. On PostgreSQL it needs DATABASE_URL, on whose server it makes a
database; without one it takes an SQLite file.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.releases import databases

PERSONS, AT_ONCE = 2_000, 5_000
STEPS = ("access", "billing", "consent", "conversations", "querycache")
MAKE = """
import sys
import django
django.setup()
from django.db import transaction
from django.utils import timezone
from billing.models import CreditAccount, CreditTransaction
from conversations.models import Conversation, Message
from conversations.search import search_text
persons, each, at_once = map(int, sys.argv[1:])
now = timezone.now()
for number in range(persons):
    user_id = f"auth0|65f1c8b2a9d4e3f7{number:08x}"
    with transaction.atomic():
        CreditAccount.objects.create(user_id=user_id, tier="free", last_refill_at=now)
        CreditTransaction.objects.bulk_create([
            CreditTransaction(user_id=user_id, sequence=one, type="grant", amount=1,
                              balance_after=one, actor="system", created_at=now)
            for one in range(1, each + 1)
        ], batch_size=at_once)
        made = Conversation(
            user_id=user_id, message_count=each, created_at=now, updated_at=now)
        made.search_text = search_text(made.title)
        made.save()
        Message.objects.bulk_create([
            Message(user_id=user_id, conversation=made, position=one, role="user", created_at=now,
                    content="Which pump is the right one for a deep well?",
                    search_text="which pump is the right one for a deep well")
            for one in range(1, each + 1)
        ], batch_size=at_once)
"""


def run(folder: Path, url: str, *arguments: str) -> float:
    """Seconds of a Python program in that release's folder."""
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "a key of the benchmarks that is long enough to be one of a site",
    }
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)[:60]} failed:\n{done.stdout[-2000:]}")
    return time.monotonic() - begun


def latest(checkout: Path, app: str) -> str:
    """The last migration of an app in that release."""
    return max(path.stem for path in (checkout / app / "migrations").glob("0*.py"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    this, other = Path.cwd(), options.checkout.resolve()
    with tempfile.TemporaryDirectory() as folder:
        url = databases(Path(folder))[0]
        run(other, url, "manage.py", "migrate")
        each = str(options.rows // 2 // PERSONS)
        took = run(other, url, "-c", MAKE, str(PERSONS), each, str(AT_ONCE))
        print(f"{options.rows} rows made in {took:.0f} s", flush=True)
        took = run(this, url, "manage.py", "migrate")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"migrated in {took:.0f} s (at most {peak:.0f} MB of memory)", flush=True)
        print(f"verified in {run(this, url, 'manage.py', 'verify'):.0f} s", flush=True)
        took = sum(
            run(this, url, "manage.py", "migrate", app, latest(other, app))
            for app in reversed(STEPS)
        )
        print(f"and back in {took:.0f} s", flush=True)
        run(other, url, "manage.py", "migrate")  # which makes its triggers anew
        print(f"there it is verified in {run(other, url, 'manage.py', 'verify'):.0f} s")


if __name__ == "__main__":
    main()

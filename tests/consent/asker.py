"""A process that asks a gate once for each line on its stdin, and says yes or no."""

import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from consent import errors, gates  # noqa: E402  (needs the settings)


def main() -> None:
    settings.CONSENT_GATES = ["history_storage"]
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            gates.require_consent("history_storage", user_id=line.strip(), at=timezone.now())
            print("yes", flush=True)
        except errors.ConsentRequired:
            print("no", flush=True)


if __name__ == "__main__":
    main()

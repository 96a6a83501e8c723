"""A process of its own that is killed in a paid view: `python -m tests.billing.killed_payer`.

Says "ready" on stdout when the view runs, and waits there for ever.
"""

import sys

import django

django.setup()

from django.test import override_settings  # noqa: E402  (needs the settings)

from tests.billing import paid_urls  # noqa: E402
from tests.client import ApiClient  # noqa: E402


def wait_for_ever() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    paid_urls.during = wait_for_ever
    with override_settings(ROOT_URLCONF="tests.billing.paid_urls"):
        ApiClient(sys.argv[1], "ann").get("/api/paid/plain")

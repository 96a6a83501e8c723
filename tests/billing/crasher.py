"""A process that is killed in the middle of a request.

`python -m tests.billing.crasher KEY PATH BODY WHEN`: sends the request with the key "k" and says
its status, then hangs: `before` the commit of what it wrote, or `after` it, before anybody has the
answer.
"""

import sys
import time
from contextlib import nullcontext

import django

django.setup()

import orjson  # noqa: E402
from django.db import transaction  # noqa: E402

from tests.client import ApiClient  # noqa: E402  (needs the settings)


def main(key: str, path: str, body: str, when: str) -> None:
    client = ApiClient(key, "ann")
    with transaction.atomic() if when == "before" else nullcontext():
        response = client.post(path, orjson.loads(body), idempotency_key="k")
        print(response.status_code, flush=True)
        time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A process that sends one request again and again.

`python -m tests.billing.spender KEY PATH BODY TIMES IDEMPOTENCY_KEY NUMBER`: says "ready" on stdout
and begins when a line comes on stdin; then says each answer's status and body.
"""

import sys

import django

django.setup()

import orjson  # noqa: E402

from tests.client import ApiClient  # noqa: E402  (needs the settings)


def main(key: str, path: str, body: str, times: str, idempotency_key: str, number: str) -> None:
    client = ApiClient(key, "ann")
    client.get("/credits")
    print("ready", flush=True)
    sys.stdin.readline()
    headers = {"idempotency_key": idempotency_key} if idempotency_key else {}
    for _ in range(int(times)):
        response = client.post(path, orjson.loads(body), **headers)
        print(response.status_code, response.content.decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

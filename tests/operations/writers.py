"""Four processes that append messages and charge credits.

`python -m tests.operations.writers KEY`: each acts for a person of its own. Says "ready" on stdout;
when a line comes on stdin each begins, and writes a line `person messages charges` after each
round, until it is killed with its parent.
"""

import os
import signal
import sys

import django

django.setup()

from tests.client import ApiClient  # noqa: E402  (needs the settings)

WRITERS = 4


def write(key: str, person: str) -> None:
    client = ApiClient(key, person)
    url = "/conversations"
    conversation = client.post(url, {"title": person}).json()["id"]
    client.post("/credits/transactions", {"type": "purchase", "amount": 1_000_000})
    messages = charges = 0
    while os.getppid() != 1:
        body = {"role": "user", "content": f"message {messages}"}
        appended = client.post(f"{url}/{conversation}/messages", body)
        charged = client.post("/credits/transactions", {"type": "deduct", "amount": 1})
        messages += appended.status_code == 201
        charges += charged.status_code == 201
        os.write(1, f"{person} {messages} {charges}\n".encode())


def main(key: str) -> None:
    os.write(1, b"ready\n")
    sys.stdin.readline()
    children = []
    for number in range(WRITERS):
        child = os.fork()
        if not child:
            write(key, f"writer-{number}")
            os._exit(0)
        children.append(child)
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1])

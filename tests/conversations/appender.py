"""A process of its own that appends to a conversation: `python -m tests.conversations.appender`.

Says "ready" on stdout and begins when a line comes on stdin; then says each answer's status and
position.
"""

import sys

import django

django.setup()

from tests.client import ApiClient  # noqa: E402  (needs the settings)


def main(key: str, conversation: str, name: str, times: str) -> None:
    client = ApiClient(key, "ann")
    client.get("/conversations")
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(times)):
        response = client.post(
            f"/conversations/{conversation}/messages",
            {"role": "user", "content": f"{name}.{number}"},
        )
        print(response.status_code, response.json().get("position"), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

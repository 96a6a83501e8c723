"""A client for benchmarks, in a process of its own: connections that are kept, and little else.

Reads a line of JSON for each load: `port`, `clients`, `seconds` and `requests`, whose first ones go
to the first client and so on in turn. Writes how many were answered, and how many of them as they
should not be; of a single client also the last answer. With `seconds` of 0 each request is sent
once.
"""

import json
import socket
import sys
import threading
import time
from typing import Any


def written(request: dict[str, Any]) -> bytes:
    body = request.get("body", "").encode()
    lines = [
        f"{request['method']} {request['path']} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in request.get("headers", {}).items()),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def exchange(server: socket.socket, request: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer, which must have a Content-Length."""
    server.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        part = server.recv(65_536)
        if not part:
            raise ConnectionError("the server closed the connection")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += server.recv(1 << 20)
    return int(head[9:12]), body


def load(port: int, clients: int, seconds: float, requests: list[dict[str, Any]]) -> dict[str, Any]:
    sent = [written(request) for request in requests]
    answered, refused = [0] * clients, [0] * clients
    last = [b""]
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        own = sent[number::clients] or sent[:1]
        with socket.create_connection(("127.0.0.1", port), timeout=60) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                for request in own:
                    status, last[0] = exchange(server, request)
                    answered[number] += 1
                    refused[number] += status >= 300
                    if seconds and time.monotonic() > until:
                        return
                if not seconds:
                    return

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "answered": sum(answered),
        "refused": sum(refused),
        "last": last[0].decode() if clients == 1 or any(refused) else "",
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(load(**json.loads(line))), flush=True)

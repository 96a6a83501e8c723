"""A network between Steward and its database that can be cut: nothing arrives, nobody is told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.operations.server import PostgreSQL

# So small that a sender soon sees that nobody reads.
BUFFER_BYTES = 4096


class Proxy:
    """Passes on what comes to its port to the server's socket, and back, unless it is cut."""

    def __init__(self, server: PostgreSQL) -> None:
        self._target = f"{server.server.pgdata}/.s.PGSQL.5432"
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._listener.getsockname()[1]}/postgres"

    def cut(self) -> None:
        """From here on neither way passes anything on, and no connection ends."""
        self._flows.clear()

    def mend(self) -> None:
        """What was held back goes on."""
        self._flows.set()

    def close(self) -> None:
        self.mend()
        for one in [self._listener, *self._sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._flows.wait()
        server = socket.socket(socket.AF_UNIX)
        self._sockets.append(server)
        try:
            server.connect(self._target)
        except OSError:  # it is down; so is the way to it
            client.close()
            return
        for ways in ((client, server), (server, client)):
            threading.Thread(target=self._pass_on, args=ways, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while self._flows.wait() and (content := source.recv(BUFFER_BYTES)):
                self._flows.wait()
                target.sendall(content)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(server: PostgreSQL) -> Iterator[Proxy]:
    """A proxy for the time of the block."""
    one = Proxy(server)
    try:
        yield one
    finally:
        one.close()

"""The worker of config/gunicorn.py: gthread, which ends without anybody waiting for it.

And what must outlive a reload, which reads config/gunicorn.py again: whose metrics' file is whose.
"""

import os
import signal
import sys
from typing import Any

from gunicorn.workers.gthread import ThreadWorker
from prometheus_client import values

# To the master: begin one more worker, and end the oldest. Of the signals that gunicorn leaves.
REPLACE_OLDEST = signal.SIGRTMIN
# How many requests later a worker asks again, should its signal have met that of another.
ASK_AGAIN_AFTER_REQUESTS = 100

# Under which number this process writes its metrics; of the master, which counts nothing, 0.
metrics_number = 0
# The least for a worker. Beside an older server (USR2) those before it are that one's.
first_metrics_number = 1


def lowest_free_number(taken: set[int]) -> int:
    """The number for a new worker: files by process id would be more with each one recycled."""
    return next(
        number
        for number in range(first_metrics_number, first_metrics_number + len(taken) + 1)
        if number not in taken
    )


# Before the application is loaded, whose counters keep the class that they find. It sees a fork by
# its number.
values.ValueClass = values.MultiProcessValue(lambda: metrics_number)  # type: ignore[no-untyped-call]


class Worker(ThreadWorker):
    """Gives up its port with its master, and has another one in its place before it ends."""

    max_requests: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # gunicorn would end this one first, and begin the next when its last request is done.
        self.replace_after = self.max_requests
        self.max_requests = sys.maxsize

    def handle_request(self, req: Any, conn: Any) -> Any:
        if self.nr >= self.replace_after and self.alive and self.ppid == os.getppid():
            self.replace_after = self.nr + ASK_AGAIN_AFTER_REQUESTS
            self.log.info("Asking for another worker in the oldest one's place.")
            os.kill(self.ppid, REPLACE_OLDEST)
        return super().handle_request(req, conn)

    def is_parent_alive(self) -> bool:
        if super().is_parent_alive():
            return True
        # What has begun is ended; but the next server needs the port before that.
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        return False

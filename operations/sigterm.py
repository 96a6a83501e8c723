"""How commands with something to put away end."""

import signal
import sys


def end_on_sigterm() -> None:
    """Let SIGTERM end the program as an exception does, so that temporary files go.

    128 + 15 is the exit code that shells give for it.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

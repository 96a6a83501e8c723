"""Chromium for the browser tests and the screenshots: which one, and how it is started.

`python -m demo.browser` installs one where there is none and it may, and else says what to do.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# It asks nobody for updates, and runs as root in a container.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class NoChromium(RuntimeError):
    """There is no browser; the message says how to get one."""


def executable(own: str) -> str:
    """The machine's Chromium, or else playwright's `own`: the first that starts."""
    for candidate in [*filter(None, map(shutil.which, NAMES)), own]:
        if _starts(candidate):
            return candidate
    raise NoChromium(
        "Chromium is missing and could not be installed: as an administrator run"
        " `apt-get install chromium`, or whatever installs Chromium on this system."
    )


def _starts(candidate: str) -> bool:
    # Ubuntu has a `chromium-browser` that only says that it is somewhere else, and a Chromium whose
    # libraries are missing is a file like any other.
    if not Path(candidate).exists():
        return False
    asked = subprocess.run([candidate, "--version", "--no-sandbox"], capture_output=True)
    return asked.returncode == 0


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser without a window."""
    with sync_playwright() as playwright:
        found = executable(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def install() -> None:
    """Install a browser where none starts: the distribution's package, else playwright's own.

    Raises NoChromium where neither can be had.
    """
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if _is_there(own):
        return
    as_root = _as_root() if shutil.which("apt-get") else None
    if as_root is not None:
        print("Installing Chromium by apt-get.", flush=True)
        quiet = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
        subprocess.run([*quiet, "update"])
        subprocess.run([*quiet, "install", "--yes", "--no-install-recommends", "chromium"])
        if _is_there(own):
            return
    print("Installing playwright's own Chromium.", flush=True)
    # Its libraries are the distribution's, which only an administrator can add.
    libraries = [] if as_root is None else ["--with-deps"]
    download = [sys.executable, "-m", "playwright", "install", *libraries, "--no-shell", "chromium"]
    subprocess.run(download)
    executable(own)


def _is_there(own: str) -> bool:
    try:
        executable(own)
    except NoChromium:
        return False
    return True


def _as_root() -> list[str] | None:
    """What to write before a command of an administrator's; None where that needs a password."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    if not shutil.which("sudo"):
        return None
    return None if subprocess.run([*sudo, "true"], capture_output=True).returncode else sudo


def main() -> None:
    try:
        install()
    except NoChromium as missing:
        sys.exit(str(missing))


if __name__ == "__main__":
    main()

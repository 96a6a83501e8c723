"""Chromium for the browser tests and the screenshots: which one, and how it is started.

`python -m demo.browser` says what to do when there is none.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

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


def executable(playwright: Playwright) -> str:
    """The machine's Chromium, or else the one that `playwright install chromium` brought."""
    own = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, NAMES)), own if Path(own).exists() else None)
    if found is None:
        raise NoChromium(
            "Chromium is missing. Install it with `apt-get install chromium`,"
            " or with `.venv/bin/playwright install chromium`."
        )
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(playwright), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def main() -> None:
    with sync_playwright() as playwright:
        try:
            executable(playwright)
        except NoChromium as missing:
            sys.exit(str(missing))


if __name__ == "__main__":
    main()

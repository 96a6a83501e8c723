"""`python -m demo.browser` on machines that have a browser, may install one, or can do neither."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import sync_playwright

from demo import browser

ROOT = Path(__file__).resolve().parent.parent.parent
STARTS, DOES_NOT = "exit 0", "exit 1"
# The distribution's packages, for as long as this test takes.
APT_GET = """
echo "$@" >> "$FOLDER/asked"
case "$*" in *"install"*" chromium") printf '#!/bin/sh\\nexit 0\\n' > "$FOLDER/chromium"
chmod 755 "$FOLDER/chromium";; esac
"""


class Machine:
    """A machine whose programs are the files of one folder."""

    def __init__(self, folder: Path, downloads: str) -> None:
        self.folder = folder
        self.environment = {
            "PATH": str(folder),
            "FOLDER": str(folder),
            "HOME": str(folder),
            "PLAYWRIGHT_BROWSERS_PATH": str(folder / "browsers"),
            "PLAYWRIGHT_DOWNLOAD_HOST": downloads,
        }
        for name in ("env", "chmod", "sh"):
            (folder / name).symlink_to(f"/bin/{name}")

    def has(self, name: str, script: str) -> None:
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def may_install(self) -> None:
        self.has("apt-get", APT_GET)
        self.has("sudo", 'shift; exec "$@"')

    def prepare(self) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "demo.browser"]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True
        )

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []


class Downloads(BaseHTTPRequestHandler):
    """Where playwright gets its browsers."""

    archive = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.archive)))
        self.end_headers()
        self.wfile.write(self.archive)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Downloads)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield Machine(tmp_path, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def archive_with_a_browser() -> bytes:
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in (f"{own.parent.name}/{own.name}", "ffmpeg-linux"):
            file = zipfile.ZipInfo(name)
            file.external_attr = 0o755 << 16
            archive.writestr(file, "#!/bin/sh\nexit 0\n")
    return content.getvalue()


def test_a_machine_with_a_browser_is_left_as_it_is(machine: Machine) -> None:
    machine.has("chromium", STARTS)
    machine.may_install()

    prepared = machine.prepare()

    assert (prepared.returncode, prepared.stdout, machine.asked) == (0, "", [])


def test_a_browser_that_does_not_start_is_none_and_the_package_is_installed(
    machine: Machine,
) -> None:
    machine.has("chromium-browser", DOES_NOT)
    machine.may_install()

    prepared = machine.prepare()

    assert prepared.returncode == 0, prepared.stderr
    assert machine.asked == ["-qq update", "-qq install --yes --no-install-recommends chromium"]


def test_without_a_package_playwright_downloads_its_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Downloads, "archive", archive_with_a_browser())

    prepared = machine.prepare()

    assert prepared.returncode == 0, prepared.stderr
    assert list((machine.folder / "browsers").glob("chromium-*/*/chrome"))


def test_where_nothing_can_be_had_one_sentence_says_what_to_do(machine: Machine) -> None:
    machine.has("sudo", DOES_NOT)
    (machine.folder / "browsers").write_text("a file, so that nothing can be laid there")

    prepared = machine.prepare()

    assert prepared.returncode == 1
    assert prepared.stderr.splitlines()[-1] == (
        "Chromium is missing and could not be installed: as an administrator run"
        " `apt-get install chromium`, or whatever installs Chromium on this system."
    )


def test_nobody_is_asked_for_a_password(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(machine.folder))
    assert browser._as_root() is None

    machine.has("sudo", f'[ "$1" = --non-interactive ] && {DOES_NOT}')
    assert browser._as_root() is None

    machine.has("sudo", f'[ "$1" = --non-interactive ] && {STARTS}')
    assert browser._as_root() == ["sudo", "--non-interactive"]

"""README, word by word, against a server that `make run` starts: what a stranger does first."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db import connection

from tests.web import PATIENCE_SECONDS, ROOT, free_port

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.M | re.S)
ADDRESS = "http://127.0.0.1:8000"
BETWEEN = "== the next block"
# What is another one at each run; README may write … in place of it.
OTHER_EACH_TIME = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
    r"|stw_[\w-]+"
)


class Started:
    """`make run` once its packages are there, with data of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'steward.sqlite3'}",
            "SECRET_KEY": "for-tests-only-and-as-long-as-a-real-one-would-be",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
        }
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "demo/start.py"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.said = self._until("API schema")
        self.environment["KEY"] = re.findall(r"stw_[\w-]+", self.said)[0]
        # The addresses are printed before the server listens.
        run = ["curl", "-s", "-o", os.devnull, "--retry", "100", "--retry-connrefused",
               "--retry-delay", "1", f"http://127.0.0.1:{self.port}/health/ready"]  # fmt: skip
        subprocess.run(run, check=True, timeout=PATIENCE_SECONDS)

    def _until(self, last: str) -> str:
        said = ""
        for line in self.process.stdout or ():
            said += line
            if line.startswith(last):
                return said
        raise AssertionError(said)

    def sh(self, script: str) -> str:
        moved = script.replace(ADDRESS, f"http://127.0.0.1:{self.port}")
        done = subprocess.run(
            ["bash", "-euc", moved], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done
        return done.stdout

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_SECONDS)
        self.log.close()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    started = Started(tmp_path_factory.mktemp("run"))
    yield started
    started.stop()


def session() -> list[tuple[str, str]]:
    """Each block of commands with the output that README shows below it."""
    after = README.index("## One session")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README[after:], flags=re.M | re.S)
    return [
        (commands, shown)
        for (language, commands), (_, shown) in zip(blocks, blocks[1:], strict=False)
        if language == "sh"
    ]


def lines(said: str) -> list[Any]:
    values = [orjson.loads(line) for line in said.splitlines() if line]
    return [_stable(value) for value in values]


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, _stable(item)) for name, item in value.items()]  # in order
    if isinstance(value, list):
        return [_stable(item) for item in value]
    return OTHER_EACH_TIME.sub("…", value) if isinstance(value, str) else value


def fits(said: Any, shown: Any) -> bool:
    """Whether they are the same, but for the texts of which README shows only "…"."""
    if shown == "…":
        return isinstance(said, str) and said != ""
    if isinstance(shown, (list, tuple)):
        return (
            isinstance(said, (list, tuple))
            and len(said) == len(shown)
            and all(map(fits, said, shown))
        )
    return bool(said == shown)


# The engine is SQLite's in both runs.
if connection.vendor == "sqlite":

    def test_what_make_run_prints_is_what_readme_shows(started: Started) -> None:
        [shown] = [block for _, block in BLOCKS if block.startswith("Admin user")]
        said = re.sub(r"(Password +)\S+", r"\1…", started.said)
        said = said.replace(f":{started.port}/", ":8000/")

        assert OTHER_EACH_TIME.sub("stw_…", said).endswith(shown)

    def test_the_session_gives_what_readme_shows(started: Started) -> None:
        blocks = session()
        assert len(blocks) >= 4

        said = started.sh(f"\necho '{BETWEEN}'\n".join(commands for commands, _ in blocks))

        for (commands, shown), output in zip(blocks, said.split(f"{BETWEEN}\n"), strict=True):
            assert fits(lines(output), lines(shown)), f"{commands}\n{output}"

"""What `make run` says where it cannot do what it was asked for."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from django.db import connection

from tests.web import ROOT


def start(folder: Path, *arguments: str, port: int = 0) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{folder / 'steward.sqlite3'}",
        "SECRET_KEY": "for-tests-only-and-as-long-as-a-real-one-would-be",
        "PORT": str(port),
    }
    command = [sys.executable, "demo/start.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


# The engine is SQLite's in both runs.
if connection.vendor == "sqlite":

    def test_a_port_that_is_taken_is_named_before_anything_is_made(tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            done = start(tmp_path, port=port)

        assert done.returncode == 1
        assert done.stderr.startswith(f"Cannot listen at 127.0.0.1:{port} (")
        assert done.stderr.endswith("Another port: PORT=8001 make run\n")
        assert (done.stdout, list(tmp_path.iterdir())) == ("", [])

    def test_data_that_cannot_be_read_makes_no_key_and_no_server(tmp_path: Path) -> None:
        done = start(tmp_path, "--no-server", "--data", str(tmp_path / "missing"))

        assert done.returncode == 1
        assert "Nothing was imported: " in done.stderr
        assert "stw_" not in done.stdout

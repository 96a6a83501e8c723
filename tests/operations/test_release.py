"""Which release runs: of an image what its build said, elsewhere the version and git's commit."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operations import release
from tests.web import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's folder, as far as the release is concerned, under version 1.2.3."""
    (tmp_path / "operations").mkdir()
    (tmp_path / "operations" / "__init__.py").touch()
    shutil.copy(ROOT / "operations" / "release.py", tmp_path / "operations")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def printed(folder: Path, **variables: str) -> str:
    """Without any package, as on the machine that builds an image."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "operations.release"],
        cwd=folder, check=True, capture_output=True, text=True, env=variables or None,
    )  # fmt: skip
    return done.stdout.strip()


class TestARelease:
    def test_is_the_version_and_the_commit(self, folder: Path) -> None:
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "a")
        git(folder, "tag", "v9")
        commit = git(folder, "rev-parse", "--short=12", "HEAD")

        assert printed(folder) == f"1.2.3+g{commit}"
        (folder / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n')
        assert printed(folder) == f"1.2.4+g{commit}.dirty"

    def test_is_the_version_where_there_is_no_git(self, folder: Path) -> None:
        assert printed(folder) == "1.2.3"
        (folder / ".git").mkdir()
        assert printed(folder) == "1.2.3"
        assert printed(folder, PATH="/nowhere") == "1.2.3"

    def test_is_what_the_build_said(self, settings: Any) -> None:
        settings.STEWARD_RELEASE = "1.2.3+gabc"

        assert release.release.__wrapped__() == "1.2.3+gabc"

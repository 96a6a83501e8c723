"""Which Steward this is: in backups, at /metrics, in traces, on the image.

`python -m operations.release` prints it; that needs no package.
"""

import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DESCRIBE = ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=.dirty"]


@cache
def release() -> str:
    """The version and the commit, such as `0.1.0+g3d76b8c5a1f0`, and `.dirty` with other files.

    An image has it from its build (STEWARD_RELEASE); elsewhere git says it, where there is git.
    """
    from django.conf import settings

    return settings.STEWARD_RELEASE or of_files()


def of_files() -> str:
    """That of the files here, whatever the settings say."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    commit = _commit()
    return f"{version}+g{commit}" if commit else version


def _commit() -> str:
    if not (ROOT / ".git").exists():
        return ""
    try:
        done = subprocess.run(DESCRIBE, cwd=ROOT, capture_output=True, text=True)  # noqa: S603
    except OSError:  # there is no git
        return ""
    return done.stdout.strip()  # nothing where git may not look: the folder is another user's


if __name__ == "__main__":
    print(of_files())

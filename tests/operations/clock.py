"""A wall clock that can be set, for the processes that are given it and for no others."""

import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
COMPILER = shutil.which("cc")


class Clock:
    """Right at first. Needs a C compiler, and Linux: the library goes in before libc."""

    def __init__(self, folder: Path) -> None:
        assert COMPILER
        self._file, library = folder / "clock", folder / "clock.so"
        self.set(0)
        subprocess.run(
            [COMPILER, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, SOURCE],
            check=True,
        )
        self.environment = {"LD_PRELOAD": str(library), "WRONG_CLOCK_FILE": str(self._file)}

    def set(self, seconds: int) -> None:
        """Fast by so many seconds, or slow; at once, in processes that run as well."""
        number = seconds.to_bytes(8, sys.byteorder, signed=True)
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(number)

"""docs/openapi.yaml by the rules of Redocly and Spectral, where `make test` could install them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.web import ROOT

INSTALLED = Path(sys.prefix) / "linters"
DESCRIPTION = "docs/openapi.yaml"
COMMANDS = {
    "redocly": ["lint", "--config", "tests/linters/redocly.yaml"],
    "spectral": [
        "lint", "--ruleset", "tests/linters/spectral.yaml", "--fail-severity", "hint",
    ],
}  # fmt: skip
# Redocly asks nobody and tells nobody.
ALONE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}

if connection.vendor == "sqlite" and (INSTALLED / "installed").exists():

    @pytest.mark.parametrize("linter", COMMANDS)
    def test_finds_nothing(linter: str) -> None:
        program = INSTALLED / "node_modules" / ".bin" / linter
        done = subprocess.run(
            [program, *COMMANDS[linter], DESCRIPTION],
            cwd=ROOT,
            env=os.environ | ALONE,
            capture_output=True,
            text=True,
        )

        assert done.returncode == 0, done.stdout + done.stderr

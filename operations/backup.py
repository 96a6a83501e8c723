"""A backup of the whole database while it is in use, and which older ones go then.

PostgreSQL: pg_dump, of the schema that Steward's tables are in. SQLite: its online backup. Either
is the database at one moment, whoever writes meanwhile.
"""

import datetime
import os
import re
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2.extensions
from django.db import DEFAULT_DB_ALIAS, connection, connections

from operations import backup_files
from operations.backup_files import Manifest
from operations.errors import BackupFailed
from operations.postgresql import programs
from operations.release import release

NOT_FOR_PROGRAMS = {"password", "cursor_factory", "client_encoding", "options"}


def make(file: Path, *, at: datetime.datetime) -> Manifest:
    """Store a backup as `file`, or leave everything as it was.

    An older backup of the same name is replaced; any other file is not. Raises BackupFailed and
    OSError.
    """
    if file.exists() and backup_files.manifest_of(file) is None:
        raise BackupFailed(f"{file} is there already and is no backup; choose another name.")
    dump = _sqlite_dump if connection.vendor == "sqlite" else _postgresql_dump
    with dump(file.parent) as (reader, described):
        described |= {"version": release(), "engine": connection.vendor, "created_at": at}
        return backup_files.write(file, reader, described)


def _by_app(rows: list[tuple[str, str]]) -> dict[str, list[str]]:
    migrations: dict[str, list[str]] = {}
    for app, name in sorted(rows):
        migrations.setdefault(app, []).append(name)
    return migrations


APPLIED = "SELECT app, name FROM django_migrations"


# SQLite


@contextmanager
def _sqlite_dump(beside: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    name = Path(connection.settings_dict["NAME"])
    if not name.exists():
        raise BackupFailed(f"There is no database: {name} does not exist.")
    with backup_files.scratch_folder(beside) as folder:
        copy = folder / "database.sqlite3"
        with (
            closing(sqlite3.connect(f"file:{name}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy, isolation_level=None)) as target,
        ):
            source.execute(f"PRAGMA busy_timeout = {settings_timeout() * 1000}")
            source.backup(target)
            # In one file, without the -wal beside it.
            target.execute("PRAGMA journal_mode = DELETE")
            described = _described_copy(target, name)
        with copy.open("rb") as reader:
            yield reader, described


def _described_copy(copy: sqlite3.Connection, name: Path) -> dict[str, Any]:
    problems = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
    if problems != ["ok"]:
        raise BackupFailed(f"The database is damaged: {'; '.join(problems)}")
    try:
        rows = copy.execute(APPLIED).fetchall()
    except sqlite3.OperationalError as error:
        raise BackupFailed(f"{name} is no database of Steward: {error}") from error
    return {
        "database": name.name,
        "schema": "main",
        "server_version": sqlite3.sqlite_version,
        "client_version": sqlite3.sqlite_version,
        "migrations": _by_app(rows),
    }


def settings_timeout() -> int:
    """Seconds to wait for another writer on SQLite."""
    timeout: int = connection.settings_dict["OPTIONS"]["timeout"]
    return timeout


# PostgreSQL


@contextmanager
def _postgresql_dump(beside: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    found = client_programs()
    with _snapshot() as (snapshot, described):
        described["client_version"] = found.release
        arguments = [
            found.path("pg_dump"), "--format=custom", "--no-owner", "--no-privileges",
            f"--schema={described['schema']}", f"--snapshot={snapshot}", "--lock-wait-timeout=60s",
            "--no-password", "--dbname", connection_string(),
        ]  # fmt: skip
        with running(arguments, stdout=subprocess.PIPE) as program:
            yield program, described


@contextmanager
def _snapshot() -> Iterator[tuple[str, dict[str, Any]]]:
    """A moment of the database: its name for pg_dump, and what the manifest says of it."""
    holder: Any = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT to_regclass('django_migrations')")
            if cursor.fetchone()[0] is None:
                raise BackupFailed("There is no table of Steward in the database; run migrate.")
            cursor.execute(APPLIED)
            migrations = _by_app(cursor.fetchall())
            cursor.execute(
                "SELECT pg_export_snapshot(), current_database(), current_schema(),"
                " current_setting('server_version')"
            )
            snapshot, database, schema, version = cursor.fetchone()
        described = {
            "database": database,
            "schema": schema,
            "server_version": version,
            "migrations": migrations,
        }
        yield snapshot, described
    finally:
        holder.close()


def client_programs(*, written_by: str | None = "0") -> programs.Programs:
    """PostgreSQL's programs for this server, and for a file that those of `written_by` wrote.

    None for a file of before manifests said so: then the newest wrote it. Raises BackupFailed.
    """
    connection.ensure_connection()
    server: int = connection.pg_version // 10_000  # type: ignore[attr-defined]
    try:
        writer = int(written_by.partition(".")[0]) if written_by else programs.newest_version()
        return programs.programs_for(server, written_by=writer)
    except programs.NoPrograms as error:
        raise BackupFailed(str(error)) from error


def connection_string() -> str:
    """Where the database is, for PostgreSQL's programs, without the password."""
    given: dict[str, Any] = connection.get_connection_params()
    named = {name: value for name, value in given.items() if name not in NOT_FOR_PROGRAMS}
    return psycopg2.extensions.make_dsn(**named)


@dataclass(frozen=True)
class Program:
    """One of PostgreSQL's programs at work. What it says goes to a file, which never fills up."""

    process: Any
    said: Any

    def read(self, byte_size: int) -> bytes:
        """What it writes. A failure is an error at the end, not a short dump."""
        chunk: bytes = self.process.stdout.read(byte_size)
        if not chunk:
            self.end()
        return chunk

    def end(self) -> None:
        """Wait for it. Raises BackupFailed with what it says when it failed."""
        if self.process.wait() != 0:
            self.said.seek(0)
            said = self.said.read().decode(errors="replace").strip()
            raise BackupFailed(f"{Path(self.process.args[0]).name} failed: {said}")


@contextmanager
def running(arguments: list[str], *, feed: Any = None, **streams: Any) -> Iterator[Program]:
    """Start a program, which reads `feed` if that is given, and end it with the block.

    The password goes by its environment, which other users cannot see.
    """
    password = connection.get_connection_params().get("password")
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(arguments, env=environment, stderr=said, **streams) as process,  # noqa: S603
    ):
        feeder = threading.Thread(target=_feed, args=(feed, process.stdin))
        if feed is not None:
            feeder.start()
        try:
            yield Program(process, said)
        finally:
            if process.poll() is None:
                process.kill()
            if feed is not None:
                feeder.join()
            elif process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.close()


def _feed(source: Any, program: Any) -> None:
    """Give a program what it reads; one that has failed takes no more."""
    with suppress(BrokenPipeError), program:
        while chunk := source.read(backup_files.CHUNK_BYTES):
            program.write(chunk)


# Rotation


def outdated(file: Path, made: Manifest, *, keep: int | None, keep_days: int | None) -> list[Path]:
    """Older backups of the same database and name that rotation removes; never `file` itself.

    Names are the same when they differ in digits alone: of the newest `keep` none goes, and with
    `keep_days` those that are older go, too.
    """
    pattern = re.compile(r"\d+".join(map(re.escape, re.split(r"\d+", file.name))))
    same = []
    for other in file.parent.iterdir():
        if other == file or not pattern.fullmatch(other.name) or not other.is_file():
            continue
        manifest = backup_files.manifest_of(other)
        if manifest and (manifest.engine, manifest.database) == (made.engine, made.database):
            same.append((manifest.created_at, other))
    same.sort(reverse=True)
    gone: set[Path] = set()
    if keep is not None:
        gone.update(other for _, other in same[max(keep - 1, 0) :])
    if keep_days is not None:
        oldest = made.created_at - datetime.timedelta(days=keep_days)
        gone.update(other for moment, other in same if moment < oldest)
    return sorted(gone)

"""Backups of the tests: made by the command, and changed by hand."""

import json
import os
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import CommandError, call_command
from django.db import connection

from operations.backup_files import DUMP, MANIFEST


def command(name: str, *arguments: Any) -> tuple[int, str]:
    """Exit code and all that is said."""
    output = StringIO()
    try:
        call_command(name, *map(str, arguments), stdout=output, stderr=output)
    except CommandError as error:
        return error.returncode, f"{output.getvalue()}{error}"
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


def backup(file: Path, *arguments: Any) -> Path:
    code, said = command("backup", file, *arguments)
    assert code == 0, said
    return file


def manifest(file: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read(MANIFEST))


def changed(file: Path, new: Path, *, dump: bytes | None = None, **values: Any) -> Path:
    """A copy with another dump or other values in its manifest; None takes one away."""
    with zipfile.ZipFile(file) as archive:
        document = json.loads(archive.read(MANIFEST)) | values
        dump = archive.read(DUMP) if dump is None else dump
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DUMP, dump)
        kept = {name: value for name, value in document.items() if value is not None}
        archive.writestr(MANIFEST, json.dumps(kept))
    return new


@contextmanager
def empty_database(folder: Path) -> Iterator[str]:
    """The address of a database of the same engine with nothing in it."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / 'empty.sqlite3'}"
        return
    name = f"restored_{uuid.uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")

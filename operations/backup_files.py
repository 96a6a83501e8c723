"""The file of a backup: a zip archive of the database's dump and a manifest.

One file, so that neither gets lost; any zip program takes it apart. It is written under another
name in the same folder and then moved to its place, complete or not at all.
"""

import datetime
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from common import locks
from operations.errors import BackupDamaged

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
CHUNK_BYTES = 1024 * 1024
MANIFEST_MAX_BYTES = 16 * 1024 * 1024
SCRATCH_PREFIX = ".steward-backup-"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `migrations` are the names applied, by app.

    `client_version` is that of the programs that wrote the dump: older ones may not read it. None
    in a backup of release 0.1.0.
    """

    version: str
    engine: str
    server_version: str
    database: str
    schema: str
    created_at: datetime.datetime
    migrations: dict[str, list[str]]
    byte_size: int
    sha256: str
    client_version: str | None = None

    def as_json(self) -> str:
        document = {"format": FORMAT, **asdict(self), "created_at": self.created_at.isoformat()}
        return json.dumps(document, indent=2) + "\n"


def write(file: Path, dump: Any, described: dict[str, Any]) -> Manifest:
    """Store what `dump` reads, with its manifest, as `file`. Raises OSError."""
    with scratch_folder(file.parent) as folder:
        part = folder / "backup"
        with part.open("xb") as target:
            os.fchmod(target.fileno(), 0o600)  # it holds people's texts
            manifest = _write_archive(target, dump, described)
            target.flush()
            os.fsync(target.fileno())
        os.replace(part, file)
    _sync_folder(file.parent)
    return manifest


def _write_archive(target: Any, dump: Any, described: dict[str, Any]) -> Manifest:
    digest, byte_size = hashlib.sha256(), 0
    # Level 1: PostgreSQL's dumps are compressed already, and SQLite's shrink well with any.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(DUMP, "w", force_zip64=True) as member:
            while chunk := dump.read(CHUNK_BYTES):
                digest.update(chunk)
                byte_size += len(chunk)
                member.write(chunk)
        manifest = Manifest(**described, byte_size=byte_size, sha256=digest.hexdigest())
        archive.writestr(MANIFEST, manifest.as_json())
    return manifest


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """A folder in `beside` for the block alone, after those are removed that killed runs left."""
    for left in beside.glob(f"{SCRATCH_PREFIX}*"):
        with locks.only_user(left) as is_left:
            if is_left:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=beside))
    try:
        with locks.only_user(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Reading


@contextmanager
def opened(file: Path) -> Iterator[tuple[Manifest, zipfile.ZipFile]]:
    """The manifest and the archive. Raises BackupDamaged, and OSError if it cannot be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield _manifest(archive), archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BackupDamaged(f"{file} is no backup, or damaged: {error}") from error


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        with archive.open(MANIFEST) as member:
            document = json.loads(member.read(MANIFEST_MAX_BYTES))
        if document.pop("format") != FORMAT:
            raise BackupDamaged("The file is of a later format: use the release that made it.")
        moment = datetime.datetime.fromisoformat(document.pop("created_at"))
        return Manifest(**document, created_at=moment)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise BackupDamaged(f"The file is no backup of Steward: {error}") from error


def read_dump(archive: zipfile.ZipFile) -> BinaryIO:
    """The dump, to read from its beginning."""
    try:
        return cast(BinaryIO, archive.open(DUMP))
    except KeyError as error:
        raise BackupDamaged("The file has no dump.") from error


def check_whole(manifest: Manifest, archive: zipfile.ZipFile) -> None:
    """Read all of it once and compare. Raises BackupDamaged."""
    digest, byte_size = hashlib.sha256(), 0
    with read_dump(archive) as dump:
        while chunk := dump.read(CHUNK_BYTES):
            digest.update(chunk)
            byte_size += len(chunk)
    if (digest.hexdigest(), byte_size) != (manifest.sha256, manifest.byte_size):
        raise BackupDamaged("The backup is damaged: its checksum is not the one it was made with.")


def manifest_of(file: Path) -> Manifest | None:
    """What the file holds; None when it is no whole backup of Steward."""
    try:
        with opened(file) as (manifest, _):
            return manifest
    except (BackupDamaged, OSError):
        return None

"""The import of a council application's files: finds them, reads them, stores them in batches.

Memory stays flat, whatever the tree: one batch at a time. Each batch is one transaction, so that a
killed import leaves whole conversations only, and the next run goes on where it ended.
"""

import datetime
import itertools
import os
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from billing import services as billing_services
from common import events
from common.errors import DomainError
from conversations import council, services
from conversations.council import CouncilConversation, NoOwner, NotAConversation, UsageFile

BATCH_CONVERSATIONS = 100
BATCH_BYTES = 8 * 1024 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024
BATCH_TRIES = 5


@dataclass(frozen=True)
class FoundFile:
    """A JSON file of the tree: its path below the root, its size and how to read it."""

    path: str
    byte_size: int
    read: Callable[[], bytes]

    @property
    def shown(self) -> str:
        """The path as text; a name that is not UTF-8 is shown with U+FFFD."""
        return os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def stem(self) -> str:
        """The file's name without its ending, which stands in for a missing id."""
        return PurePosixPath(self.shown).stem

    def owner(self) -> str | None:
        """Whose folder it lies in: `conversations/<user>/`, `usage/<user>/`, `<user>/` or none.

        Raises NotAConversation for a file deeper than any layout has them.
        """
        folders = PurePosixPath(self.path).parts[:-1]
        for marker in ("conversations", "usage", "data"):
            if marker in folders:
                folders = folders[folders.index(marker) + 1 :]
                break
        if len(folders) > 1:
            raise NotAConversation("deeper than conversations lie; point at the folder above them")
        return folders[0] if folders else None


@dataclass
class Fate:
    """What became of one file; one line of the report."""

    path: str
    status: str  # created, updated, unchanged, skipped, failed
    user_id: str | None = None
    id: str | None = None
    messages: int | None = None
    reason: str | None = None
    replaced: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value not in (None, [])}


def open_tree(path: Path) -> Iterator[FoundFile]:
    """The JSON files of a folder, of a zip archive, or the one file, in a fixed order.

    Raises OSError or zipfile.BadZipFile when the path itself cannot be read.
    """
    if path.is_dir():
        return _in_folder(path)
    if zipfile.is_zipfile(path):
        return _in_archive(path)
    # A single file says itself whose it is; its folder may be anything.
    return iter([FoundFile(path.name, path.stat().st_size, path.read_bytes)])


def _in_folder(root: Path) -> Iterator[FoundFile]:
    def refuse(error: OSError) -> None:
        raise error  # a folder that cannot be read must not look like an empty one

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if _is_json(name) and file.is_file():
                shown = file.relative_to(root).as_posix()
                yield FoundFile(shown, file.stat().st_size, file.read_bytes)


def _in_archive(path: Path) -> Iterator[FoundFile]:
    with zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            parts = PurePosixPath(entry.filename).parts
            hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
            if not entry.is_dir() and not hidden and _is_json(parts[-1]):
                yield FoundFile(entry.filename, entry.file_size, partial(archive.read, entry))


def _is_json(name: str) -> bool:
    return name.lower().endswith(".json") and not name.startswith(".")


def first_without_owner(files: Iterator[FoundFile]) -> str | None:
    """The path of a conversation that names no owner and lies in nobody's folder, or None."""
    for file in files:
        try:
            if file.owner() is None:
                _read(file, given_owner=None)
        except NoOwner:
            return file.shown
        except (UsageFile, NotAConversation):
            continue
    return None


def back_up(path: Path) -> Path:
    """Copy the tree to `<name>_backup_<date>_<time>.tar.gz` beside it. Raises OSError."""
    base = f"{path.name}_backup_{datetime.datetime.now(datetime.UTC):%Y%m%d_%H%M%S}"
    for number in itertools.count(1):
        archive = path.with_name(f"{base}{f'_{number}' if number > 1 else ''}.tar.gz")
        try:
            with archive.open("xb") as file, tarfile.open(fileobj=file, mode="w:gz") as tree:
                tree.add(path, arcname=path.name)
        except FileExistsError:
            continue  # a second backup in the same second
        except OSError:
            archive.unlink(missing_ok=True)
            raise
        return archive
    raise AssertionError("unreachable")


def _read(file: FoundFile, given_owner: str | None) -> CouncilConversation:
    if file.byte_size > MAX_FILE_BYTES:
        raise NotAConversation(f"larger than {MAX_FILE_BYTES} bytes")
    try:
        body = file.read()
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise NotAConversation(f"cannot be read: {error}") from error
    return council.read(
        body, file_stem=file.stem, folder_owner=file.owner(), given_owner=given_owner
    )


class Import:
    """One run over a tree. Iterate `run()` for the fate of each file; `counts` adds them up."""

    def __init__(self, *, given_owner: str | None, on_conflict: str, dry_run: bool) -> None:
        self.given_owner = given_owner
        self.on_conflict = on_conflict
        # What a dry run would have written, so that a later file meets it as in a real run.
        self.pretended: services.Standing | None = {} if dry_run else None
        self.pretended_usage: dict[str, dict[str, Any]] | None = {} if dry_run else None
        self.counts: Counter[str] = Counter()
        self.usage_files = 0
        self._batch: dict[services.Owned, tuple[FoundFile, CouncilConversation]] = {}
        self._batch_bytes = 0

    def run(self, files: Iterator[FoundFile]) -> Iterator[Fate]:
        """Import `files`; yields every file's fate once its batch is committed."""
        for file in files:
            for fate in self._take(file):
                yield self._counted(fate)
        for fate in self._store():
            yield self._counted(fate)

    def _counted(self, fate: Fate) -> Fate:
        self.counts["read"] += 1
        self.counts[fate.status] += 1
        if self.pretended is None:  # no dry run
            events.IMPORTS.count(outcome=fate.status)
        return fate

    def _take(self, file: FoundFile) -> Iterator[Fate]:
        try:
            found = _read(file, self.given_owner)
        except UsageFile as usage:
            self.usage_files += 1
            yield self._take_usage(file, usage.document)
            return
        except NotAConversation as error:
            yield Fate(file.shown, "failed", reason=str(error))
            return
        key = (found.user_id, found.uid)
        if key in self._batch or self._batch_bytes + file.byte_size > BATCH_BYTES:
            yield from self._store()
        self._batch[key] = (file, found)
        self._batch_bytes += file.byte_size
        if len(self._batch) == BATCH_CONVERSATIONS:
            yield from self._store()

    def _take_usage(self, file: FoundFile, document: dict[str, Any]) -> Fate:
        try:
            user_id = council.owner_of(document.get("user_id"), file.owner(), self.given_owner)
            fate = billing_services.import_usage(
                user_id=user_id,
                document=document,
                on_conflict=self.on_conflict,
                at=timezone.now(),
                pretended=self.pretended_usage,
            )
        except NotAConversation as error:
            return Fate(file.shown, "failed", reason=str(error))
        except DomainError as error:
            return Fate(file.shown, "failed", reason=error.message)
        reason = None if fate in ("created", "updated", "unchanged") else USAGE_STANDS
        return Fate(file.shown, fate, user_id=user_id, reason=reason)

    def _store(self) -> Iterator[Fate]:
        batch, self._batch, self._batch_bytes = self._batch, {}, 0
        if not batch:
            return
        outcomes = self._outcomes([found for _, found in batch.values()])
        for (file, found), outcome in zip(batch.values(), outcomes, strict=True):
            yield Fate(
                file.shown,
                "failed" if outcome == "held" else outcome,
                user_id=found.user_id,
                id=str(found.uid),
                messages=len(found.messages),
                reason=REASONS.get(outcome),
                replaced=found.notes,
            )

    def _outcomes(self, found: list[CouncilConversation]) -> list[str]:
        for tries_left in reversed(range(BATCH_TRIES)):
            try:
                return services.store_imported(
                    found, on_conflict=self.on_conflict, pretended=self.pretended
                )
            except IntegrityError:
                # Another import stored some of these between our look and our write: look again.
                if not tries_left:
                    raise
        raise AssertionError("unreachable")


USAGE_STANDS = "differs from the usage that stands for this person; see --on-conflict"
REASONS = {
    "skipped": "differs from the conversation that stands under this id; see --on-conflict",
    "failed": "differs from the conversation that stands under this id",
    "held": "differs from the conversation that stands under this id, which is on legal hold",
}

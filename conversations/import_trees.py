"""The files that an import is given: those of a folder, of a zip archive, or one alone.

A path is read the same wherever it was written: in archives made on Windows, and in folders such an
archive was unpacked to elsewhere, a backslash parts names as a slash does.
"""

import datetime
import itertools
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from common.commands import for_its_owner
from conversations.council import NotAConversation

DRIVE = re.compile(r"[A-Za-z]:(?=/)")
# Copies of files' inner parts that macOS adds to an archive.
MAC_FOLDER = "__MACOSX"
HIDDEN = "hidden"


@dataclass(frozen=True)
class FoundFile:
    """A JSON file of the tree: its path below the root, name by name, its size, how to read it."""

    names: tuple[str, ...]
    byte_size: int
    read: Callable[[], bytes]

    @property
    def shown(self) -> str:
        """The path as text; a name that is not UTF-8 is shown with U+FFFD."""
        return shown_path(self.names)

    @property
    def stem(self) -> str:
        """The file's name without its ending, which stands in for a missing id."""
        return os.path.splitext(shown_path(self.names[-1:]))[0]

    def owner(self) -> str | None:
        """Whose folder it lies in: `conversations/<user>/`, `usage/<user>/`, `<user>/` or none.

        Raises NotAConversation for a file deeper than any layout has them, and for a path that
        leads out of the tree, which says nothing about whose the file is.
        """
        folders = self.names[:-1]
        if ".." in folders:
            raise NotAConversation("its path leads out of its folder by `..`")
        for marker in ("conversations", "usage", "data"):
            if marker in folders:
                folders = folders[folders.index(marker) + 1 :]
                break
        if len(folders) > 1:
            raise NotAConversation("deeper than conversations lie; point at the folder above them")
        return folders[0] if folders else None


@dataclass(frozen=True)
class UnreadFile:
    """Something in the tree that is not read, and why; hidden folders of a folder count as one."""

    path: str
    reason: str


def open_tree(path: Path) -> Iterator[FoundFile | UnreadFile]:
    """The files of a folder, of a zip archive, or the one file, in a fixed order.

    Raises OSError or zipfile.BadZipFile when the path itself cannot be read.
    """
    if path.is_dir():
        return _in_folder(path)
    if zipfile.is_zipfile(path):
        return _in_archive(path)
    # A single file says itself whose it is; its folder may be anything.
    return iter([FoundFile((path.name,), path.stat().st_size, path.read_bytes)])


def _in_folder(root: Path) -> Iterator[FoundFile | UnreadFile]:
    for folder, folders, file_names in os.walk(root, onerror=_refuse):
        for name in sorted(name for name in folders if name.startswith(".")):
            yield UnreadFile(shown_path(_names(os.path.relpath(Path(folder, name), root))), HIDDEN)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(file_names):
            file = Path(folder, name)
            names = _names(os.path.relpath(file, root))
            reason = _why_unread(names) if file.is_file() else "no regular file"
            if reason:
                yield UnreadFile(shown_path(names), reason)
            else:
                yield FoundFile(names, file.stat().st_size, file.read_bytes)


def _refuse(error: OSError) -> None:
    raise error  # a folder that cannot be read must not look like an empty one


def _in_archive(path: Path) -> Iterator[FoundFile | UnreadFile]:
    with zipfile.ZipFile(path) as archive:
        entries = [(_names_in_archive(entry.filename), entry) for entry in archive.infolist()]
        for names, entry in sorted(entries, key=lambda pair: pair[0]):
            if entry.filename.endswith(("/", "\\")):
                continue  # a folder
            if reason := _why_unread(names):
                yield UnreadFile(shown_path(names), reason)
            else:
                yield FoundFile(names, entry.file_size, partial(archive.read, entry))


def _names(path: str) -> tuple[str, ...]:
    """The names in a path; what names nothing (empty, or `.`) is left out."""
    return tuple(name for name in path.replace("\\", "/").split("/") if name not in ("", "."))


def _names_in_archive(path: str) -> tuple[str, ...]:
    """As `_names`, without the drive that some programs write before an absolute path."""
    return _names(DRIVE.sub("", path.replace("\\", "/"), count=1))


def _why_unread(names: tuple[str, ...]) -> str | None:
    if names[:1] == (MAC_FOLDER,) or any(name.startswith(".") and name != ".." for name in names):
        return HIDDEN
    return None if names and names[-1].lower().endswith(".json") else "no .json file"


def shown_path(names: tuple[str, ...]) -> str:
    """The names as one text; what is not UTF-8 becomes U+FFFD."""
    return os.fsencode("/".join(names)).decode("utf-8", "replace")


def back_up(path: Path) -> Path:
    """Copy the tree to `<name>_backup_<date>_<time>.zip` beside it; an import reads that as PATH.

    Only regular files are copied. Raises OSError.
    """
    base = f"{path.name}_backup_{datetime.datetime.now(datetime.UTC):%Y%m%d_%H%M%S}"
    for number in itertools.count(1):
        backup = path.with_name(f"{base}{f'_{number}' if number > 1 else ''}.zip")
        with ExitStack() as unfinished:
            try:
                file = unfinished.enter_context(open(backup, "xb", opener=for_its_owner))
            except FileExistsError:
                continue  # a second backup in the same second
            unfinished.callback(backup.unlink)
            _copy(path, file)
            file.close()
            unfinished.pop_all()
            return backup
    raise AssertionError("unreachable")


def _copy(path: Path, file: BinaryIO) -> None:
    if path.is_file() and zipfile.is_zipfile(path):
        with path.open("rb") as archive:
            shutil.copyfileobj(archive, file)
        return
    with zipfile.ZipFile(
        file, "w", compression=zipfile.ZIP_DEFLATED, strict_timestamps=False
    ) as archive_copy:
        for name, source in _regular_files(path):
            archive_copy.write(source, os.fsencode(name).decode("utf-8", "replace"))


def _regular_files(path: Path) -> Iterator[tuple[str, Path]]:
    """Each with its path below the tree's root, where an import would look for it."""
    if path.is_file():
        yield path.name, path
        return
    for folder, folders, names in os.walk(path, onerror=_refuse):
        folders.sort()
        for name in sorted(names):
            source = Path(folder, name)
            if source.is_file():
                yield os.path.relpath(source, path), source

"""The import of a council application's files: reads them and stores them in batches.

Memory stays flat, whatever the tree: one batch at a time. Each batch is one transaction, so that a
killed import leaves whole conversations only, and the next run goes on where it ended.
"""

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from billing.services import imports as billing_imports
from common import metrics
from common.errors import DomainError
from conversations import council
from conversations.council import CouncilConversation, NoOwner, NotAConversation, UsageFile
from conversations.import_trees import FoundFile, UnreadFile
from conversations.services import imports

BATCH_CONVERSATIONS = 100
BATCH_BYTES = 4 * 1024 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024
BATCH_TRIES = 5


@dataclass
class FileResult:
    """What became of one file; one line of the report."""

    path: str
    status: str  # created, updated, unchanged, skipped, failed; not_read
    user_id: str | None = None
    given: bool = False  # to `user_id`, by --user-id
    id: str | None = None
    messages: int | None = None
    reason: str | None = None
    replaced: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in vars(self).items()
            if value is not False and value not in (None, [])
        }


def first_without_owner(files: Iterator[FoundFile | UnreadFile]) -> str | None:
    """The path of a conversation that names no owner and lies in nobody's folder, or None."""
    for file in files:
        if isinstance(file, UnreadFile):
            continue
        try:
            if file.owner() is None:
                _read(file, given_owner=None)
        except NoOwner:
            return file.shown
        except (UsageFile, NotAConversation):
            continue
    return None


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
    """One run over a tree. Iterate `run()` for the result of each file; `counts` adds them up."""

    def __init__(
        self,
        *,
        given_owner: str | None,
        on_conflict: str,
        dry_run: bool,
        include_deleted: bool = False,
        include_erased: bool = False,
    ) -> None:
        self.given_owner = given_owner
        self.on_conflict = on_conflict
        self.include_deleted = include_deleted
        self.include_erased = include_erased
        # What a dry run would have written, so that a later file meets it as in a real run.
        self.dry_run_rows: dict[imports.Owned, imports.Existing] | None = {} if dry_run else None
        self.dry_run_usage: dict[str, dict[str, Any]] | None = {} if dry_run else None
        self.counts: Counter[str] = Counter()
        self.usage_files = 0
        # Whose the files are, and how many of them only by `given_owner`.
        self.persons: set[str] = set()
        self.given = 0
        self._batch: dict[imports.Owned, tuple[FoundFile, CouncilConversation]] = {}
        self._batch_bytes = 0

    def run(self, files: Iterator[FoundFile | UnreadFile]) -> Iterator[FileResult]:
        """Import `files`; yields every file's result once its batch is committed."""
        for file in files:
            if isinstance(file, UnreadFile):
                self.counts["not_read"] += 1
                yield FileResult(file.path, "not_read", reason=file.reason)
                continue
            for result in self._take(file):
                yield self._counted(result)
        for result in self._store():
            yield self._counted(result)

    def _counted(self, result: FileResult) -> FileResult:
        self.counts["read"] += 1
        self.counts[result.status] += 1
        if result.user_id is not None:
            self.persons.add(result.user_id)
            self.given += result.given
        if self.dry_run_rows is None:  # no dry run
            metrics.IMPORTS.inc(outcome=result.status)
        return result

    def _take(self, file: FoundFile) -> Iterator[FileResult]:
        # Before it is read: two of the largest at once would be twice the memory.
        if self._batch_bytes + file.byte_size > BATCH_BYTES:
            yield from self._store()
        try:
            found = _read(file, self.given_owner)
        except UsageFile as usage:
            self.usage_files += 1
            yield self._take_usage(file, usage.document)
            return
        except NotAConversation as error:
            yield FileResult(file.shown, "failed", reason=str(error))
            return
        key = (found.user_id, found.uid)
        if key in self._batch:
            yield from self._store()
        self._batch[key] = (file, found)
        self._batch_bytes += file.byte_size
        if len(self._batch) == BATCH_CONVERSATIONS:
            yield from self._store()

    def _take_usage(self, file: FoundFile, document: dict[str, Any]) -> FileResult:
        try:
            user_id = council.owner_of(document.get("user_id"), file.owner(), self.given_owner)
            result = billing_imports.import_usage(
                user_id=user_id,
                document=document,
                on_conflict=self.on_conflict,
                at=timezone.now(),
                include_erased=self.include_erased,
                dry_run_rows=self.dry_run_usage,
            )
        except NotAConversation as error:
            return FileResult(file.shown, "failed", reason=str(error))
        except DomainError as error:
            return FileResult(file.shown, "failed", reason=error.message)
        reason = USAGE_STANDS if result in ("skipped", "failed") else REASONS.get(result)
        return FileResult(
            file.shown,
            STATUSES.get(result, result),
            user_id=user_id,
            given=self._is_given(file),
            reason=reason,
        )

    def _is_given(self, file: FoundFile) -> bool:
        return self.given_owner is not None and file.owner() is None

    def _store(self) -> Iterator[FileResult]:
        batch, self._batch, self._batch_bytes = self._batch, {}, 0
        if not batch:
            return
        outcomes = self._outcomes([found for _, found in batch.values()])
        for (file, found), outcome in zip(batch.values(), outcomes, strict=True):
            yield FileResult(
                file.shown,
                STATUSES.get(outcome, outcome),
                user_id=found.user_id,
                given=self._is_given(file),
                id=str(found.uid),
                messages=len(found.messages),
                reason=REASONS.get(outcome),
                replaced=found.notes,
            )

    def _outcomes(self, found: list[CouncilConversation]) -> list[str]:
        for tries_left in reversed(range(BATCH_TRIES)):
            try:
                return imports.store_imported(
                    found,
                    on_conflict=self.on_conflict,
                    include_deleted=self.include_deleted,
                    include_erased=self.include_erased,
                    dry_run_rows=self.dry_run_rows,
                )
            except IntegrityError:
                # Another import stored some of these between our look and our write: look again.
                if not tries_left:
                    raise
        raise AssertionError("unreachable")


USAGE_STANDS = "differs from the usage that stands for this person; see --on-conflict"
# The statuses of outcomes that are not called the same.
STATUSES = {"held": "failed", "deleted": "skipped", "erased": "skipped"}
REASONS = {
    "erased": "its person was erased here; --include-erased imports it",
    "deleted": "was deleted at its source; --include-deleted imports it",
    "skipped": "differs from the conversation that stands under this id; see --on-conflict",
    "failed": "differs from the conversation that stands under this id",
    "held": "differs from the conversation that stands under this id, which is on legal hold",
}

"""What one file of an import may cost: a small archive may hold a very large file."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conversations import council, imports
from conversations.import_trees import FoundFile
from conversations.models import Conversation
from tests.conversations import trees
from tests.conversations.importing import run

pytestmark = pytest.mark.django_db


def with_values(count: int) -> bytes:
    """A conversation's file of so many items of lists and members of objects."""
    others: dict[str, Any] = trees.conversation(messages=[{"role": "user", "stage1": []}])
    # id, user_id, created_at, title, messages, the message, its role and stage1
    items = b",".join([b"1"] * (count - 8))
    return json.dumps(others).encode().replace(b"[]", b"[" + items + b"]")


class TestAFile:
    def test_of_more_than_a_million_values_is_refused_and_the_others_are_imported(
        self, tmp_path: Path
    ) -> None:
        with zipfile.ZipFile(tmp_path / "given.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("ann/a.json", with_values(1_000_001))
            archive.writestr("ann/b.json", json.dumps(trees.conversation(id=trees.ANN_2)))

        status, _, lines = run(tmp_path / "given.zip")

        assert status == 1
        assert [(line["path"], line["status"], line.get("reason")) for line in lines] == [
            ("ann/a.json", "failed", "more than 1000000 JSON values"),
            ("ann/b.json", "created", None),
        ]
        assert [str(row.uid) for row in Conversation.objects.all()] == [trees.ANN_2]

    def test_may_have_as_many_values_as_that(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(council, "MOST_VALUES", 50)

        def read(body: bytes) -> int:
            found = council.read(body, file_stem="a", folder_owner="ann", given_owner=None)
            return len(found.messages)

        assert read(with_values(50)) == 1
        with pytest.raises(council.NotAConversation, match="more than 50 JSON values"):
            read(with_values(51))


class TestLargeFiles:
    def test_are_never_in_memory_two_at_once(self) -> None:
        bodies = [
            json.dumps(trees.conversation(id=identity)).encode()
            for identity in (trees.ANN_1, trees.ANN_2)
        ]
        stored: list[int] = []

        def reading(body: bytes) -> Callable[[], bytes]:
            def read() -> bytes:
                stored.append(Conversation.objects.count())
                return body

            return read

        files = [
            FoundFile(("ann", "a.json"), imports.BATCH_BYTES, reading(body)) for body in bodies
        ]
        run = imports.Import(given_owner=None, on_conflict="skip", dry_run=False)

        results = [result.status for result in run.run(iter(files))]

        assert results == ["created", "created"]
        assert stored == [0, 1]

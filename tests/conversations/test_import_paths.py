"""Whose a file is, by its path, however the path is written; and what in a tree is not read."""

import json
import os
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from tests.conversations import trees
from tests.conversations.importing import refused, run

pytestmark = pytest.mark.django_db


def nobodys(number: int = 1) -> str:
    """A conversation that names no owner itself."""
    file = trees.conversation(id=str(uuid.UUID(int=number)))
    del file["user_id"]
    return json.dumps(file)


def archive_of(folder: Path, *paths: str) -> Path:
    """An archive with a conversation of its own under each path, as the path stands here."""
    with zipfile.ZipFile(folder / "given.zip", "w") as archive:
        for number, path in enumerate(paths, start=1):
            entry = zipfile.ZipInfo("x")
            entry.filename = path  # ZipInfo itself would make slashes of it on Windows
            archive.writestr(entry, nobodys(number))
    return folder / "given.zip"


def owners() -> dict[int, str]:
    return {row.uid.int: row.person.user_id for row in Conversation.objects.all()}


class TestABackslash:
    @pytest.mark.parametrize(
        "path",
        [
            "conversations\\ann\\a.json",
            "ann\\a.json",
            "data\\conversations\\ann\\a.json",
            "data\\conversations/ann\\a.json",
            "C:\\data\\conversations\\ann\\a.json",
            "C:\\ann\\a.json",
            "c:/ann/a.json",
            "\\\\server\\data\\ann\\a.json",
            "\\ann\\a.json",
            "/ann/a.json",
            "./ann/a.json",
            ".\\ann\\.\\a.json",
            "ann//a.json",
            "conversations\\\\ann\\a.json",
        ],
    )
    def test_parts_names_in_an_archive(self, tmp_path: Path, path: str) -> None:
        code, output, report = run(archive_of(tmp_path, path), "--user-id", "zoë")

        assert (code, owners()) == (0, {1: "ann"})
        assert (report[0]["user_id"], report[0].get("given")) == ("ann", None)
        assert "zoë" not in output

    @pytest.mark.parametrize("path", ["conversations\\ann\\a.json", "ann\\a.json"])
    def test_parts_names_in_a_folder_it_was_unpacked_to(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / path).write_text(nobodys())

        run(tmp_path / "data", "--user-id", "zoë")

        assert owners() == {1: "ann"}

    def test_parts_names_of_usage_files(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "given.zip", "w") as archive:
            archive.writestr("usage\\ann\\usage.json", json.dumps({"daily_count": 3}))

        _, _, report = run(tmp_path / "given.zip", "--user-id", "zoë")

        assert report[0]["user_id"] == "ann"

    def test_ends_a_folder_as_a_slash_does(self, tmp_path: Path) -> None:
        code, output, report = run(archive_of(tmp_path, "ann\\a.json", "ann\\", "bob/"))

        assert (code, len(report)) == (0, 1)
        assert "Not read" not in output

    def test_leaves_an_owner_with_a_colon_alone(self, tmp_path: Path) -> None:
        run(archive_of(tmp_path, "a:b/a.json"))
        (tmp_path / "data" / "c:").mkdir(parents=True)
        (tmp_path / "data" / "c:" / "a.json").write_text(nobodys(2))
        run(tmp_path / "data")

        assert owners() == {1: "a:b", 2: "c:"}

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        before=st.sampled_from(["", "C:\\", "/", "\\\\", "./", "data\\", "x/data/", "x\\y\\data/"]),
        between=st.lists(st.sampled_from(["/", "\\", "//", "\\.\\", "/./"]), min_size=2),
    )
    def test_never_gives_a_persons_file_to_another(
        self, tmp_path: Path, before: str, between: list[str]
    ) -> None:
        Conversation.objects.all().delete()
        path = f"{before}conversations{between[0]}ann{between[1]}a.json"

        run(archive_of(tmp_path, path), "--user-id", "zoë")

        assert owners() == {1: "ann"}


class TestAPathThatLeadsOut:
    @pytest.mark.parametrize(
        "path",
        [
            "../ann/a.json",
            "conversations/ann/../bob/a.json",
            "..\\a.json",
            "conversations\\..\\a.json",
        ],
    )
    def test_is_refused_and_named(self, tmp_path: Path, path: str) -> None:
        code, output, report = run(archive_of(tmp_path, path), "--user-id", "zoë")

        assert (code, report[0]["status"]) == (1, "failed")
        assert "leads out" in report[0]["reason"] and "leads out" in output
        assert not Conversation.objects.exists()


class TestATreeWithBoth:
    """Files in persons' folders, and files in nobody's."""

    PATHS = (
        "conversations\\ann\\a.json",
        "conversations/bob/b.json",
        "conversations\\c.json",
        "d.json",
    )

    def test_asks_whose_nobodys_are(self, tmp_path: Path) -> None:
        assert "--user-id" in str(refused(archive_of(tmp_path, *self.PATHS)))

    def test_gives_only_nobodys_to_the_named_person_and_says_so(self, tmp_path: Path) -> None:
        code, output, report = run(archive_of(tmp_path, *self.PATHS), "--user-id", "zoë")

        assert (code, owners()) == (0, {1: "ann", 2: "bob", 3: "zoë", 4: "zoë"})
        assert {line["path"] for line in report if line.get("given")} == {
            "conversations/c.json", "d.json",
        }  # fmt: skip
        assert "Persons: 3." in output
        assert "In nobody's folder, and zoë's: 2 files." in output


class TestWhatIsNotRead:
    EXPECTED = {
        "notes.txt": "no .json file",
        "ann/.hidden.json": "hidden",
        "__MACOSX/ann/._a.json": "hidden",
    }

    def assert_named(self, outcome: tuple[int, str, list[dict[str, Any]]], **more: str) -> None:
        code, output, report = outcome
        expected = self.EXPECTED | more
        found = {line["path"]: line["reason"] for line in report if line["status"] == "not_read"}
        assert found == expected
        assert code == 0
        assert f"Not read, as no visible .json file: {len(expected)}." in output
        assert "Read 1 files: 1 created" in output

    def test_is_counted_and_named_in_an_archive(self, tmp_path: Path) -> None:
        self.assert_named(run(archive_of(tmp_path, "ann/a.json", *self.EXPECTED)))

    def test_is_counted_and_named_in_a_folder(self, tmp_path: Path) -> None:
        root = tmp_path / "data"
        for path in ("ann/a.json", *self.EXPECTED, ".git/objects/a.json", ".git/b.json"):
            trees.write(root, path, nobodys())
        os.symlink("nowhere", root / "ann" / "b.json")

        outcome = run(root)

        self.assert_named(outcome, **{".git": "hidden", "ann/b.json": "no regular file"})

    def test_is_not_an_owner_of_that_name(self, tmp_path: Path) -> None:
        run(archive_of(tmp_path, "conversations/__MACOSX/a.json"))

        assert owners() == {1: "__MACOSX"}

"""`import_json --backup`: a copy that the import itself reads."""

import os
import zipfile
from pathlib import Path

import pytest

from conversations.models import Conversation, Message
from tests.conversations import trees
from tests.conversations.importing import refused, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    return root


class TestBackup:
    def test_copies_the_whole_tree_even_twice_in_one_second(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        trees.write(tree, "notes.txt", "not json")

        run(tree, "--backup")
        run(tree, "--backup")

        archives = sorted(tree.parent.glob("data_backup_*.zip"))
        assert len(archives) == 2
        for archive in archives:
            assert set(zipfile.ZipFile(archive).namelist()) == {"ann/a.json", "notes.txt"}
            assert archive.stat().st_mode & 0o777 == 0o600

    def test_nothing_is_imported_when_it_fails(self, tmp_path: Path) -> None:
        tree = tmp_path / ("d" * 250)  # the archive's name would be too long
        trees.write(tree, "ann/a.json", trees.conversation())

        assert "nothing was imported" in str(refused(tree, "--backup"))
        assert list(tmp_path.iterdir()) == [tree]

    @pytest.mark.parametrize(
        "path",
        [
            "conversations/ann/a.json",
            "ann/a.json",
            "a.json",
            "x/data/ann/a.json",
            "conversations\\ann\\a.json",
        ],
    )
    @pytest.mark.parametrize("kind", ["folder", "archive"])
    def test_is_imported_as_its_tree_was(self, tree: Path, path: str, kind: str) -> None:
        trees.write(tree, path, trees.conversation())
        given = tree
        if kind == "archive":
            given = tree.parent / "data.zip"
            with zipfile.ZipFile(given, "w") as archive:
                archive.write(tree / path, path)

        first = run(given, "--backup")[2]
        before = list(Message.objects.order_by("position").values("person_id", "content"))
        Conversation.objects.all().delete()
        [backup] = tree.parent.glob("data*_backup_*.zip")

        assert run(backup)[2] == first
        assert list(Message.objects.order_by("position").values("person_id", "content")) == before
        assert run(given)[2][0]["status"] == "unchanged"

    def test_of_a_single_file_is_imported_as_it_was(self, tree: Path) -> None:
        file = trees.write(tree, "one.json", trees.conversation())

        run(file, "--backup")
        [backup] = tree.glob("one.json_backup_*.zip")

        assert run(backup)[2][0]["status"] == "unchanged"

    def test_takes_names_that_are_not_utf_8_old_files_and_no_pipes(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        os.utime(tree / "ann" / "a.json", (0, 0))
        (tree / "ann" / os.fsdecode(b"\xff.json")).write_text("{}")
        os.mkfifo(tree / "ann" / "pipe.json")
        os.symlink("nowhere", tree / "ann" / "gone.json")

        run(tree, "--backup")

        [backup] = tree.parent.glob("*_backup_*.zip")
        assert zipfile.ZipFile(backup).namelist() == ["ann/a.json", "ann/\ufffd.json"]

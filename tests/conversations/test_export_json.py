import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from conversations.models import Conversation, Message
from tests import processes
from tests.asserts import assert_statements, stored
from tests.client import ApiClient
from tests.conversations.recipes import MOMENT, make_conversation_of, make_conversations

pytestmark = pytest.mark.django_db

ODD_IDS = [
    "ann", "..", ".", "...", "../../etc", "/etc/passwd", "a/b", "a\\b", "%", "%2F", "%2e%2e", "a:b",
    ".hidden", "~", "~root", "*", "a b", " ", " a ", "a.", "日本", "ä" * 128, "🌱" * 128, "x" * 128,
    "conversations", "data", "usage", "__MACOSX", "CON", "a\u202eb", "ann@example.org", "-rf",
    "a|b", "🌱" * 127 + "x", "é", "e\u0301",
]  # fmt: skip


def run(folder: Path) -> str:
    output = StringIO()
    call_command("export_json", str(folder), stdout=output, stderr=output)
    return output.getvalue()


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


class TestExporting:
    def test_writes_a_file_for_each_conversation(
        self, person: ApiClient, stranger: ApiClient, tmp_path: Path
    ) -> None:
        one = person.post("/conversations", {"title": "One"}).json()["id"]
        two = stranger.post("/conversations", {"title": "Two"}).json()["id"]
        before = stored()

        output = run(tmp_path / "new" / "folder")

        root = tmp_path / "new" / "folder" / "conversations"
        assert files(tmp_path) == [root / "ann" / f"{one}.json", root / "bob" / f"{two}.json"]
        assert json.loads((root / "ann" / f"{one}.json").read_bytes())["title"] == "One"
        assert f"Wrote 2 conversations to {root}." in output
        assert {file.stat().st_mode & 0o777 for file in files(tmp_path)} == {0o600}
        assert stored() == before

    def test_writes_nothing_where_there_is_nothing(self, tmp_path: Path) -> None:
        assert "Wrote 0 conversations" in run(tmp_path)
        assert files(tmp_path) == []

    def test_replaces_what_an_earlier_one_wrote(self, person: ApiClient, tmp_path: Path) -> None:
        identity = person.post("/conversations", {"title": "Old"}).json()["id"]
        run(tmp_path)
        person.patch(f"/conversations/{identity}", {"title": "New"})

        run(tmp_path)

        [file] = files(tmp_path)
        assert json.loads(file.read_bytes())["title"] == "New"

    def test_reads_conversations_in_batches(self, tmp_path: Path) -> None:
        make_conversations(600)

        # The count, two batches and the end; of each conversation one batch of messages.
        with assert_statements(1 + 3 + 600):
            output = run(tmp_path)

        assert len(files(tmp_path)) == 600
        assert "Wrote 600 conversations" in output

    @pytest.mark.parametrize("user_id", ODD_IDS)
    def test_lets_no_id_out_of_the_folder(self, tmp_path: Path, user_id: str) -> None:
        [conversation] = make_conversations(1, user_id=user_id)
        folder = tmp_path / "folder"

        run(folder)

        [file] = files(tmp_path)
        assert file.parent.parent == folder / "conversations"
        assert file.parent.resolve().parent == (folder / "conversations").resolve()
        assert file.name == f"{conversation.uid}.json"
        assert not file.parent.name.startswith(".")
        assert json.loads(file.read_bytes())["user_id"] == user_id

    def test_gives_each_person_a_folder(self, tmp_path: Path) -> None:
        for user_id in ODD_IDS:
            make_conversations(1, user_id=user_id)

        run(tmp_path)

        folders = list((tmp_path / "conversations").iterdir())
        assert len(folders) == len(set(ODD_IDS))
        assert all(len(os.fsencode(folder.name)) <= 255 for folder in folders)


class TestFailures:
    def refused(self, folder: Path) -> CommandError:
        before = stored()
        with pytest.raises(CommandError) as caught:
            run(folder)
        assert stored() == before
        return caught.value

    def test_of_the_folder_are_told_in_a_sentence(self, tmp_path: Path) -> None:
        make_conversation_of(1)
        (tmp_path / "file").write_text("kept")

        error = self.refused(tmp_path / "file")

        assert error.returncode == 1
        assert str(error).startswith("Stopped after 0 of 1 conversations: ")
        assert (tmp_path / "file").read_text() == "kept"

    def test_of_one_persons_folder_leave_no_half_file(self, tmp_path: Path) -> None:
        make_conversation_of(1)
        make_conversations(1, user_id="bob")
        (tmp_path / "conversations").mkdir()
        (tmp_path / "conversations" / "bob").write_text("in the way")

        error = self.refused(tmp_path)

        assert "Stopped after 1 of 2" in str(error)
        assert [file.suffix for file in files(tmp_path)] == [".json", ""]

    def test_end_the_process_with_1(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("kept")
        make_conversations(1)

        with pytest.raises(CommandError) as caught:
            call_command("export_json", str(tmp_path / "file" / "below"), stdout=StringIO())

        assert caught.value.returncode == 1


@pytest.mark.django_db(transaction=True)
class TestAStoppedExport:
    CONVERSATIONS, MESSAGES = 300, 40

    @pytest.fixture(autouse=True)
    def many(self) -> None:
        conversations = make_conversations(self.CONVERSATIONS, message_count=self.MESSAGES)
        for start in range(0, self.CONVERSATIONS, 50):
            Message.objects.bulk_create(
                Message(
                    conversation=conversation,
                    person_id=conversation.person_id,
                    position=position,
                    role="user",
                    content=f"{position} {'x' * 500}",
                    created_at=MOMENT,
                )
                for conversation in conversations[start : start + 50]
                for position in range(1, self.MESSAGES + 1)
            )

    def stopped(self, folder: Path, how: signal.Signals) -> list[Path]:
        """The files of an export that was told to stop as soon as there was one."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "export_json", str(folder)],
            env=processes.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        while not list(folder.rglob("*.json")) and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(how)
        process.communicate()
        return list(folder.rglob("*.json"))

    def test_leaves_whole_files_and_can_be_run_again(self, tmp_path: Path) -> None:
        for how in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
            for attempt in range(20):  # on a busy machine the stop may come after the end
                folder = tmp_path / f"{how.name} {attempt}"
                written = self.stopped(folder, how)
                if len(written) < self.CONVERSATIONS:
                    break

            assert 0 < len(written) < self.CONVERSATIONS, how
            for file in written:
                assert len(json.loads(file.read_bytes())["messages"]) == self.MESSAGES
            run(folder)
            assert len(list(folder.rglob("*.json"))) == Conversation.objects.count()
            assert {file.suffix for file in files(folder)} == {".json"}

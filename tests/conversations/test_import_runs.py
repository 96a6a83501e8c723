"""An import that runs again, only looks, is large, or is killed."""

import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from conversations.models import Conversation, Message
from tests import processes
from tests.asserts import assert_statements
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.importing import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    return root


class TestAgain:
    def test_changes_nothing(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        run(tree)
        before = list(Message.objects.order_by("id").values())

        code, _, report = run(tree)

        assert (code, report[0]["status"]) == (0, "unchanged")
        assert list(Message.objects.order_by("id").values()) == before

    def test_the_same_content_with_other_white_space_is_unchanged(self, tree: Path) -> None:
        file = trees.write(tree, "ann/a.json", trees.conversation())
        run(tree)
        file.write_text(json.dumps(dict(reversed(trees.conversation().items()))))

        assert run(tree)[2][0]["status"] == "unchanged"

    def test_leaves_alone_what_was_done_to_the_conversation_since(
        self, tree: Path, person: ApiClient
    ) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        run(tree)
        person.patch(f"/conversations/{trees.ANN_1}", {"title": "Renamed"})
        person.post(f"/conversations/{trees.ANN_1}/messages", {"role": "user", "content": "more"})

        run(tree, "--on-conflict", "update")

        conversation = Conversation.objects.get()
        assert (conversation.title, conversation.message_count) == ("Renamed", 3)

    @pytest.mark.parametrize(
        ("choice", "status", "code", "count"),
        [("skip", "skipped", 0, 2), ("update", "updated", 0, 3), ("fail", "failed", 1, 2)],
    )
    def test_a_file_that_has_grown_is_treated_as_told(
        self, tree: Path, choice: str, status: str, code: int, count: int
    ) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        run(tree)
        grown = [*trees.conversation()["messages"], {"role": "user", "content": "and?"}]
        trees.write(tree, "ann/a.json", trees.conversation(messages=grown))

        result, _, report = run(tree, "--on-conflict", choice)

        assert (result, report[0]["status"]) == (code, status)
        assert Conversation.objects.get().message_count == count
        assert Message.objects.count() == count

    def test_an_id_the_api_has_made_is_a_conflict(self, tree: Path, person: ApiClient) -> None:
        person.post("/conversations", {"id": trees.ANN_1, "title": "Mine"})
        trees.write(tree, "ann/a.json", trees.conversation())

        assert run(tree)[2][0]["status"] == "skipped"
        assert Conversation.objects.get().title == "Mine"

    def test_one_id_in_two_files_is_taken_once(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        trees.write(tree, "ann/b.json", trees.conversation())
        trees.write(tree, "ann/c.json", trees.conversation(title="Other"))

        statuses = [line["status"] for line in run(tree)[2]]

        assert statuses == ["created", "unchanged", "skipped"]


class TestDryRun:
    def test_reports_the_same_and_writes_nothing(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        trees.write(tree, "ann/b.json", trees.conversation())
        trees.write(tree, "ann/c.json", trees.conversation(title="Other"))
        trees.write(tree, "ann/d.json", "{")
        trees.write(tree, "usage/ann/usage.json", {"daily_count": 1})

        dry = run(tree, "--dry-run", "--backup")

        assert not Conversation.objects.exists()
        assert list(tree.parent.glob("*backup*")) == []
        real = run(tree)
        assert (dry[0], dry[2]) == (real[0], real[2])


class TestBulk:
    def test_hundred_conversations_take_a_handful_of_statements(self, tree: Path) -> None:
        for number in range(100):
            file = trees.conversation(id=str(uuid.UUID(int=number)))
            trees.write(tree, f"ann/{number:03}.json", file)

        with assert_statements(3):
            run(tree)

        assert Message.objects.count() == 200

    @pytest.mark.parametrize("text", ["\t", "\n", "\r", "\\", "\\N", "\\.", "a\\tb\t\\\r\n\u2028"])
    def test_stores_any_text_as_it_stands(self, tree: Path, text: str) -> None:
        stage = [{"model": text, "response": text}]
        messages = [{"role": "user", "content": text, "stage1": stage, "metadata": {text: text}}]
        trees.write(tree, "ann/a.json", trees.conversation(messages=messages))

        run(tree)

        message = Message.objects.get()
        assert message.content == text
        assert (message.stage1_data, message.metadata) == (stage, {text: text})
        assert (message.idempotency_key, message.stage2_data) == (None, None)


@pytest.mark.django_db(transaction=True)
class TestUnderFire:
    """Real processes on the real test database."""

    SIZE = 1000

    @pytest.fixture
    def large_tree(self, tree: Path) -> Path:
        for number in range(self.SIZE):
            messages = [{"role": "user", "content": f"{number} {'x' * 2000}"}] * 20
            file = trees.conversation(id=str(uuid.UUID(int=number)), messages=messages)
            trees.write(tree, f"ann/{number:05}.json", file)
        return tree

    def start(self, tree: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", "import_json", str(tree)],
            env=processes.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def assert_whole(self) -> None:
        for conversation in Conversation.objects.all():
            positions = list(
                conversation.messages.order_by("position").values_list("position", flat=True)
            )
            assert positions == list(range(1, 21))

    def test_two_imports_at_once_make_each_conversation_once(self, large_tree: Path) -> None:
        runs = [self.start(large_tree), self.start(large_tree)]

        outputs = [process.communicate(timeout=120)[0] for process in runs]

        assert [process.returncode for process in runs] == [0, 0], outputs
        assert Conversation.objects.count() == self.SIZE
        self.assert_whole()

    def test_a_killed_import_leaves_whole_conversations_and_goes_on(self, large_tree: Path) -> None:
        process = self.start(large_tree)
        deadline = time.monotonic() + 60
        while not Conversation.objects.exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()

        assert 0 < Conversation.objects.count() < self.SIZE
        self.assert_whole()
        code, output, _ = run(large_tree)

        assert code == 0, output
        assert Conversation.objects.count() == self.SIZE
        self.assert_whole()

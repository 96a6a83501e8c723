"""An import of what stands, of what was deleted or archived at its source, in every dialect."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from conversations.models import Conversation
from tests.asserts import assert_statements, stored
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.importing import run

pytestmark = pytest.mark.django_db


def exported(root: Path) -> Path:
    call_command("export_json", str(root), verbosity=0)
    return root


class TestAnOwnExport:
    """What any tree gives stands in test_round_trip.py."""

    def test_of_the_demo_data_is_unchanged(self, tmp_path: Path) -> None:
        call_command("import_json", "demo/data", "--user-id", "ann", verbosity=0)

        code, output, report = run(exported(tmp_path / "out"))

        assert code == 0
        assert f"{len(report)} unchanged" in output and len(report) > 10

    def test_of_what_was_changed_since_is_unchanged(
        self, person: ApiClient, tmp_path: Path
    ) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation(is_archived=True))
        run(tmp_path / "data")
        person.patch(f"/conversations/{trees.ANN_1}", {"title": "New", "archived": False})
        person.post(f"/conversations/{trees.ANN_1}/messages", trees.council_answer())
        before = stored()

        assert (
            run(exported(tmp_path / "out"), "--on-conflict", "fail")[2][0]["status"] == "unchanged"
        )
        assert stored() == before

    def test_that_is_older_than_what_stands_is_a_conflict(
        self, person: ApiClient, tmp_path: Path
    ) -> None:
        person.post("/conversations", {"id": trees.ANN_1, "title": "Old"})
        old = exported(tmp_path / "out")
        person.patch(f"/conversations/{trees.ANN_1}", {"title": "New"})

        assert run(old)[2][0]["status"] == "skipped"

    @pytest.mark.parametrize(
        "change",
        [
            {"title": "Other"},
            {"metadata": {"a": 1}},
            {"archived": True},
            {"created_at": "2025-11-30T10:00:00.123457"},
            {"updated_at": "2025-11-30T10:00:01"},
            {"tags": ["x"]},
            {"messages": [{"role": "user", "content": "which?"}, trees.council_answer()]},
            {"messages": [{"role": "user", "content": "Which?"}, trees.council_answer(id=1)]},
            {"messages": [{"role": "user", "content": "Which?"}, trees.council_answer(stage3="x")]},
            {"messages": [trees.council_answer(), {"role": "user", "content": "Which?"}]},
        ],
        ids=str,
    )
    def test_with_anything_else_in_it_is_a_conflict(
        self, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation())
        run(tmp_path / "data")
        [file] = exported(tmp_path / "out").rglob("*.json")
        file.write_text(json.dumps(json.loads(file.read_text()) | change))

        assert run(tmp_path / "out")[2][0]["status"] == "skipped"

    def test_of_an_import_elsewhere_and_the_first_file_say_the_same(self, tmp_path: Path) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation())
        run(tmp_path / "data")
        exported(tmp_path / "out")
        Conversation.objects.all().delete()
        run(tmp_path / "out")

        assert run(tmp_path / "data")[2][0]["status"] == "unchanged"

    def test_takes_two_statements_for_each_file_of_another_hash(self, tmp_path: Path) -> None:
        for number in range(20):
            file = trees.conversation(id=str(uuid.UUID(int=number)))
            trees.write(tmp_path, f"data/ann/{number}.json", file)
        run(tmp_path / "data")

        with assert_statements(1):
            run(tmp_path / "data")
        exported(tmp_path / "out")
        with assert_statements(1 + 2 * 20):
            assert {line["status"] for line in run(tmp_path / "out")[2]} == {"unchanged"}


class TestDeletedAtItsSource:
    SAID = [
        {"deleted": True},
        {"deleted": 1},
        {"deleted": "true"},
        {"is_deleted": True},
        {"isDeleted": True},
        {"deleted_at": "2026-01-01T00:00:00Z"},
        {"deletedAt": 1764496800},
        {"status": "deleted"},
    ]

    @pytest.mark.parametrize("said", SAID, ids=str)
    def test_is_skipped_and_named(self, tmp_path: Path, said: dict[str, Any]) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation(**said))

        dry = run(tmp_path / "data", "--dry-run")
        code, output, report = run(tmp_path / "data")

        assert (code, report[0]["status"]) == (0, "skipped")
        assert "--include-deleted" in report[0]["reason"]
        assert "ann/a.json: was deleted at its source" in output
        assert dry[2] == report
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize("said", SAID, ids=str)
    def test_is_imported_when_told(self, tmp_path: Path, said: dict[str, Any]) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation(**said))

        run(tmp_path / "data", "--include-deleted")

        assert Conversation.objects.get().extra == said
        assert run(tmp_path / "data")[2][0]["status"] == "unchanged"
        assert run(exported(tmp_path / "out"))[2][0]["status"] == "unchanged"

    def test_leaves_what_stands(self, tmp_path: Path) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation())
        run(tmp_path / "data")
        trees.write(tmp_path, "data/ann/a.json", trees.conversation(deleted=True))
        before = stored()

        code, _, report = run(tmp_path / "data", "--on-conflict", "update")

        assert (code, report[0]["status"]) == (0, "skipped")
        assert stored() == before

    @pytest.mark.parametrize(
        "said",
        [
            {"deleted": False},
            {"deleted": None},
            {"deleted_at": None},
            {"deleted_at": ""},
            {"deleted": "maybe"},
            {"status": "open"},
            {"deleted": False, "deleted_at": "2026-01-01"},
            {"deleted_by": "bob"},
        ],
        ids=str,
    )
    def test_is_not_what_says_otherwise(self, tmp_path: Path, said: dict[str, Any]) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation(**said))

        assert run(tmp_path / "data")[2][0]["status"] == "created"


class TestArchivedAtItsSource:
    @pytest.mark.parametrize(
        ("said", "since"),
        [
            ({"archived": True}, "2025-11-30T10:00:00.123456Z"),
            ({"archived": True, "updated_at": "2026-02-01"}, "2026-02-01T00:00:00Z"),
            ({"archived": 1}, "2025-11-30T10:00:00.123456Z"),
            ({"archived": "Yes"}, "2025-11-30T10:00:00.123456Z"),
            ({"is_archived": True}, "2025-11-30T10:00:00.123456Z"),
            ({"isArchived": "true"}, "2025-11-30T10:00:00.123456Z"),
            ({"status": "archived"}, "2025-11-30T10:00:00.123456Z"),
            ({"state": "Archived"}, "2025-11-30T10:00:00.123456Z"),
            ({"archived_at": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z"),
            ({"archived": True, "archivedAt": 1767225600}, "2026-01-01T00:00:00Z"),
            ({"archived": "2026-01-01"}, "2026-01-01T00:00:00Z"),
            ({"archived": False}, None),
            ({"archived": "no", "is_archived": True}, None),
            ({"archived_at": None}, None),
            ({"archived": "maybe"}, None),
        ],
        ids=str,
    )
    def test_is_archived(
        self, person: ApiClient, tmp_path: Path, said: dict[str, Any], since: str | None
    ) -> None:
        trees.write(tmp_path, "data/ann/a.json", trees.conversation(**said))

        run(tmp_path / "data")

        row = Conversation.objects.get()
        written = row.archived_at and row.archived_at.isoformat().replace("+00:00", "Z")
        assert written == since
        shown = person.get(f"/conversations/{trees.ANN_1}").json()
        assert shown["archived"] is (since is not None)

    def test_keeps_its_time_over_an_export(self, person: ApiClient, tmp_path: Path) -> None:
        person.post("/conversations", {"id": trees.ANN_1, "title": "x"})
        person.patch(f"/conversations/{trees.ANN_1}", {"archived": True})
        person.post(f"/conversations/{trees.ANN_1}/messages", {"role": "user", "content": "more"})
        before = Conversation.objects.get().archived_at
        exported(tmp_path / "out")
        Conversation.objects.all().delete()

        run(tmp_path / "out")

        assert Conversation.objects.get().archived_at == before

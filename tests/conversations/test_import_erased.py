"""Imports bring nobody back who was erased, while that is remembered, unless told."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from billing.models import Usage
from consent.models import ConsentEvent
from conversations.models import Conversation
from tests.access.test_erased_person import KEY, erase
from tests.asserts import stored
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.importing import run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def remembered(settings: Any) -> None:
    settings.ERASED_PERSONS_KEY = KEY


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    trees.write(root, "conversations/ann/a.json", trees.conversation())
    trees.write(root, "conversations/bob/b.json", trees.conversation(user_id="bob"))
    trees.write(root, "usage/ann/usage.json", {"daily_count": 3})
    trees.write(root, "usage/bob/usage.json", {"daily_count": 3})
    return root


class TestAnImportOfFiles:
    def test_skips_and_names_what_was_an_erased_persons(
        self, tree: Path, person: ApiClient
    ) -> None:
        run(tree)
        erase(person, "ann")

        dry = run(tree, "--dry-run", "--on-conflict", "update")
        code, output, report = run(tree, "--on-conflict", "update")

        assert code == 0
        assert {line["path"]: line["status"] for line in report} == {
            "conversations/ann/a.json": "skipped",
            "conversations/bob/b.json": "unchanged",
            "usage/ann/usage.json": "skipped",
            "usage/bob/usage.json": "unchanged",
        }
        assert dry[2] == report
        assert "skipped: conversations/ann/a.json: its person was erased here" in output
        assert "skipped: usage/ann/usage.json: its person was erased here" in output
        assert "2 skipped" in output
        assert set(Conversation.objects.values_list("person__user_id", flat=True)) == {"bob"}
        assert not Usage.objects.filter(person__user_id="ann").exists()

    def test_lets_them_in_when_told(self, tree: Path, person: ApiClient) -> None:
        run(tree)
        erase(person, "ann")

        _, _, report = run(tree, "--include-erased")

        assert [line["status"] for line in report if line["user_id"] == "ann"] == ["created"] * 2
        assert {line["status"] for line in run(tree)[2]} == {"unchanged"}

    def test_cannot_tell_without_the_key(
        self, tree: Path, person: ApiClient, settings: Any
    ) -> None:
        settings.ERASED_PERSONS_KEY = ""
        run(tree)
        erase(person, "ann")

        by_path = {line["path"]: line["status"] for line in run(tree)[2]}
        assert by_path["conversations/ann/a.json"] == "created"

    def test_writes_nothing_for_the_person(self, tree: Path, person: ApiClient) -> None:
        run(tree)
        erase(person, "ann")
        before = stored()

        run(tree)

        assert stored() == before


class TestAnImportOfConsents:
    def run(self, folder: Path, *arguments: str) -> str:
        said = {
            "terms_accepted": True,
            "marketing_consent": False,
            "timestamp": "2025-05-03T12:00:00Z",
        }
        rows = [{"user_id": name, **said} for name in ("ann", "bob")]
        file = folder / "consents.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)))
        output = StringIO()
        call_command("import_consents", str(file), *arguments, stdout=output)
        return output.getvalue()

    def persons(self) -> set[str]:
        return set(ConsentEvent.objects.values_list("person__user_id", flat=True))

    def test_skips_and_names_an_erased_person(self, tmp_path: Path, person: ApiClient) -> None:
        erase(person, "ann")

        output = self.run(tmp_path)

        assert self.persons() == {"bob"}
        assert "skipped: ann\n" in output
        assert "Skipped 1 persons who were erased here; --include-erased imports them." in output

    def test_lets_them_in_when_told(self, tmp_path: Path, person: ApiClient) -> None:
        erase(person, "ann")

        assert "kipped" not in self.run(tmp_path, "--include-erased")
        assert self.persons() == {"ann", "bob"}

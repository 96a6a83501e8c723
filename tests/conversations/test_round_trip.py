"""Import, export, import into an empty database and export again: the two exports are the same.

And each exported file means what the first input meant, where the import replaced nothing.
"""

import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.models import Conversation
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.round_trips import (
    assert_round_trip,
    examples,
    exported_again,
    generated_trees,
    import_tree,
    round_trip,
    texts,
    values,
)

pytestmark = pytest.mark.django_db


class TestTheRoundTrip:
    def test_of_the_demo_tree(self) -> None:
        assert_round_trip(Path("demo/data"), "--user-id", "mei.tanaka")

        assert Conversation.objects.count() > 10

    @examples
    @given(files=generated_trees)
    def test_of_any_tree(self, files: list[dict[str, Any]]) -> None:
        Conversation.objects.all().delete()
        with tempfile.TemporaryDirectory() as folder:
            for number, file in enumerate(files):
                trees.write(Path(folder), f"{number}.json", file)
            assert_round_trip(Path(folder))

    @pytest.mark.parametrize(
        "fields",
        [
            {"messages": []},
            {"title": "x" * 501},
            {"title": None},
            {"title": 5},
            {"metadata": {}},
            {"metadata": None},
            {"metadata": [1]},
            {"metadata": {"a": 1.0}},
            {"archived": True},
            {"archived": True, "updated_at": "2026-01-01T00:00:00Z"},
            {"archived": False},
            {"archived": None},
            {"archived": "yes"},
            {"archived": 1},
            {"is_archived": True, "archived_at": "2026-01-01T00:00:00+01:00"},
            {"isArchived": "true", "archived": False},
            {"archived_at": 1764496800},
            {"status": "archived", "metadata": {"a": 1}},
            {"updated_at": None},
            {"updated_at": "yesterday"},
            {"updated_at": "2025-11-30T10:00:00.123456"},
            {"updated_at": "2025-01-01T00:00:00+05:00"},
            {"created_at": "yesterday"},
            {"created_at": None},
            {"created_at": None, "updated_at": "2026-01-01T00:00:00Z"},
            {"id": 7},
            {"id": 7.0},
            {"id": "trip-2025"},
            {"id": trees.ANN_1.upper()},
            {"user_id": "../.."},
            {"user_id": "🌱" * 128},
            {"rank": 1e16, "low": -0.0, "big": 2**63 - 1, "deep": [[[[{}]]]]},
            {"messages": [{"role": "user", "content": "a\u2028b\x85c\u2029d"}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
            {"messages": [{"role": "user", "content": None, "stage1": None, "metadata": None}]},
            {"messages": [{"role": "tool", "id": "m1", "timestamp": 1764496800, "content": ""}]},
            {"messages": [{"role": "user", "created_at": "2026-01-01T00:00:00+01:00"}]},
            {"messages": [{"stage1": [], "stage2": {}, "stage3": "text", "role": "assistant"}]},
            {"messages": [{"stage1": 0, "stage2": False, "stage3": "", "role": "assistant"}]},
        ],
        ids=str,
    )
    def test_of_a_file_with(self, tmp_path: Path, fields: dict[str, Any]) -> None:
        round_trip(tmp_path, trees.conversation(**fields))

    @pytest.mark.parametrize("identity", [0, False, [], {}, "", None])
    def test_of_an_id_that_is_nothing(self, tmp_path: Path, identity: Any) -> None:
        round_trip(tmp_path, trees.conversation(id=identity))

    def test_of_a_file_without_a_title(self, tmp_path: Path) -> None:
        file = trees.conversation()
        del file["title"]

        round_trip(tmp_path, file)

    def test_of_values_that_are_replaced(self, tmp_path: Path) -> None:
        file = trees.conversation(rank=float("inf"), low=[float("nan"), 2**64], title="a\0b")

        round_trip(tmp_path, file)


class TestWhatTheAPIMade:
    def make(self, person: ApiClient) -> str:
        first = {"role": "user", "content": "a\u2028b", "metadata": {"n": 1.0}}
        made = person.post(
            "/conversations",
            {
                "title": "Heat\x85 pumps",
                "metadata": {"b": 1, "a": [1.5, None]},
                "messages": [first],
            },
        ).json()
        person.post(f"/conversations/{made['id']}/messages", trees.council_answer())
        return made["id"]

    def shown(self, person: ApiClient, identity: str) -> dict[str, Any]:
        """As the API shows it; ids of messages are made anew by an import."""
        shown: dict[str, Any] = person.get(f"/conversations/{identity}").json()
        for message in shown["messages"]:
            del message["id"]
        return shown

    @pytest.mark.parametrize("archived", [True, False])
    def test_comes_back_as_it_was(self, person: ApiClient, tmp_path: Path, archived: bool) -> None:
        identity = self.make(person)
        person.patch(f"/conversations/{identity}", {"archived": archived})
        before = self.shown(person, identity)

        first, second = exported_again(tmp_path / "1", tmp_path / "2")

        assert first == second
        assert self.shown(person, identity) == before

    def test_comes_back_empty(self, person: ApiClient, tmp_path: Path) -> None:
        person.post("/conversations", {"id": str(uuid.UUID(int=5))})

        first, second = exported_again(tmp_path / "1", tmp_path / "2")

        assert first == second
        assert Conversation.objects.get().uid == uuid.UUID(int=5)

    @examples
    @given(
        title=texts.filter(lambda title: bool(title.strip())),
        contents=st.lists(texts.filter(lambda text: bool(text)), max_size=3),
        metadata=st.dictionaries(texts, values, max_size=3),
    )
    def test_comes_back_whatever_it_says(
        self, person: ApiClient, title: str, contents: list[str], metadata: dict[str, Any]
    ) -> None:
        Conversation.objects.all().delete()
        messages = [{"role": "user", "content": text, "metadata": metadata} for text in contents]
        made = person.post(
            "/conversations", {"title": title, "metadata": metadata, "messages": messages}
        ).json()
        before = self.shown(person, made["id"])

        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            first, second = exported_again(Path(one), Path(two))

        assert first == second
        assert self.shown(person, made["id"]) == before


class TestAnImportedConversationThatWasChanged:
    def exported(self, root: Path) -> dict[str, Any]:
        first, second = exported_again(root / "1", root / "2")
        assert first == second
        [content] = first.values()
        exported: dict[str, Any] = json.loads(content)
        return exported

    def imported(self, root: Path, **fields: Any) -> None:
        trees.write(root, "data/0.json", trees.conversation(**fields))
        import_tree(root / "data")

    @pytest.mark.parametrize("title", ["Heat pumps", "x" * 501, None, 5])
    def test_has_its_new_title(self, person: ApiClient, tmp_path: Path, title: Any) -> None:
        self.imported(tmp_path, title=title)

        person.patch(f"/conversations/{trees.ANN_1}", {"title": "New"})

        assert self.exported(tmp_path)["title"] == "New"

    @pytest.mark.parametrize("old", [{"a": 1}, {}, None, [1]])
    @pytest.mark.parametrize("new", [{"b": 2}, {}])
    def test_has_its_new_metadata(
        self, person: ApiClient, tmp_path: Path, old: Any, new: dict[str, Any]
    ) -> None:
        self.imported(tmp_path, metadata=old)

        person.patch(f"/conversations/{trees.ANN_1}", {"metadata": new})

        assert (self.exported(tmp_path).get("metadata") or {}) == new
        assert person.get(f"/conversations/{trees.ANN_1}").json()["metadata"] == new

    @pytest.mark.parametrize("old", [True, False, None, "yes", "maybe"])
    @pytest.mark.parametrize("new", [True, False])
    def test_is_archived_as_it_is_now(
        self, person: ApiClient, tmp_path: Path, old: Any, new: bool
    ) -> None:
        self.imported(tmp_path, archived=old)

        person.patch(f"/conversations/{trees.ANN_1}", {"archived": new})

        assert (self.exported(tmp_path).get("archived") in (True, "yes")) is new
        assert person.get(f"/conversations/{trees.ANN_1}").json()["archived"] is new

    @pytest.mark.parametrize("created_at", ["2025-11-30T10:00:00", "yesterday", None])
    def test_has_the_messages_that_were_added(
        self, person: ApiClient, tmp_path: Path, created_at: Any
    ) -> None:
        self.imported(tmp_path, created_at=created_at)

        added = person.post(
            f"/conversations/{trees.ANN_1}/messages", {"role": "user", "content": "more"}
        ).json()

        exported = self.exported(tmp_path)
        assert exported["messages"][-1] == {
            "role": "user",
            "content": "more",
            "created_at": added["created_at"],
        }
        assert exported["updated_at"] == added["created_at"]

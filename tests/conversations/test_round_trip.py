"""Import, export, import into an empty database and export again: the two exports are the same.

And each exported file means what the first input meant, where the import replaced nothing.
"""

import datetime
import json
import tempfile
import uuid
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from tests.asserts import stored
from tests.client import ApiClient
from tests.conversations import trees

pytestmark = pytest.mark.django_db

Files = dict[str, bytes]

examples = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(
    characters | st.sampled_from("\u2028\u2029\x85\x0b\x1c\r\n\t\"'\\%🌱日"), max_size=10
)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
unstorable = st.sampled_from(
    [float("inf"), float("-inf"), float("nan"), 2**64, "a\0", "\ud800", {"\0": 1}, [float("inf")]]
)
anything = values | unstorable
times = st.sampled_from(
    [
        "2025-11-30T10:00:00.123456", "2025-11-30T10:00:00", "2025-11-30T10:00:00Z", "2025-11-30",
        "2025-11-30T10:00:00.5+02:00", "2025-11-30T10:00:00.000001-09:30", "1969-07-20T20:17:40Z",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "  2025-11-30T10:00:00  ",
        1764496800, 1764496800.25, 1764496800000, 0, -1,
    ]
)  # fmt: skip
unreadable = st.sampled_from(["yesterday", "", None, [], {}, True, "2025-13-45", 1e300])
flags = st.sampled_from([0, 1, "true", "Yes", "no", "1", "0", "", "maybe"])
owners = st.sampled_from(
    [
        "ann", "a/b", "..", "../..", ".hidden", "...", "%", "%2F", "a:b", "日本", "🌱" * 128, " ",
        "x" * 128, "~", "conversations", "data", "usage", "ann@example.org", "a\\b", "e\u0301", "é",
    ]
) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128
).filter(lambda owner: not owner.startswith("erased-"))  # fmt: skip
identities = st.uuids().map(str) | st.sampled_from(
    [
        "trip-2025", "7", 7, 7.5, True, "../../x", "x" * 300, " ", "日本", ["a"], {"a": 1},
        "0B5F3C1E-6A52-4F0E-9D3A-1C9A4D1F0001", "{0b5f3c1e-6a52-4f0e-9d3a-1c9a4d1f0002}",
        "urn:uuid:0b5f3c1e-6a52-4f0e-9d3a-1c9a4d1f0003", "0b5f3c1e6a524f0e9d3a1c9a4d1f0004",
    ]
)  # fmt: skip
objects = st.dictionaries(texts, anything, max_size=3)


def shuffled(items: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.permutations(list(items.items())).map(dict)


messages = (
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool"])},
        optional={
            "content": texts | st.none() | st.lists(objects, max_size=2) | anything,
            "stage1": st.none() | anything | st.lists(objects, max_size=2),
            "stage2": st.none() | anything,
            "stage3": st.none() | anything | objects,
            "metadata": st.none() | st.just({}) | st.lists(values, max_size=2) | objects,
            "id": anything,
            "timestamp": times | unreadable,
            "created_at": times | unreadable,
            "position": anything,
            "extra": anything,
        },
    )
    .flatmap(lambda known: objects.map(lambda more: more | known))
    .flatmap(shuffled)
)
conversations = (
    st.fixed_dictionaries(
        {
            "user_id": owners,
            "title": texts | st.just("ä" * 501) | st.just("x" * 500) | st.none() | anything,
            "messages": st.lists(messages, max_size=3),
        },
        optional={
            "id": identities,
            "created_at": times | unreadable,
            "updated_at": times | unreadable,
            "archived": st.booleans() | st.none() | flags | times | anything,
            "is_archived": flags | anything,
            "archived_at": times | unreadable,
            "status": st.sampled_from(["archived", "open", 5]),
            "metadata": st.none() | st.just({}) | st.lists(values, max_size=2) | objects,
            "message_count": anything,
            "extra": anything,
            "external_id": anything,
            "source": anything,
        },
    )
    .flatmap(lambda known: objects.map(lambda more: more | known))
    .flatmap(shuffled)
)
generated_trees = st.lists(conversations, min_size=1, max_size=3)


def import_tree(root: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """The import's report, by path."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        call_command(
            "import_json", str(root), "--report", str(report), *arguments, stdout=StringIO()
        )
        lines = [json.loads(line) for line in report.read_text("utf-8").split("\n") if line]
    return {line["path"]: line for line in lines}


def export_tree(root: Path) -> Files:
    call_command("export_json", str(root), stdout=StringIO())
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in root.rglob("*")
        if file.is_file()
    }


def exported_again(first: Path, second: Path) -> tuple[Files, Files]:
    """What is exported now, and what is exported after that went through an emptied database."""
    one = export_tree(first)
    if one:
        assert_unchanged(first)
    Conversation.objects.all().delete()
    if one:
        report = import_tree(first)
        assert {line["status"] for line in report.values()} == {"created"}, report
        assert_unchanged(first)
    return one, export_tree(second)


def assert_unchanged(root: Path) -> None:
    """An import of what was exported has nothing to do, and none would have, told to update."""
    before = stored()
    for arguments in (["--dry-run"], ["--on-conflict", "update"]):
        report = import_tree(root, *arguments)
        assert {line["status"] for line in report.values()} == {"unchanged"}, report
    assert stored() == before


def instant(value: Any) -> datetime.datetime | None:
    """The moment that is meant, read in other ways than the import reads it."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    if isinstance(value, str):
        try:
            moment = datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    if not -(10**14) < value < 10**14:
        return None
    seconds = value / 1000 if value >= 10**11 else value
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)


def assert_means_the_same(exported: dict[str, Any], given: dict[str, Any], stem: str) -> None:
    expected = given | {"user_id": given.get("user_id", exported["user_id"])}
    if given.get("id") in (None, ""):  # then the file's name is its id
        expected["id"] = stem
    exported = dict(exported)
    for key in ("created_at", "updated_at"):
        if (moment := instant(given.get(key))) is not None:
            assert instant(exported.pop(key)) == moment
            del expected[key]
    # As text, which tells 1 from 1.0 and true.
    assert json.dumps(exported, sort_keys=True) == json.dumps(expected, sort_keys=True)


def assert_round_trip(root: Path, *arguments: str) -> None:
    report = import_tree(root, *arguments)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        first, second = exported_again(Path(one), Path(two))

    assert first == second
    exported = {Path(path).stem: json.loads(content) for path, content in first.items()}
    for path, line in report.items():
        if line["status"] == "created" and "id" in line and "replaced" not in line:
            given = json.loads((root / path).read_text("utf-8-sig"))
            assert_means_the_same(exported[line["id"]], given, Path(path).stem)


def round_trip(root: Path, file: dict[str, Any]) -> None:
    trees.write(root, "0.json", file)
    assert_round_trip(root)
    assert Conversation.objects.count() == 1


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

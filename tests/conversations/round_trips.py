"""Any tree of files, and what an import and an export make of it."""

import datetime
import json
import os
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from tests.asserts import stored
from tests.conversations import trees

Files = dict[str, bytes]

# ROUND_TRIP_EXAMPLES=500 looks further than the suite does.
examples = settings(
    max_examples=int(os.environ.get("ROUND_TRIP_EXAMPLES", "45")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
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

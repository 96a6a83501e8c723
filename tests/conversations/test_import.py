import datetime
import json
import os
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conversations.models import Conversation, Message
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.importing import refused, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    return root


class TestLayouts:
    @pytest.mark.parametrize(
        "path",
        [
            f"conversations/ann/{trees.ANN_1}.json",
            f"ann/{trees.ANN_1}.json",
            f"data/conversations/ann/{trees.ANN_1}.json",
            f"backend/data/conversations/ann/{trees.ANN_1}.json",
            f"data/ann/{trees.ANN_1}.json",
        ],
    )
    def test_finds_conversations_in_their_owners_folder(self, tree: Path, path: str) -> None:
        file = trees.conversation()
        del file["user_id"]
        trees.write(tree, path, file)

        code, output, report = run(tree)

        assert (code, report[0]["status"], report[0]["user_id"]) == (0, "created", "ann")
        assert Conversation.objects.get().uid == uuid.UUID(trees.ANN_1)

    @pytest.mark.parametrize("path", [f"conversations/{trees.ANN_1}.json", f"{trees.ANN_1}.json"])
    def test_asks_whose_a_flat_tree_is(self, tree: Path, path: str) -> None:
        trees.write(tree, path, trees.conversation(user_id=None))

        error = refused(tree)

        assert error.returncode == 2
        assert "--user-id" in str(error)

    def test_gives_a_flat_tree_to_the_named_person(self, tree: Path) -> None:
        trees.write(tree, f"conversations/{trees.ANN_1}.json", trees.conversation(user_id=None))

        code, _, report = run(tree, "--user-id", "zoë@example.org")

        assert (code, report[0]["user_id"]) == (0, "zoë@example.org")

    def test_takes_a_flat_file_that_names_its_owner(self, tree: Path) -> None:
        trees.write(tree, f"{trees.ANN_1}.json", trees.conversation())

        assert run(tree)[2][0]["user_id"] == "ann"

    def test_takes_all_layouts_in_one_tree(self, tree: Path) -> None:
        for path, identity in (
            ("conversations/ann/a.json", 1),
            ("bob/b.json", 2),
            ("conversations/c.json", 3),
        ):
            file = trees.conversation(id=str(uuid.UUID(int=identity)))
            del file["user_id"]
            trees.write(tree, path, file)

        run(tree, "--user-id", "cleo")

        owners = Conversation.objects.order_by("uid").values_list("person__user_id", flat=True)
        assert list(owners) == ["ann", "bob", "cleo"]

    def test_takes_a_single_file(self, tree: Path) -> None:
        file = trees.write(tree, "somewhere/one.json", trees.conversation())

        assert run(file)[2][0]["status"] == "created"

    def test_takes_a_zip_archive(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "backup.zip", "w") as archive:
            archive.writestr("data/conversations/ann/a.json", json.dumps(trees.conversation()))
            archive.writestr("__MACOSX/data/conversations/ann/._a.json", "garbage")

        code, _, report = run(tmp_path / "backup.zip")

        assert (code, [line["status"] for line in report]) == (0, ["not_read", "created"])

    def test_refuses_a_file_deeper_than_any_layout_has_it(self, tree: Path) -> None:
        trees.write(tree, "conversations/ann/old/a.json", trees.conversation())

        code, _, report = run(tree)

        assert (code, report[0]["status"]) == (1, "failed")
        assert not Conversation.objects.exists()


class TestArguments:
    def test_a_path_that_is_not_there_is_refused(self, tree: Path) -> None:
        assert refused(tree / "nowhere").returncode == 2

    def test_a_tree_without_json_is_refused(self, tree: Path) -> None:
        assert refused(tree).returncode == 2

    def test_an_impossible_owner_is_refused(self, tree: Path) -> None:
        trees.write(tree, "a.json", trees.conversation(user_id=None))

        assert refused(tree, "--user-id", "a\x07b").returncode == 2

    def test_a_report_that_cannot_be_written_is_refused(self, tree: Path) -> None:
        trees.write(tree, "a.json", trees.conversation())

        assert refused(tree, "--report", str(tree / "no" / "where"), "--backup").returncode == 2
        assert list(tree.parent.iterdir()) == [tree]


class TestKeeps:
    def test_ids_order_times_stages_and_metadata(self, tree: Path, person: ApiClient) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())

        run(tree)

        shown = person.get(f"/conversations/{trees.ANN_1}").json()
        answer = trees.council_answer()
        assert shown["title"] == "Heat pumps"
        assert shown["created_at"] == "2025-11-30T10:00:00.123456Z"
        assert [message["position"] for message in shown["messages"]] == [1, 2]
        assert shown["messages"][0]["content"] == "Which?"
        for part in ("stage1", "stage2", "stage3", "metadata"):
            assert shown["messages"][1][part] == answer[part]

    def test_an_id_that_is_no_uuid(self, tree: Path) -> None:
        trees.write(tree, "ann/trip.json", trees.conversation(id="trip-2025"))

        run(tree)

        conversation = Conversation.objects.get()
        assert conversation.uid.version == 5
        assert conversation.external_id == "trip-2025"

    def test_the_same_odd_id_of_two_people_apart(self, tree: Path) -> None:
        for owner in ("ann", "bob"):
            trees.write(tree, f"{owner}/t.json", trees.conversation(id="trip", user_id=owner))

        run(tree)

        assert Conversation.objects.values("uid").distinct().count() == 2

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2025-11-30T10:00:00", "2025-11-30T10:00:00+00:00"),
            ("2025-11-30T10:00:00.5Z", "2025-11-30T10:00:00.500000+00:00"),
            ("2025-11-30T12:00:00+02:00", "2025-11-30T10:00:00+00:00"),
            (1764496800, "2025-11-30T10:00:00+00:00"),
            (1764496800000, "2025-11-30T10:00:00+00:00"),
        ],
    )
    def test_times_with_and_without_zone(self, tree: Path, written: Any, meant: str) -> None:
        trees.write(tree, "ann/a.json", trees.conversation(created_at=written))

        run(tree)

        expected = datetime.datetime.fromisoformat(meant)
        assert Conversation.objects.get().created_at == expected

    def test_unknown_keys_as_they_were(self, tree: Path) -> None:
        message = {"role": "user", "content": "x", "rounds": [1.0, {"b": 1, "a": 2}], "id": 7}
        trees.write(
            tree, "ann/a.json", trees.conversation(tags=["x"], chairman="m", messages=[message])
        )

        run(tree)

        assert Conversation.objects.get().extra == {"tags": ["x"], "chairman": "m"}
        assert Message.objects.get().extra == {"rounds": [1.0, {"b": 1, "a": 2}], "id": 7}

    def test_a_long_title_cut_in_the_column_and_whole_in_extra(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation(title="ä" * 501))

        _, output, report = run(tree)

        conversation = Conversation.objects.get()
        assert conversation.title == "ä" * 500
        assert conversation.extra["title"] == "ä" * 501
        assert report[0]["replaced"][0]["at"] == "/title"
        assert "501 characters" in output

    @pytest.mark.parametrize("title", ["", "   ", "\n\u3000"])
    def test_an_empty_title_in_extra_and_a_usual_one_in_the_column(
        self, tree: Path, person: ApiClient, title: str
    ) -> None:
        trees.write(tree, "ann/a.json", trees.conversation(title=title))

        _, _, report = run(tree)

        conversation = Conversation.objects.get()
        assert conversation.title == "New Conversation"
        assert conversation.extra["title"] == title
        assert report[0]["replaced"][0]["at"] == "/title"
        exported = person.get(f"/conversations/{conversation.uid}/export").getvalue()
        assert json.loads(exported)["title"] == title

    @pytest.mark.parametrize(
        "messages",
        [
            [],
            [{"role": "user", "content": "unanswered"}],
            [{"role": "assistant", "stage1": [{"model": "a", "response": "only"}]}],
            [{"role": "assistant", "stage1": [], "stage2": [], "stage3": {"model": "error"}}],
            [{"role": "assistant", "stage1": [], "stage2": None, "stage3": None}],
            [trees.council_answer(stage2={"rankings": []}, stage3="text")],
            [{"role": "system", "content": ""}, {"role": "tool", "content": None, "tool": 1}],
        ],
    )
    def test_every_shape_of_messages(self, tree: Path, messages: list[Any]) -> None:
        trees.write(tree, "ann/a.json", trees.conversation(messages=messages))

        code, _, report = run(tree)

        assert (code, report[0]["messages"]) == (0, len(messages))
        assert Conversation.objects.get().message_count == len(messages)

    def test_a_byte_order_mark_and_escaped_pairs(self, tree: Path) -> None:
        file = json.dumps(trees.conversation(title="\U0001f331 \u65e5\u672c"))
        trees.write(tree, "ann/a.json", b"\xef\xbb\xbf" + file.encode())

        run(tree)

        assert Conversation.objects.get().title == "\U0001f331 \u65e5\u672c"

    def test_the_time_of_a_message_where_the_file_has_one(self, tree: Path) -> None:
        message = {"role": "user", "content": "x", "timestamp": "2025-12-01T00:00:00Z"}
        trees.write(tree, "ann/a.json", trees.conversation(messages=[message]))

        run(tree)

        assert Message.objects.get().created_at.isoformat() == "2025-12-01T00:00:00+00:00"


class TestCleans:
    def test_what_cannot_be_stored_and_reports_each(self, tree: Path, person: ApiClient) -> None:
        file = json.dumps(
            trees.conversation(
                title="a\x00b", messages=[{"role": "user", "content": "x\ud800", "n": 2**64}]
            )
        )
        file = file[:-1] + ', "rank": Infinity, "low": [-Infinity, NaN, 1e999, 2.5]}'
        trees.write(tree, "ann/a.json", file)

        code, _, report = run(tree)

        conversation = Conversation.objects.get()
        assert code == 0
        assert conversation.title == "a\ufffdb"
        assert conversation.extra == {"rank": None, "low": [None, None, None, 2.5]}
        assert Message.objects.get().content == "x\ufffd"
        assert Message.objects.get().extra == {"n": None}
        assert {note["at"] for note in report[0]["replaced"]} == {
            "/title", "/messages/0/content", "/messages/0/n", "/rank", "/low/0", "/low/1", "/low/2",
        }  # fmt: skip
        assert person.get(f"/conversations/{trees.ANN_1}").status_code == 200

    def test_a_number_of_ten_thousand_digits(self, tree: Path) -> None:
        file = json.dumps(trees.conversation())[:-1] + ', "n": ' + "9" * 10_000 + "}"
        trees.write(tree, "ann/a.json", file)

        run(tree)

        assert Conversation.objects.get().extra == {"n": None}

    def test_an_unreadable_time_and_keeps_it(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation(created_at="yesterday"))

        _, _, report = run(tree)

        assert report[0]["replaced"][0]["at"] == "/created_at"
        assert Conversation.objects.get().extra == {"created_at": "yesterday"}


class TestRefuses:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("{", "not JSON"),
            ('{"id": "x"', "not JSON"),
            ("[]", "not a JSON object"),
            (b"\xff\xfe", "not UTF-8"),
            ("[" * 100_000, "nested"),
            ({"id": "x", "council_deliberation": {"messages": []}}, "no list `messages`"),
            (trees.conversation(messages={}), "no list `messages`"),
            (trees.conversation(messages=[{"role": "model"}]), "unknown role"),
            (trees.conversation(messages=[{"content": "x"}]), "unknown role"),
            (trees.conversation(messages=[{"role": ["user"]}]), "unknown role"),
            (trees.conversation(messages=["x"]), "not an object"),
            (trees.conversation(user_id="bob"), "owner"),
            (trees.conversation(user_id=5), "owner"),
            (trees.conversation(user_id=""), "owner"),
        ],
    )
    def test_what_is_no_conversation_with_a_reason(
        self, tree: Path, content: Any, reason: str
    ) -> None:
        trees.write(tree, "conversations/ann/bad.json", content)

        code, output, report = run(tree)

        assert (code, report[0]["status"]) == (1, "failed")
        assert reason in report[0]["reason"]
        assert report[0]["reason"] in output
        assert not Conversation.objects.exists()

    def test_an_owner_that_contradicts_the_named_person(self, tree: Path) -> None:
        trees.write(tree, "a.json", trees.conversation(user_id="bob"))

        assert run(tree, "--user-id", "ann")[2][0]["status"] == "failed"

    def test_only_the_bad_file_of_many(self, tree: Path) -> None:
        trees.write(tree, "ann/a.json", trees.conversation())
        trees.write(tree, "ann/b.json", "{")
        trees.write(tree, "ann/c.json", trees.conversation(id=trees.ANN_2))

        code, output, report = run(tree)

        assert code == 1
        assert [line["status"] for line in sorted(report, key=lambda line: line["path"])] == [
            "created", "failed", "created",
        ]  # fmt: skip
        assert "Read 3 files: 2 created, 0 updated, 0 unchanged, 0 skipped, 1 failed." in output

    def test_a_name_that_is_not_utf_8_is_no_hindrance(self, tree: Path) -> None:
        (tree / "ann").mkdir()
        file = {"messages": [], "created_at": "2025-01-01"}
        (tree / "ann" / os.fsdecode(b"\xff.json")).write_text(json.dumps(file))

        code, _, report = run(tree)

        assert (code, report[0]["status"], report[0]["path"]) == (0, "created", "ann/\ufffd.json")

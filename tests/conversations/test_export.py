import json
import tracemalloc
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.management import call_command

from conversations.models import Conversation, Message
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.recipes import MOMENT, make_conversation_of, make_conversations

pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024


def export(person: ApiClient, identity: Any, query: str = "") -> Any:
    return person.get(f"/conversations/{identity}/export{query}")


def body(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def fill(messages: int, content: str) -> Conversation:
    [conversation] = make_conversations(1, message_count=messages)
    for first in range(1, messages + 1, 2000):
        Message.objects.bulk_create(
            Message(
                conversation=conversation,
                person_id=conversation.person_id,
                position=position,
                role="user",
                content=f"{position} {content}",
                created_at=MOMENT,
            )
            for position in range(first, min(first + 2000, messages + 1))
        )
    return conversation


class TestJSON:
    def test_has_the_originals_shape(self, person: ApiClient, tmp_path: Path) -> None:
        trees.write(tmp_path, "ann/a.json", trees.conversation())
        call_command("import_json", str(tmp_path), verbosity=0)

        answer = export(person, trees.ANN_1, "?format=json")

        assert answer["Content-Type"] == "application/json"
        expected = trees.conversation(created_at="2025-11-30T10:00:00.123456Z")
        exported = json.loads(body(answer))
        assert exported == expected
        assert list(exported) == list(expected)

    def test_is_what_an_export_gives_without_a_format(self, person: ApiClient) -> None:
        conversation = make_conversation_of(2)

        assert body(export(person, conversation.uid)) == body(
            export(person, conversation.uid, "?format=json")
        )

    def test_is_indented_by_two_and_ends_in_a_newline(self, person: ApiClient) -> None:
        conversation = make_conversation_of(1)

        text = body(export(person, conversation.uid)).decode()

        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"

    @pytest.mark.parametrize("count", [0, 1, 499, 500, 501])
    def test_has_all_messages_in_order(self, person: ApiClient, count: int) -> None:
        conversation = make_conversation_of(count)

        exported = json.loads(body(export(person, conversation.uid)))

        assert [message["content"] for message in exported["messages"]] == [
            str(number) for number in range(1, count + 1)
        ]

    @pytest.mark.parametrize(
        "text", ["a\u2028b", "a\u2029b", "a\x85b", "a\x0bb\x0cc\x1cd\x1ee", "a\r\nb\rc", "🌱\ufeff"]
    )
    def test_keeps_every_character(self, person: ApiClient, text: str) -> None:
        messages = [{"role": "user", "content": text, "metadata": {text: [text]}}]
        made = person.post("/conversations", {"title": f"t {text}", "messages": messages}).json()

        exported = json.loads(body(export(person, made["id"])))

        assert exported["title"] == f"t {text}"
        assert exported["messages"][0]["content"] == text
        assert exported["messages"][0]["metadata"] == {text: [text]}

    def test_equals_the_file_of_the_command(self, person: ApiClient, tmp_path: Path) -> None:
        call_command("import_json", "demo/data", "--user-id", "ann", verbosity=0)
        call_command("export_json", str(tmp_path), verbosity=0)

        own = Conversation.objects.for_user("ann")
        assert own.count() > 1
        for conversation in own:
            file = tmp_path / "conversations" / "ann" / f"{conversation.uid}.json"
            assert body(export(person, conversation.uid)) == file.read_bytes()


class TestRefuses:
    @pytest.mark.parametrize("query", ["?format=pdf", "?format=JSON", "?x=1"])
    def test_what_it_does_not_know(self, person: ApiClient, query: str) -> None:
        conversation = make_conversation_of(1)
        before = stored()

        assert_problem(export(person, conversation.uid, query), 400, "invalid_request")

        assert stored() == before

    @pytest.mark.parametrize("query", ["", "?format=markdown"])
    def test_another_persons_conversation(
        self, person: ApiClient, stranger: ApiClient, query: str
    ) -> None:
        conversation = make_conversation_of(1)
        before = stored()

        assert_problem(export(stranger, conversation.uid, query), 404, "not_found")

        assert stored() == before

    def test_an_id_that_nobody_has(self, person: ApiClient) -> None:
        assert_problem(export(person, trees.ANN_1), 404, "not_found")


class TestTheFilesName:
    def name(self, person: ApiClient, title: str, query: str = "") -> str:
        made = person.post("/conversations", {"title": title}).json()
        answer = export(person, made["id"], query)
        header: str = answer["Content-Disposition"]
        assert header.startswith("attachment; filename")
        assert header.isascii() and "\r" not in header and "\n" not in header
        _, _, name = header.partition("filename")
        return unquote(name.removeprefix("*=utf-8''").removeprefix('="').removesuffix('"'))

    @pytest.mark.parametrize(
        ("title", "beginning"),
        [
            ("Heat pumps", "Heat_pumps_20"),
            ('a"b', "a_b_20"),
            ("../../etc/passwd", "etc_passwd_20"),
            ("a/b\\c:d*e?f", "a_b_c_d_e_f_20"),
            ("a\r\nX-Evil: 1", "a_X-Evil_1_20"),
            ("日本 Wärme", "日本_Wärme_20"),
            ("🌱", "conversation_20"),
            (".", "conversation_20"),
            ("x" * 500, f"{'x' * 50}_20"),
            ("\u202egnp.exe", "gnp_exe_20"),
        ],
    )
    def test_is_made_of_the_titles_letters(
        self, person: ApiClient, title: str, beginning: str
    ) -> None:
        name = self.name(person, title)

        assert name.startswith(beginning) and name.endswith(".json")

    def test_ends_as_its_format_does(self, person: ApiClient) -> None:
        assert self.name(person, "x", "?format=markdown").endswith(".md")


class TestStreaming:
    MESSAGES = 5_000

    def test_takes_the_memory_of_one_batch(self, person: ApiClient) -> None:
        conversation = fill(self.MESSAGES, "x" * 4000)
        for query in ("?format=json", "?format=markdown"):
            answer = export(person, conversation.uid, query)

            tracemalloc.start()
            try:
                size = sum(len(piece) for piece in answer.streaming_content)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

            assert size > 19 * MEGABYTE
            assert peak < 20 * MEGABYTE

    def test_takes_little_memory_for_long_messages(self, person: ApiClient) -> None:
        conversation = fill(400, "x" * 200_000)
        answer = export(person, conversation.uid)

        tracemalloc.start()
        try:
            size = sum(len(piece) for piece in answer.streaming_content)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert size > 75 * MEGABYTE
        assert peak < 20 * MEGABYTE

    @pytest.mark.parametrize(("messages", "statements"), [(0, 1), (499, 2), (1499, 6)])
    @pytest.mark.parametrize("query", ["?format=json", "?format=markdown"])
    def test_takes_two_statements_for_each_batch(
        self, person: ApiClient, query: str, messages: int, statements: int
    ) -> None:
        conversation = make_conversation_of(messages)

        with assert_statements(2 + statements):
            body(export(person, conversation.uid, query))

    def test_ends_well_when_the_conversation_is_deleted_meanwhile(self, person: ApiClient) -> None:
        conversation = make_conversation_of(1200)
        pieces = iter(export(person, conversation.uid).streaming_content)
        begun = [next(pieces) for _ in range(3)]

        person.delete(f"/conversations/{conversation.uid}")

        exported = json.loads(b"".join([*begun, *pieces]))
        assert 0 < len(exported["messages"]) < 1200

    def test_leaves_out_what_is_appended_meanwhile(self, person: ApiClient) -> None:
        conversation = make_conversation_of(500)
        answer = export(person, conversation.uid)

        person.post(
            f"/conversations/{conversation.uid}/messages", {"role": "user", "content": "late"}
        )

        assert len(json.loads(body(answer))["messages"]) == 500

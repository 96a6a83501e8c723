"""A message whose text stands in fields of its application's own: searched, shown and exported."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from conversations.admin.parts import SHOWN_PARTS
from conversations.admin.transcript import transcript
from conversations.models import Conversation, Message
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.test_export import body, export

pytestmark = pytest.mark.django_db

SAID = [
    {"direct": "A quokka."},
    {"direct": {"model": "a/one", "response": "A quokka."}},
    {"stage4": {"model": "a/one", "response": "A quokka."}},
    {"stage_4": [{"model": "a/one", "text": "A quokka."}]},
    {"final_answer": "A quokka."},
    {"content": [{"type": "text", "text": "A quokka."}]},
    {"content": {"parts": ["A quokka."], "content_type": "text"}},
    {"parts": [{"type": "text", "text": "A quokka."}, {"type": "image", "url": "data:numbat"}]},
    {"rounds": [{"round": 1, "answers": {"a/one": "A quokka."}}]},
    {"stage1": [], "stage2": None, "tool_result": {"output": ["A quokka."]}},
]


def imported(folder: Path, *messages: dict[str, Any]) -> Message:
    trees.write(folder, "data/ann/a.json", trees.conversation(messages=list(messages)))
    call_command("import_json", str(folder / "data"), verbosity=0)
    return Message.objects.latest("position")


def hits(person: ApiClient, words: str) -> list[Any]:
    answer = person.get(f"/conversations/search?q={words}")
    assert answer.status_code == 200, answer.content
    found: list[Any] = answer.json()["results"]
    return found


@pytest.mark.parametrize("fields", SAID, ids=str)
class TestItsText:
    def test_is_found_with_a_snippet(
        self, person: ApiClient, tmp_path: Path, fields: dict[str, Any]
    ) -> None:
        imported(tmp_path, {"role": "assistant", **fields})

        [hit] = hits(person, "quokka")

        assert "A quokka." in hit["snippet"]

    def test_is_shown_and_not_called_failed(
        self, admin_client: Client, tmp_path: Path, fields: dict[str, Any]
    ) -> None:
        message = imported(tmp_path, {"role": "assistant", **fields})

        path = f"/admin/conversations/conversation/{message.conversation_id}/change/"
        page = admin_client.get(path, follow=True).content.decode()

        shown = page[page.index('class="transcript"') :].partition("Other stored data")[0]
        assert "<p>A quokka.</p>" in shown
        assert "Failed" not in shown and "Nothing was stored" not in shown

    def test_is_exported_as_markdown_and_as_it_stood(
        self, person: ApiClient, tmp_path: Path, fields: dict[str, Any]
    ) -> None:
        message = imported(tmp_path, {"role": "assistant", **fields})

        text = body(export(person, trees.ANN_1, "?format=markdown")).decode()
        assert "\nA quokka.\n" in text

        file = json.loads(body(export(person, trees.ANN_1)))
        assert file["messages"] == [{"role": "assistant", **fields}]
        assert message.extra.items() <= fields.items()

    def test_is_no_content_of_the_api(
        self, person: ApiClient, tmp_path: Path, fields: dict[str, Any]
    ) -> None:
        imported(tmp_path, {"role": "assistant", **fields})

        answer = person.get(f"/conversations/{trees.ANN_1}")

        assert answer.json()["messages"][0]["content"] is None
        assert b"quokka" not in answer.content


class TestWhatIsNoText:
    @pytest.mark.parametrize(
        "fields",
        [
            {"id": "quokka"},
            {"reply_to": "quokka"},
            {"thread_id": "quokka", "createdAt": "quokka", "image_url": "quokka"},
            {"usage": {"note": "quokka"}},
            {"label_to_model": {"Response A": "quokka"}},
            {"content": [{"type": "image_url", "image_url": {"url": "quokka"}}]},
            {"content": ["data:image/png;base64,quokka"]},
            {"metadata": ["quokka"]},
            {"direct": {"model": "quokka", "response": ""}},
            {"direct": "  "},
        ],
        ids=str,
    )
    def test_is_neither_found_nor_an_answer(
        self, person: ApiClient, tmp_path: Path, fields: dict[str, Any]
    ) -> None:
        message = imported(tmp_path, {"role": "assistant", **fields})

        assert hits(person, "quokka") == []
        assert transcript([message])[0].failed

    @pytest.mark.parametrize("key", ["error", "errors"])
    @pytest.mark.parametrize("error", ["Timed out", {"type": "late", "detail": "Timed out"}])
    def test_is_an_error_which_is_shown(self, tmp_path: Path, key: str, error: Any) -> None:
        [shown] = transcript([imported(tmp_path, {"role": "assistant", key: [error]})])

        assert shown.failed
        assert [(part.text, part.failed) for part in shown.fields[0].parts] == [("Timed out", True)]


class TestATextThatBeginsLikeAnAddress:
    @pytest.mark.parametrize("text", ["data: a quokka", "data:a quokka, a numbat"])
    def test_is_a_text(self, person: ApiClient, tmp_path: Path, text: str) -> None:
        imported(tmp_path, {"role": "assistant", "direct": text})

        assert [hit["snippet"] for hit in hits(person, "quokka")] == [text]


class TestAPage:
    def test_says_how_many_fields_it_leaves_out(self, tmp_path: Path) -> None:
        many = {f"note {number}": "text" for number in range(SHOWN_PARTS + 7)}

        [shown] = transcript([imported(tmp_path, {"role": "assistant", **many})])

        assert len(shown.fields) == SHOWN_PARTS + 1
        assert shown.fields[-1].left_out == 7

    def test_shows_a_fourth_stage_below_the_three(self, tmp_path: Path) -> None:
        message = imported(tmp_path, trees.council_answer(stage4="Once more."))

        [shown] = transcript([message])

        assert shown.council is not None and shown.council.final is not None
        assert [(field.title, field.parts[0].text) for field in shown.fields] == [
            ("Stage 4", "Once more.")
        ]


@pytest.mark.django_db(transaction=True)
class TestRowsOfAnEarlierRelease:
    def test_are_found_after_the_migration(self, person: ApiClient, tmp_path: Path) -> None:
        imported(tmp_path, {"role": "user", "content": "wombat"}, {"role": "assistant", **SAID[0]})
        Message.objects.filter(position=2).update(search_text="")
        assert hits(person, "quokka") == []
        call_command("migrate", "conversations", "0004", verbosity=0)

        call_command("migrate", verbosity=0)

        assert len(hits(person, "quokka")) == 1 and len(hits(person, "wombat")) == 1
        call_command("verify", verbosity=0)
        assert Conversation.objects.count() == 1

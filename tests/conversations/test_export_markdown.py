"""Exported markdown, read as a careless viewer reads it. Of any text: test_markdown_of_any_text."""

from typing import Any

import pytest

from conversations import safe_markdown as safe_markdown_module
from conversations.models import Conversation
from tests.client import ApiClient
from tests.conversations.test_export import body, export
from tests.conversations.viewer import (
    END,
    LAST,
    assert_safe,
    assert_shows_headings,
    contents,
    headings,
    tokens,
    user,
)

pytestmark = pytest.mark.django_db


def markdown(person: ApiClient, title: str, *messages: dict[str, Any]) -> str:
    made = person.post("/conversations", {"title": "x", "messages": messages})
    assert made.status_code == 201, made.content
    # As it stands: earlier versions took titles of blanks, too.
    Conversation.objects.filter(uid=made.json()["id"]).update(title=title)
    return body(export(person, made.json()["id"], "?format=markdown")).decode()


class TestTheDocument:
    def test_shows_questions_and_stages_in_order_under_headings(self, person: ApiClient) -> None:
        answer = {
            "role": "assistant",
            "stage1": [
                {"model": "a/one", "response": "First."},
                {"model": "b/two", "response": "Second."},
            ],
            "stage2": [{"model": "a/one", "ranking": "Best: B.", "parsed_ranking": ["B"]}],
            "stage3": {"model": "c/three", "response": "Together."},
        }

        text = markdown(person, "Heat pumps", user("Which?"), answer)

        assert headings(text) == [
            ("h1", "Heat pumps"),
            ("h2", "1. Question"),
            ("h2", "2. Answer"),
            ("h3", "Stage 1: answers"),
            ("h4", "a/one"),
            ("h4", "b/two"),
            ("h3", "Stage 2: rankings"),
            ("h4", "a/one"),
            ("h3", "Stage 3"),
            ("h4", "c/three"),
        ]
        said = ["Which?", "First.", "Second.", "Best: B.", "Together."]
        places = [text.index(f"\n{words}\n") for words in said]
        assert places == sorted(places)

    def test_may_be_without_title_and_messages(self, person: ApiClient) -> None:
        assert headings(markdown(person, " ")) == [("h1", "Conversation")]

    def test_keeps_what_is_harmless(self, person: ApiClient) -> None:
        content = "# Head\n\n- *one*\n- **two** [x](https://e.example)\n\n> said\n\n`code`"

        assert f"\n{content}\n" in markdown(person, "x", user(content))


class TestManyMarks:
    """Reading markdown costs time by its marks; one document has a number of them."""

    def test_are_read_up_to_a_number_and_stand_as_code_beyond(self, person: ApiClient) -> None:
        most = "[a](https://e.example) " * (80_000 // 8)
        text = markdown(person, "x", user(most), user("**[b](https://e.example)**"), user("plain."))

        assert "\n```\n[a](https://e.example)" in text
        assert "\n**[b](https://e.example)**\n" in text
        assert text.endswith("\nplain.\n")
        assert_safe(text)

    @pytest.mark.parametrize("mark", ["[", "![", "<", "`", "*[", "[a](", "&[\n"])
    def test_are_safe_as_code(self, person: ApiClient, mark: str) -> None:
        text = markdown(person, "x", user(mark * 80_001), user("the end"))

        assert [token.type for token in tokens(text)].count("fence") == 1
        assert_shows_headings(text, ("h2", "1. Question"), ("h2", "2. Question"))

    def test_of_a_text_that_can_do_nothing_are_not_read(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(safe_markdown_module, "_sanitised", None)

        assert "\n- *a*, _b_ (c).\n" in markdown(person, "x", user("- *a*, _b_ (c)."))


class TestAHostileText:
    @pytest.mark.parametrize(
        "content",
        [
            "<script>alert(1)</script>",
            "![x](https://e.example/x.png)",
            "[x](javascript:alert(1))",
            "[a]: javascript:alert(1)\n\n[a]",
            # A definition in a list, with an escaped bracket, over two lines.
            "- [a]: javascript:alert(1)\n\n[a]",
            "1. [a]: javascript:alert(1)\n\n[a]",
            "[a\\]]: javascript:alert(1)\n\n[a\\]]",
            "[a\nb]: javascript:alert(1)\n\n[a b]",
            # No definition any more, so that the second list cannot begin there.
            "[a]: <x y>\n2. ~~~\n   <script>alert(1)</script>\n   ~~~",
            "[a]: /x\n2. ~~~\n   <script>alert(1)</script>\n   ~~~",
            "[x](\u00a0https://e.example)",
        ],
    )
    def test_of_a_known_kind_is_safe(self, person: ApiClient, content: str) -> None:
        text = markdown(person, "x", user(content), END)

        assert_safe(text)
        assert_shows_headings(text, LAST)

    def test_in_two_parts_is_safe(self, person: ApiClient) -> None:
        stage = {"one": "- a", "two": "  ~~~\n<script>alert(1)</script>"}

        assert_safe(markdown(person, "x", {"role": "user", "stage3": stage}))

    @pytest.mark.parametrize("title", ["~~~<script>alert(1)</script>", "```", "- ~~~ <b>", "~~~"])
    def test_in_a_title_is_safe(self, person: ApiClient, title: str) -> None:
        text = markdown(person, title, user("x"), END)

        assert_safe(text)
        assert_shows_headings(text, LAST)

    @pytest.mark.parametrize("model", ["~~~<script>alert(1)</script>", "```"])
    def test_in_a_models_name_is_safe(self, person: ApiClient, model: str) -> None:
        answer = {"role": "user", "stage3": {"model": model, "response": "x"}}

        text = markdown(person, "x", answer, END)

        assert_safe(text)
        assert_shows_headings(text, LAST)


class TestAnUnclosedCodeBlock:
    @pytest.mark.parametrize(
        "content",
        [
            "```\ncode", "```", "~~~\ncode", "````\n```", "~~~\n```", "```\n~~~", "   ```\ncode",
            "text\n```", "```\ncode\n    ```", "```\ncode\n\t```", "```\n``", "```\n```x", "> ```",
            "- ```\n  code", "1. ~~~\n   code", "```a\n```b", "- a\n\n  ```", "```\n\n\n",
        ],
    )  # fmt: skip
    def test_does_not_swallow_what_follows(self, person: ApiClient, content: str) -> None:
        text = markdown(person, "x", user(content), END)

        assert_shows_headings(text, ("h2", "1. Question"), LAST)


class TestACodeBlock:
    CODE = "if a < b && c:\n    print(\"<b>\", '![x](y)', '[x](javascript:y)')\n[a]: x\n&amp;\n"

    @pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
    @pytest.mark.parametrize("prefix", ["", "- ", "> ", "1. ", "- > "])
    def test_keeps_its_text_to_the_byte(self, person: ApiClient, fence: str, prefix: str) -> None:
        rest = prefix if set(prefix) <= set("> ") else prefix.replace("-", " ").replace("1.", "  ")
        block = [f"{fence}python", *self.CODE.splitlines(), fence]
        content = "\n".join(
            (rest if number else prefix) + line for number, line in enumerate(block)
        )

        text = markdown(person, "x", user(content), END)

        assert contents(text, "fence") == [self.CODE]
        assert_safe(text)

    def test_made_by_indentation_keeps_its_text(self, person: ApiClient) -> None:
        content = "Code:\n\n" + "".join(f"    {line}\n" for line in self.CODE.splitlines())

        text = markdown(person, "x", user(content), END)

        assert contents(text, "code_block") == [self.CODE]
        assert_safe(text)

    def test_in_a_line_keeps_its_text(self, person: ApiClient) -> None:
        text = markdown(person, "x", user("Say `a < b && c` here."), END)

        assert contents(text, "code_inline") == ["a < b && c"]
        assert_safe(text)

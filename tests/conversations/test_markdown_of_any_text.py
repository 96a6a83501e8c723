"""Markdown of texts that are made to do harm, as any number of them are generated.

That a text comes unchanged through the API and the database is shown in test_export_markdown.py.
"""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations import export
from conversations import safe_markdown as safe_markdown_module
from conversations.models import Conversation, Message
from tests.conversations.recipes import MOMENT
from tests.conversations.viewer import (
    END,
    LAST,
    assert_safe,
    assert_shows_headings,
    contents,
    headings,
    user,
)

examples = settings(max_examples=100, deadline=None, database=None)

PREFIXES = [
    "", "", "", " ", "  ", "   ", "    ", "\t", "> ", ">", "> > ", "- ", "* ", "+ ", "1. ", "2. ",
    "- > ", "> - ", "-\t", "     ", "      ",
]  # fmt: skip
BODIES = [
    "", "text", "```", "````", "~~~", "~~~~", "```html", "``` a`b", "~~~ <b>",
    "~~~<script>x</script>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b",
    "<!--", "-->", "<?x", "?>",
    "<![CDATA[", "</p>", "<a href='javascript:x'>", "![x](https://e.example/x.png)", "![x][a]",
    "![a]", "![", "[![x](https://e.example/x)](javascript:x)", "[a]: javascript:alert(1)",
    "[a]: JAVASCRIPT:x", "[a]: <javascript:x>", "[a]: <x y>", "[a]:", "[a]: /x 'title'",
    "[a\\]]: javascript:x", "[a\\]]", "[a", "b]: javascript:x", "[a b]", "javascript:alert(1)",
    "[a]: https://e.example", "[a]: &#106;avascript:x", "[a]", "[a][]", "[x][a]", "]", "(",
    "[x](javascript:x)", "[x](  JavaScript:x)", "[x](<javascript:x>)", "[x](&#106;avascript:x)",
    "[x](java&Tab;script:x)", "[x](\\javascript:x)", "[x](", "[x](\u00a0https://e.example)",
    "[x](//e.example)", "[x](/x)", "[x](data:text/html,x)", "[x](vbscript:x)", "[x](file:///x)",
    "[x](https://e.example)", "[x](mailto:a@b.example)", "[x](#y)", "<javascript:x>",
    "<https://e.example>", "<a@b.example>", "&lt;b&gt;", "&#60;b&#62;", "&", "`", "``", "`<b>`",
    "`` ` <b>", "\\", "\\<b>", "\\![x](y)", "\\`<b>`", "===", "---", "***", "# x", "## 2. Answer",
    "*", "-", "1.", "2.", "| a |", "{", "}", "\u2028<b>", "\x85<b>", "\x0b<b>", "\x0c```",
]  # fmt: skip
lines = st.tuples(st.lists(st.sampled_from(PREFIXES), max_size=2), st.sampled_from(BODIES)).map(
    lambda line: "".join(line[0]) + line[1]
)
breaks = st.sampled_from(["\n", "\n", "\n", "\n\n", "\r\n", "\r"])
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
hostile = st.lists(
    st.tuples(lines | st.text(characters, max_size=5), breaks).map("".join), max_size=6
).map("".join)
one_liners = hostile.map(lambda text: text[:100])


def document(title: str, *messages: dict[str, Any]) -> str:
    """The export of a conversation with these messages, as if they were read."""
    rows = [
        Message(
            position=position,
            role=message["role"],
            content=message.get("content"),
            stage1_data=message.get("stage1"),
            stage3_data=message.get("stage3"),
        )
        for position, message in enumerate(messages, 1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "messages_of", lambda conversation: iter(rows))
        return "".join(export.as_markdown(Conversation(title=title, created_at=MOMENT)))


class TestTextsThatCanDoNothing:
    @examples
    @given(text=hostile.map(lambda text: re.sub(r"[<&\[\]`~]", "", text)))
    def test_are_left_as_reading_them_would_leave_them(self, text: str) -> None:
        lines = safe_markdown_module._with_plain_breaks(text)

        assert safe_markdown_module._is_safe(lines)
        assert safe_markdown_module._sanitised(
            lines, ("fence", "code_block"), safe_markdown_module._safe_line_with_code
        ) == lines == safe_markdown_module.safe_markdown(text)  # fmt: skip


class TestAHostileText:
    @examples
    @given(content=hostile)
    def test_is_safe_as_a_message(self, content: str) -> None:
        text = document("x", user(content or "x"), END)

        assert_safe(text)
        assert_shows_headings(text, ("h1", "x"), ("h2", "1. Question"), LAST)

    @examples
    @given(title=one_liners, model=one_liners)
    def test_is_safe_as_a_title_and_a_models_name(self, title: str, model: str) -> None:
        answer = {"role": "user", "stage3": {"model": model, "response": "x"}}

        text = document(f"t{title}".strip() or "t", answer, END)

        assert_safe(text)
        assert [tag for tag, _ in headings(text)][0] == "h1"
        assert_shows_headings(text, ("h2", "1. Question"), ("h3", "Stage 3"), LAST)

    @examples
    @given(texts=st.lists(hostile, min_size=2, max_size=4))
    def test_is_safe_after_another(self, texts: list[str]) -> None:
        stage = {str(number): text for number, text in enumerate(texts)}
        answer = {"role": "user", "content": texts[0], "stage1": [texts, stage], "stage3": stage}

        text = document("x", answer, END)

        assert_safe(text)
        assert_shows_headings(
            text, ("h2", "1. Question"), ("h3", "Stage 1: answers"), ("h3", "Stage 3"), LAST
        )


class TestACodeBlock:
    @examples
    @given(code=st.text(characters) | hostile)
    def test_keeps_any_text(self, code: str) -> None:
        code = code.replace("\r\n", "\n").replace("\r", "\n").replace("~", "-")

        text = document("x", user(f"~~~\n{code}\n~~~"), END)

        assert contents(text, "fence")[0] == f"{code}\n"
        assert_shows_headings(text, LAST)

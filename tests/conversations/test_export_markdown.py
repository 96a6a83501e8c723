"""Exported markdown, read as a careless viewer reads it: tags on, every link taken."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conversations import safe_markdown as safe_markdown_module
from conversations.models import Conversation
from tests.client import ApiClient
from tests.conversations.test_export import body, export

pytestmark = pytest.mark.django_db

VIEWER = MarkdownIt("commonmark", {"html": True})
VIEWER.validateLink = lambda url: True  # type: ignore[method-assign]
ALLOWED = re.compile(r"https?://|mailto:|#", re.IGNORECASE)
examples = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

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


def markdown(person: ApiClient, title: str, *messages: dict[str, Any]) -> str:
    made = person.post("/conversations", {"title": "x", "messages": messages})
    assert made.status_code == 201, made.content
    # As it stands: earlier versions took titles of blanks, too.
    Conversation.objects.filter(uid=made.json()["id"]).update(title=title)
    return body(export(person, made.json()["id"], "?format=markdown")).decode()


def tokens(text: str) -> Iterator[Token]:
    for token in VIEWER.parse(text):
        yield token
        yield from token.children or []


def headings(text: str) -> list[tuple[str, str]]:
    """Tag and text of those that stand in no list or quotation."""
    parsed = VIEWER.parse(text)
    return [
        (token.tag, parsed[number + 1].content)
        for number, token in enumerate(parsed)
        if token.type == "heading_open" and token.level == 0
    ]


def assert_safe(text: str) -> None:
    for token in tokens(text):
        assert token.type not in ("html_block", "html_inline", "image"), text
        if token.type == "link_open":
            assert ALLOWED.match(str(token.attrGet("href"))), text


def assert_shows_headings(text: str, *expected: tuple[str, str]) -> None:
    remaining = iter(headings(text))
    for wanted in expected:  # in this order, others may stand between
        assert wanted in remaining, text


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


LAST = ("h2", "2. Answer")
# It uses all the links that the hostile texts define.
END: dict[str, Any] = {"role": "assistant", "content": "the end [a] [x][a] [a b] [a\\]] ![a]"}


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
    def test_is_safe_as_a_message(self, person: ApiClient, content: str) -> None:
        text = markdown(person, "x", user(content or "x"), END)

        assert_safe(text)
        assert_shows_headings(text, ("h1", "x"), ("h2", "1. Question"), LAST)

    @examples
    @given(title=one_liners, model=one_liners)
    def test_is_safe_as_a_title_and_a_models_name(
        self, person: ApiClient, title: str, model: str
    ) -> None:
        answer = {"role": "user", "stage3": {"model": model, "response": "x"}}

        text = markdown(person, f"t{title}".strip() or "t", answer, END)

        assert_safe(text)
        assert [tag for tag, _ in headings(text)][0] == "h1"
        assert_shows_headings(text, ("h2", "1. Question"), ("h3", "Stage 3"), LAST)

    @examples
    @given(texts=st.lists(hostile, min_size=2, max_size=4))
    def test_is_safe_after_another(self, person: ApiClient, texts: list[str]) -> None:
        stage = {str(number): text for number, text in enumerate(texts)}
        answer = {"role": "user", "content": texts[0], "stage1": [texts, stage], "stage3": stage}

        text = markdown(person, "x", answer, END)

        assert_safe(text)
        assert_shows_headings(
            text, ("h2", "1. Question"), ("h3", "Stage 1: answers"), ("h3", "Stage 3"), LAST
        )

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

    def code(self, text: str, kind: str) -> list[str]:
        return [token.content for token in tokens(text) if token.type == kind]

    @pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
    @pytest.mark.parametrize("prefix", ["", "- ", "> ", "1. ", "- > "])
    def test_keeps_its_text_to_the_byte(self, person: ApiClient, fence: str, prefix: str) -> None:
        rest = prefix if set(prefix) <= set("> ") else prefix.replace("-", " ").replace("1.", "  ")
        block = [f"{fence}python", *self.CODE.splitlines(), fence]
        content = "\n".join(
            (rest if number else prefix) + line for number, line in enumerate(block)
        )

        text = markdown(person, "x", user(content), END)

        assert self.code(text, "fence") == [self.CODE]
        assert_safe(text)

    @examples
    @given(code=st.text(characters) | hostile)
    def test_keeps_any_text(self, person: ApiClient, code: str) -> None:
        code = code.replace("\r\n", "\n").replace("\r", "\n").replace("~", "-")

        text = markdown(person, "x", user(f"~~~\n{code}\n~~~"), END)

        assert self.code(text, "fence")[0] == f"{code}\n"
        assert_shows_headings(text, LAST)

    def test_made_by_indentation_keeps_its_text(self, person: ApiClient) -> None:
        content = "Code:\n\n" + "".join(f"    {line}\n" for line in self.CODE.splitlines())

        text = markdown(person, "x", user(content), END)

        assert self.code(text, "code_block") == [self.CODE]
        assert_safe(text)

    def test_in_a_line_keeps_its_text(self, person: ApiClient) -> None:
        text = markdown(person, "x", user("Say `a < b && c` here."), END)

        assert self.code(text, "code_inline") == ["a < b && c"]
        assert_safe(text)

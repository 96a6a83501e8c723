"""Markdown of models and people that is safe in any viewer, for files that leave the house.

We cannot know the viewer; so what a text becomes in one that allows HTML is looked at before it
goes out, and each text is treated as gently as that allows.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Nothing that runs, loads, links or opens a block is made without one of these.
ACTIVE = re.compile(r"[<&\[\]`~]")

# How a careless viewer reads a text; and where a careful one finds blocks, which is told without
# reading what stands in them.
CARELESS = MarkdownIt("commonmark", {"html": True})
CARELESS.validateLink = lambda url: True  # type: ignore[method-assign]
CAREFUL_BLOCKS = MarkdownIt("commonmark", {"html": False}).disable("inline")
CARELESS_BLOCKS = MarkdownIt("commonmark", {"html": True}).disable("inline")

HEADING = "\n\n# end\n"

# Marks of one page or document that are read as markdown. Besides its signs a text counts itself,
# its lines, which may begin blocks, and its length. Reading takes up to 40 microseconds a mark:
# without a bound 5 MB of brackets took minutes.
MOST_MARKS = 80_000
MARKS_OF_A_TEXT = 5
MARKS_OF_A_LINE = 3
CHARACTERS_OF_A_MARK = 50
SIGN = re.compile(r"[^\w\s]|_")

ALLOWED_LINK = re.compile(r"https?://|mailto:|#", re.IGNORECASE)
UNSAFE_LINK = re.compile(r"\]\((?!\s*(?:https?://|mailto:|#))", re.IGNORECASE)
UNSAFE_REFERENCE = re.compile(
    r"^([\s>]*)\[(?=[^\]]*\]:(?!\s*(?:https?://|mailto:)))", re.IGNORECASE
)
CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`).+?(?<!`)\1(?!`)")


def one_line(text: str) -> str:
    """A text as part of a heading."""
    return _safe_line(" ".join(text.split()))


class Marks:
    """How many marks of a page or a document are left to be read as markdown."""

    def __init__(self) -> None:
        self.left = MOST_MARKS

    def suffice(self, text: str) -> bool:
        """Whether the text may be read; then its marks are gone."""
        count = MARKS_OF_A_TEXT + len(text) // CHARACTERS_OF_A_MARK
        count += MARKS_OF_A_LINE * (text.count("\n") + text.count("\r"))
        count += sum(1 for _ in islice(SIGN.finditer(text), self.left + 1))
        if count > self.left:
            return False
        self.left -= count
        return True


class SafeMarkdown:
    """Makes the texts of one document safe, each by `safe_markdown`, as long as MOST_MARKS last.

    A text with more marks than are left becomes a block of code.
    """

    def __init__(self) -> None:
        self.marks = Marks()

    def __call__(self, text: str) -> str:
        if ACTIVE.search(text) and not self.marks.suffice(text):
            return _as_code(_with_plain_breaks(text))
        return safe_markdown(text)


def safe_markdown(text: str) -> str:
    """`text` without anything that a viewer could run or load, and without an open code block.

    Tags, images and links to anything but http, https and mailto are made visible as text. Code
    stays as it is; where that would not be safe it is treated as prose, and at the last the whole
    text becomes one block of code.
    """
    text = _with_plain_breaks(text)
    if not ACTIVE.search(text):
        return text
    for kinds, safe_line in (
        (("fence", "code_block"), _safe_line_with_code),
        (("fence",), _safe_line),
    ):
        result = _sanitised(text, kinds, safe_line)
        if _is_safe(result):
            return result
    return _as_code(text)


def _with_plain_breaks(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _as_code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}\n{text}\n{fence}"


def _sanitised(text: str, kinds: tuple[str, ...], safe_line: Callable[[str], str]) -> str:
    lines = text.split("\n")
    blocks = [token for token in CAREFUL_BLOCKS.parse(text) if token.type in kinds]
    code = {line for block in blocks for line in range(*(block.map or (0, 0)))}
    result = [line if number in code else safe_line(line) for number, line in enumerate(lines)]
    fences = [block for block in blocks if block.type == "fence" and block.level == 0]
    if fences and not _lets_a_heading_follow("\n".join(result)):
        result.append(fences[-1].markup)  # an open block of code would swallow what follows
    return "\n".join(result)


def _safe_line(line: str) -> str:
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[")
    return UNSAFE_REFERENCE.sub(r"\1\\[", UNSAFE_LINK.sub(r"]\\(", line))


def _safe_line_with_code(line: str) -> str:
    parts, last = [], 0
    for span in CODE_SPAN.finditer(line):
        parts += [_safe_line(line[last : span.start()]), span.group()]
        last = span.end()
    return "".join([*parts, _safe_line(line[last:])])


def _is_safe(text: str) -> bool:
    """Whether a careless viewer finds no tag, image or odd link, and no open block of code."""
    environment: dict[str, Any] = {}
    found = CARELESS.parse(text + HEADING, environment)
    for token in found:
        if not all(_is_harmless(part) for part in (token, *(token.children or []))):
            return False
    references = environment.get("references", {}).values()
    named = all(ALLOWED_LINK.match(reference["href"]) for reference in references)
    return named and _ends_with_heading(found)


def _is_harmless(token: Token) -> bool:
    if token.type == "link_open":
        return bool(ALLOWED_LINK.match(str(token.attrGet("href"))))
    return token.type not in ("html_block", "html_inline", "image")


def _lets_a_heading_follow(text: str) -> bool:
    return _ends_with_heading(CARELESS_BLOCKS.parse(text + HEADING))


def _ends_with_heading(tokens: list[Token]) -> bool:
    return tokens[-1].type == "heading_close" and tokens[-1].level == 0

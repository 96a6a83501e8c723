"""Markdown as a careless viewer reads it: tags on, every link taken."""

import re
from collections.abc import Iterator
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

VIEWER = MarkdownIt("commonmark", {"html": True})
VIEWER.validateLink = lambda url: True  # type: ignore[method-assign]
ALLOWED = re.compile(r"https?://|mailto:|#", re.IGNORECASE)
LAST = ("h2", "2. Answer")
# It uses all the links that hostile texts define.
END: dict[str, Any] = {"role": "assistant", "content": "the end [a] [x][a] [a b] [a\\]] ![a]"}


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


def contents(text: str, kind: str) -> list[str]:
    return [token.content for token in tokens(text) if token.type == kind]

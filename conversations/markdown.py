"""Markdown of models and people, as HTML that is safe on a page of the admin.

No HTML of a text goes through, no image is fetched, and a link leads only to the web or to a mail
address, without telling where it was followed from.
"""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

# A text's headings stand below those of the page.
HEADING_SHIFT = 3
# Longer texts are shown as they stand: they are dumps rather than prose, and cost seconds.
MARKDOWN_CHARACTERS = 50_000
# Marks of one page or document that are read as markdown. Besides its signs a text counts itself,
# its lines, which may begin blocks, and its length. Reading takes up to 40 microseconds a mark:
# without a bound 5 MB of brackets took minutes.
MOST_MARKS = 80_000
MARKS_OF_A_TEXT = 5
MARKS_OF_A_LINE = 3
CHARACTERS_OF_A_MARK = 50
SIGN = re.compile(r"[^\w\s]|_")
ALLOWED_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


class Renderer(RendererHTML):
    """HTML for the tokens that differ from the usual."""

    def image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return f'<span class="picture">{escape(tokens[at].content or "picture")}</span>'

    def link_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        tokens[at].attrSet("rel", "noopener noreferrer")
        tokens[at].attrSet("target", "_blank")
        return self.renderToken(tokens, at, options, env)

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def _heading(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        tokens[at].tag = f"h{min(int(tokens[at].tag[1]) + HEADING_SHIFT, 6)}"
        return self.renderToken(tokens, at, options, env)

    heading_open = heading_close = _heading


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=Renderer)
    parser.enable(["table", "strikethrough"])
    parser.validateLink = lambda url: ALLOWED_LINK.match(url) is not None  # type: ignore[method-assign]
    return parser


PARSER = _parser()


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


def render(text: str, marks: Marks) -> SafeString:
    """The text as HTML; as it stands, where it is too long or the page's marks are used up."""
    if len(text) > MARKDOWN_CHARACTERS or not marks.suffice(text):
        return mark_safe(f'<div class="plain">{escape(text)}</div>')  # noqa: S308  (escaped)
    return mark_safe(PARSER.render(text))  # noqa: S308  (the parser lets no HTML through)

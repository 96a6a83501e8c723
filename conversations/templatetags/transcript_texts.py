"""Markdown of models and people, as HTML that is safe on a page of the admin.

No HTML of a text goes through, no image is fetched, and a link leads only to the web or to a mail
address, without telling where it was followed from.
"""

import re
from collections.abc import Sequence
from typing import Any

from django import template
from django.template import Context
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from conversations.safe_markdown import Marks

register = template.Library()

# A text's headings stand below those of the page.
HEADING_SHIFT = 3
# Longer texts are shown as they stand: they are dumps rather than prose, and cost seconds.
MARKDOWN_CHARACTERS = 50_000
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


def render(text: str, marks: Marks) -> SafeString:
    """The text as HTML; as it stands, where it is too long or the page's marks are used up."""
    if len(text) > MARKDOWN_CHARACTERS or not marks.suffice(text):
        return mark_safe(f'<div class="plain">{escape(text)}</div>')  # noqa: S308  (escaped)
    return mark_safe(PARSER.render(text))  # noqa: S308  (the parser lets no HTML through)


@register.simple_tag(takes_context=True)
def words(context: Context, text: str) -> SafeString:
    """A text as HTML, as far as the `marks` of the page suffice."""
    return render(text, context["marks"])

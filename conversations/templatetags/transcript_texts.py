"""Tags of the transcript's templates."""

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from conversations import markdown

register = template.Library()


@register.simple_tag(takes_context=True)
def words(context: Context, text: str) -> SafeString:
    """A text as HTML, as far as the `marks` of the page suffice."""
    return markdown.render(text, context["marks"])

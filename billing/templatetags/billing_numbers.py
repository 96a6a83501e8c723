"""How the admin writes credits and calls."""

from django import template

register = template.Library()


@register.filter
def credits(number: int) -> str:
    """With thousands apart: 12,345."""
    return f"{number:,}".replace("-", "−")


@register.filter
def signed(number: int) -> str:
    """With its sign: +50, −1,200."""
    return f"{number:+,}".replace("-", "−")

"""Filters of the transcript's templates."""

from django import template

from conversations import markdown

register = template.Library()

register.filter("markdown", markdown.render)

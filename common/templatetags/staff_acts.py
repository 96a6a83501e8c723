"""How what staff did is shown."""

from django import template

from common import acts

register = template.Library()
register.filter(acts.without_mark)

"""What staff did to a row, on the page of its history."""

from django import template
from django.db import models

from access.models import StaffAction

SHOWN_ACTIONS = 100

register = template.Library()


@register.simple_tag
def actions_on(row: models.Model) -> list[StaffAction]:
    """The latest first; the list of staff actions has all."""
    return list(StaffAction.objects.about(row)[:SHOWN_ACTIONS])

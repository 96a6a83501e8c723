"""What forms of staff's actions share: a token, so that a form acts once, and a reason."""

import uuid
from typing import Any

from django import forms
from django.utils.functional import cached_property
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanWidget

MAX_REASON = 2000


def checkbox(label: str, **options: Any) -> forms.BooleanField:
    """A yes that may be left out."""
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanWidget(), **options)


class ActionForm(forms.Form):
    """An action. `token` makes sure that a form acts once."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class ReasonForm(ActionForm):
    """An action and its reason."""

    reason = forms.CharField(
        max_length=MAX_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Staff see it. Of a person's row it is part of their export, too.",
    )


class EditForm(forms.Form):
    """What an edited row's form has besides the row's fields. Both may be left out."""

    reason = forms.CharField(
        required=False,
        max_length=MAX_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Why it is done. Staff see it.",
    )
    token = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid.uuid4)

    @cached_property
    def changed_data(self) -> list[str]:
        """What changes of the row itself."""
        return [name for name in super().changed_data if name not in EditForm.base_fields]

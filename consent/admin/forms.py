"""What staff fill in: an answer on a person's behalf, a text to publish, a time to look back to."""

import datetime
from typing import Any

from django import forms
from django.db.models import Max
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common.admin.forms import ActionForm, EditForm, ReasonForm, checkbox
from common.models import USER_ID_MAX_LENGTH, validate_user_id
from consent.models import VERSION_MAX, PolicyVersion, Purpose
from consent.services import answers, texts
from consent.services.texts import LOCALE, LOCALE_MAX_LENGTH, canonical_locale

# How a person told it to staff; stands in the evidence as `said`.
WAYS = (
    ("phone", "By phone"),
    ("message", "By e-mail or chat"),
    ("letter", "By letter"),
    ("in_person", "In person"),
    ("other", "Otherwise (say how in the reason)"),
)
# What a form can send twice within Django's limit of 2.5 MB: once to look at, once to publish.
MAX_TEXT = 500_000
EARLIEST_YEAR, LATEST_YEAR = 1970, 2199


class PersonForm(forms.Form):
    """Whose consent it is."""

    user_id = forms.CharField(
        label="User id",
        max_length=USER_ID_MAX_LENGTH,
        validators=[validate_user_id],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The whole id, exactly as the application sends it.",
    )


class AsOfForm(forms.Form):
    """A time in the past."""

    at = forms.DateTimeField(
        label="As of (date and time, UTC)",
        widget=forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"}
        ),
    )

    def clean_at(self) -> datetime.datetime:
        at: datetime.datetime = self.cleaned_data["at"]
        if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
            raise forms.ValidationError(f"Give a time between {EARLIEST_YEAR} and {LATEST_YEAR}.")
        return at


class DecisionForm(ReasonForm):
    """What a person said, told by staff. The text is the one that is current now."""

    purpose = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    said = forms.ChoiceField(
        label="How they said it",
        choices=[("", "Choose how"), *WAYS],
        widget=UnfoldAdminSelectWidget(),
    )

    field_order = ["purpose", "said", "reason"]

    def __init__(self, *args: Any, granted: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.granted = granted
        self.fields["reason"].help_text = (
            "Stands in the event for good, until the person is erased. They get it with an export"
            " of their data."
        )
        field: Any = self.fields["purpose"]
        if granted:
            field.label, choices = "Purpose and text", texts_to_give(timezone.now())
            field.help_text = "The text that they agree to. Only the current ones can be agreed to."
        else:
            choices = purposes_to_refuse()
            field.help_text = "A required purpose ends with the account alone, and is not here."
        field.choices = [("", "Choose a purpose"), *choices]

    def decision(self) -> tuple[answers.ConsentDecision, str | None]:
        """What they decided, and the locale of its text."""
        key, locale, version = (*self.cleaned_data["purpose"].split("/"), "", "")[:3]
        decision = answers.ConsentDecision(
            purpose=key,
            granted=self.granted,
            version=int(version) if version else None,
            method="staff",
            reason=self.cleaned_data["reason"],
            evidence={"said": self.cleaned_data["said"]},
        )
        return decision, locale or None


def texts_to_give(at: datetime.datetime) -> list[tuple[str, str]]:
    """Each purpose with its current text in each language, as choices; two statements."""
    current: dict[str, list[tuple[str, int]]] = {}
    for key, locale, version in (
        PolicyVersion.objects.filter(published_at__lte=at)
        .order_by("locale")
        .values_list("purpose_id", "locale")
        .annotate(version=Max("version"))
    ):
        current.setdefault(key, []).append((locale, version))
    choices = []
    for key, title in Purpose.objects.order_by("id").values_list("key", "title"):
        choices += [
            (f"{key}/{locale}/{version}", f"{title}, version {version} ({locale})")
            for locale, version in current.get(key, [])
        ] or [(key, f"{title}, no text is published")]
    return choices


def purposes_to_refuse() -> list[tuple[str, str]]:
    optional = Purpose.objects.filter(required=False).order_by("id")
    return list(optional.values_list("key", "title"))


class PolicyTextarea(UnfoldAdminTextareaWidget):
    """Keeps a text as it is. A browser drops the first line break in a textarea."""

    def format_value(self, value: Any) -> str | None:
        return f"\n{value}" if value else None


class PublishForm(ActionForm):
    """A text to publish, written here or as a file."""

    purpose = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    locale = forms.CharField(
        label="Language",
        max_length=LOCALE_MAX_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Such as en or pt-BR.",
    )
    version = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=VERSION_MAX,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"autocomplete": "off"}),
        help_text="Empty: the next one of this purpose and language.",
    )
    text = forms.CharField(
        required=False,
        strip=False,
        max_length=MAX_TEXT,
        widget=PolicyTextarea(attrs={"rows": 16, "dir": "auto"}),
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        widget=UnfoldAdminFileFieldWidget(),
        help_text="In UTF-8. It is published as it is.",
    )
    material = checkbox(
        "Material change",
        help_text="Everybody who agreed to an older version is asked again; until they answer the"
        " old consent holds. Leave it off for a mended typing error.",
    )

    field_order = ["purpose", "locale", "version", "text", "file", "material"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        purposes = Purpose.objects.order_by("id").values_list("key", "title")
        field: Any = self.fields["purpose"]
        field.choices = [("", "Choose a purpose"), *purposes]

    def clean_locale(self) -> str:
        locale: str = self.cleaned_data["locale"]
        return canonical_locale(locale) if LOCALE.fullmatch(locale) else locale

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        file, text = values.pop("file", None), values.get("text")
        if file and text:
            self.add_error("file", "Give a text or a file, not both.")
        elif file:
            values["text"] = self._text_of(file)
        elif not text and "text" not in self.errors:
            self.add_error("text", "Give a text, here or as a file.")
        values["text"] = texts.normalised(values.get("text") or "")
        if not self.errors:
            values["version"] = values["version"] or next_version(
                values["purpose"], values["locale"]
            )
        return values

    def _text_of(self, file: Any) -> str:
        if file.size > 4 * MAX_TEXT:
            self.add_error("file", f"A text here has at most {MAX_TEXT:,} characters.")
            return ""
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", "This file is not UTF-8.")
            return ""
        if len(text) > MAX_TEXT:
            self.add_error("file", f"A text here has at most {MAX_TEXT:,} characters.")
        return text

    def hidden(self) -> list[tuple[str, Any]]:
        """What was looked at, to be sent again as it is."""
        values = self.cleaned_data | {"material": "on" if self.cleaned_data["material"] else ""}
        return list(values.items())


def next_version(purpose: str, locale: str) -> int:
    texts = PolicyVersion.objects.filter(purpose__key=purpose, locale=locale)
    return int((texts.aggregate(last=Max("version"))["last"] or 0) + 1)


class PurposeForm(EditForm, forms.ModelForm):  # type: ignore[type-arg]
    """A purpose. What was answered stays as it is."""

    class Meta:
        model = Purpose
        fields = ["key", "title", "required", "default_validity_days"]
        help_texts = {"key": "How applications call it. It cannot be changed later."}

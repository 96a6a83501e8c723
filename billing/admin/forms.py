"""What staff fill in: the forms of actions on an account, and of a tier."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from billing.models import AMOUNT_MAX, LIMIT_MAX, Tier
from billing.templatetags.billing_numbers import credits
from common.admin.forms import EditForm, ReasonForm, checkbox


def amount_field(**options: Any) -> forms.IntegerField:
    """A number of credits, from 1."""
    return forms.IntegerField(
        **{
            "min_value": 1,
            "max_value": AMOUNT_MAX,
            "widget": UnfoldAdminIntegerFieldWidget(attrs={"autocomplete": "off"}),
        }
        | options
    )


def limit_field(label: str) -> forms.IntegerField:
    return amount_field(
        label=label, min_value=0, max_value=LIMIT_MAX, required=False, help_text="Empty: unchanged."
    )


class AccountActionForm(ReasonForm):
    """An action on an account and its reason."""

    field_order = ["amount", "tier", "daily_limit", "daily_unlimited", "monthly_limit",
                   "monthly_unlimited", "reason"]  # fmt: skip
    LEDGER_REASON = "Stands in the ledger as the description. The person can read it there."


class AmountForm(AccountActionForm):
    """Credits that come in."""

    amount = amount_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = self.LEDGER_REASON


class AdjustForm(AmountForm):
    """Credits that come in or go out."""

    amount = amount_field(
        min_value=-AMOUNT_MAX, help_text="Above zero adds credits, below zero takes them."
    )

    def clean_amount(self) -> int:
        amount: int = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError("Give an amount other than zero.")
        return amount


class RefundForm(AmountForm):
    """What is given back of one charge."""

    amount = amount_field(required=False, help_text="Empty: all that is left of the charge.")


class TierChoiceForm(AccountActionForm):
    """Which tier a person has from now on."""

    tier = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget(),
        help_text="The person gets the tier’s numbers as they are now; choose the same tier again"
        " to apply an edited one. Counters stay, and the balance waits for the next refill.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tiers = Tier.objects.order_by("pk")
        self.fields["tier"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a tier"),
            *((tier.key, f"{tier.name}: {numbers_of(tier)}") for tier in tiers),
        ]


def numbers_of(tier: Tier) -> str:
    """A tier in a line, such as "10 a day, 100 a month; 50 credits every 24 h"."""
    limits = [
        f"{'unlimited' if limit is None else credits(limit)} a {window}"
        for window, limit in (("day", tier.daily_limit), ("month", tier.monthly_limit))
    ]
    hours = tier.refill_interval_hours
    refill = f"every {hours} h" if hours else "once"
    return f"{', '.join(limits)}; {credits(tier.credit_allowance)} credits {refill}"


class LimitsForm(AccountActionForm):
    """A person's own limits."""

    daily_limit = limit_field("Daily limit")
    daily_unlimited = checkbox("No daily limit")
    monthly_limit = limit_field("Monthly limit")
    monthly_unlimited = checkbox("No monthly limit")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for window in ("daily", "monthly"):
            if values.get(f"{window}_unlimited") and values.get(f"{window}_limit") is not None:
                self.add_error(f"{window}_limit", "Give a limit, or choose none; not both.")
        if not self.errors and not self.changes():
            raise forms.ValidationError("Give at least one limit.")
        return values

    def changes(self) -> dict[str, int | None]:
        """The limits that change; None is unlimited."""
        changes: dict[str, int | None] = {}
        for window in ("daily", "monthly"):
            limit = self.cleaned_data.get(f"{window}_limit")
            if limit is not None or self.cleaned_data.get(f"{window}_unlimited"):
                changes[f"{window}_limit"] = limit
        return changes


class TierForm(EditForm, forms.ModelForm):  # type: ignore[type-arg]
    """A tier. The default gives up its place only to another tier."""

    make_default = checkbox(
        "Default tier",
        help_text="Whoever comes without a tier gets this one. There is one default.",
    )

    class Meta:
        model = Tier
        fields = ["key", "name", "daily_limit", "monthly_limit", "credit_allowance",
                  "refill_interval_hours"]  # fmt: skip
        help_texts = {
            "key": "How applications call it. It cannot be changed later.",
            "daily_limit": "Calls in a day (UTC). Empty: unlimited.",
            "monthly_limit": "Calls in a month (UTC). Empty: unlimited.",
            "credit_allowance": "The first credits, and what a refill fills up to.",
            "refill_interval_hours": "Empty: credits come once.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("make_default")
        if field is not None and self.instance.is_default:
            field.initial, field.disabled = True, True
            field.help_text = "Make another tier the default to change this."

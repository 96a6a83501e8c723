"""Tiers as staff edit them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from access.staff_actions import Action, ActionContext, ActionResult
from access.staff_views import RecordedAdmin
from billing.admin import forms
from billing.admin.rows import CSS, shown_limit
from billing.models import Tier
from billing.services import tiers
from billing.templatetags.billing_numbers import credits
from common.admin.pages import display


def _save(context: ActionContext) -> ActionResult:
    make_default = context.form.cleaned_data["make_default"]
    tier = tiers.save_tier(tier=context.row, make_default=make_default)
    return ActionResult(tier, f"Saved the tier {tier.key}.")


def _delete(context: ActionContext) -> ActionResult:
    tiers.delete_tier(tier=context.row)
    return ActionResult(context.row, f"Deleted the tier {context.row.key}.")


SAVE = Action("billing.save_tier", "Save", "billing.change_tier", _save)
DELETE = Action("billing.delete_tier", "Delete", "billing.delete_tier", _delete, is_dangerous=True)


@admin.register(Tier)
class TierAdmin(RecordedAdmin):
    """The templates. Editing one changes nobody who is there already."""

    form = forms.TierForm
    list_display = (
        "name", "key", "shown_daily_limit", "shown_monthly_limit", "shown_allowance", "refill",
        "default_mark",
    )  # fmt: skip
    fields = ("key", "name", "daily_limit", "monthly_limit", "credit_allowance",
              "refill_interval_hours", "make_default", "reason", "token")  # fmt: skip
    change_form_template = "billing/tier.html"
    save_action = SAVE
    delete_action = DELETE

    class Media:
        css = CSS

    @display(description="Daily limit")
    def shown_daily_limit(self, tier: Tier) -> str:
        return shown_limit(tier.daily_limit)

    @display(description="Monthly limit")
    def shown_monthly_limit(self, tier: Tier) -> str:
        return shown_limit(tier.monthly_limit)

    @display(description="Credits")
    def shown_allowance(self, tier: Tier) -> str:
        return credits(tier.credit_allowance)

    @display(description="Refill")
    def refill(self, tier: Tier) -> str:
        return f"every {tier.refill_interval_hours} h" if tier.refill_interval_hours else "none"

    @display(description="Default", label={"default": "success"})
    def default_mark(self, tier: Tier) -> str | None:
        return "default" if tier.is_default else None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is not None and not self.has_change_permission(request, obj):
            return (*self.fields[:-3], "default_mark")
        return self.fields

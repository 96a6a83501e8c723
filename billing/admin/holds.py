"""Credits that are set aside, as staff see them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from billing.admin.rows import BillingRowsAdmin, shortened
from billing.models import CreditHold
from billing.templatetags.billing_numbers import credits
from common.admin.pages import display

STATE_COLOURS = {"open": "info", "captured": "success", "released": "", "expired": "warning"}


class StateFilter(admin.SimpleListFilter):
    """A hold's state as it is now, an expiry that nobody wrote down included."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(CreditHold.State.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        state = self.value()
        if state not in CreditHold.State.values:
            return queryset
        return queryset.in_state(state, at=timezone.now())


@admin.register(CreditHold)
class CreditHoldAdmin(BillingRowsAdmin):
    """Credits that are set aside, with the state as it is now."""

    list_display = (
        "created_at", "whose", "shown_amount", "shown_captured", "state_now", "expires_at",
        "short_description",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_filter = (StateFilter,)
    search_fields = ("person__user_id", "uid")
    search_help_text = "Whole id of a person or a hold"
    fields = (
        "uid", "whose", "shown_amount", "shown_captured", "state_now", "description", "actor",
        "created_at", "expires_at",
    )  # fmt: skip

    @display(description="Amount")
    def shown_amount(self, hold: CreditHold) -> str:
        return credits(hold.amount)

    @display(description="Captured")
    def shown_captured(self, hold: CreditHold) -> str:
        return credits(hold.captured_amount)

    @display(description="State", label=STATE_COLOURS)
    def state_now(self, hold: CreditHold) -> str:
        return hold.state_at(timezone.now())

    @display(description="Description")
    def short_description(self, hold: CreditHold) -> str:
        return shortened(hold.description)

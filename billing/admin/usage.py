"""How much people have used, and who changed their limits, as staff see it."""

from typing import Any

from django.contrib import admin
from django.utils import timezone

from billing.admin.rows import BillingRowsAdmin, TierFilter, shortened, shown_limit
from billing.models import Usage, UsageOverride
from billing.templatetags.billing_numbers import credits
from common.admin.pages import CreatedFilter, display


class LimitsAdmin(BillingRowsAdmin):
    """Rows with limits, of which null is unlimited."""

    @display(description="Daily limit")
    def shown_daily_limit(self, row: Any) -> str:
        return shown_limit(row.daily_limit)

    @display(description="Monthly limit")
    def shown_monthly_limit(self, row: Any) -> str:
        return shown_limit(row.monthly_limit)


@admin.register(Usage)
class UsageAdmin(LimitsAdmin):
    """How much each person has used, as it counts now."""

    list_display = (
        "whose", "tier", "used_today", "shown_daily_limit", "used_this_month",
        "shown_monthly_limit", "total_queries",
    )  # fmt: skip
    list_filter = (TierFilter,)
    fields = (*list_display, "last_daily_reset", "last_monthly_reset")

    @display(description="Used today")
    def used_today(self, usage: Usage) -> str:
        return credits(usage.used_today(at=timezone.now()))

    @display(description="Used this month")
    def used_this_month(self, usage: Usage) -> str:
        return credits(usage.used_this_month(at=timezone.now()))


@admin.register(UsageOverride)
class UsageOverrideAdmin(LimitsAdmin):
    """Who changed whose tier or limits, and why; the limits are those afterwards."""

    list_display = (
        "created_at", "whose", "tier", "shown_daily_limit", "shown_monthly_limit",
        "short_reason", "actor",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_filter = (CreatedFilter,)
    fields = (
        "whose", "tier", "shown_daily_limit", "shown_monthly_limit", "reason", "actor",
        "created_at",
    )  # fmt: skip

    @display(description="Reason")
    def short_reason(self, override: UsageOverride) -> str:
        return shortened(override.reason)

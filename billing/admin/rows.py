"""What the admin's pages of usage and credits share."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from billing.models import Tier
from billing.templatetags.billing_numbers import credits
from common.admin.pages import PersonRowsAdmin

CSS = {"all": ("common/sheets.css", "billing/billing.css")}


class BillingRowsAdmin(PersonRowsAdmin):
    class Media:
        css = CSS


class TierFilter(admin.SimpleListFilter):
    """One of the tiers that there are. Django's own filter would read the whole table for them."""

    title = "tier"
    parameter_name = "tier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Tier.objects.order_by("pk").values_list("key", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(tier=self.value()) if self.value() else queryset


def shortened(text: str) -> str:
    return f"{text[:60]}…" if len(text) > 60 else text


def shown_limit(limit: int | None) -> str:
    return "unlimited" if limit is None else credits(limit)

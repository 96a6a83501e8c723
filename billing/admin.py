"""Usage and credits as staff see them: accounts, the ledger, holds and tiers.

Rows are read; what staff do to an account is a named act (acts.py), a form with a reason. Only
tiers, which are templates, are edited.
"""

import datetime
import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.decorators import display

from access.models import PERSON_NAME
from billing import acts, forms, services
from billing.account_page import account_page
from billing.models import (
    CreditAccount,
    CreditHold,
    CreditTransaction,
    LedgerCheckpoint,
    Tier,
    Usage,
    UsageOverride,
)
from billing.templatetags.billing_numbers import credits, signed
from common.acts import NothingToDo
from common.admin import BoundedPaginator, CreatedFilter, KeyedAdmin, PersonRowsAdmin, page, tell
from common.errors import DomainError

STATE_COLOURS = {"open": "info", "captured": "success", "released": "", "expired": "warning"}
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


class FrozenFilter(admin.SimpleListFilter):
    title = "frozen"
    parameter_name = "frozen"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Frozen"), ("no", "Not frozen")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(frozen_at__isnull=self.value() == "no")


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


class AccountPaginator(BoundedPaginator):
    """Counts accounts without summing up the holds of each."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(BoundedPaginator(rows.values("pk"), self.per_page).count)


@admin.register(CreditAccount)
class CreditAccountAdmin(BillingRowsAdmin):
    """What each person has; a page for each with everything that support is asked."""

    list_display = (
        "whose", "tier", "available_now", "balance_now", "held_now", "mark", "next_refill",
    )  # fmt: skip
    list_filter = (TierFilter, FrozenFilter)
    paginator = AccountPaginator
    fields = ("whose",)  # the template shows the rest
    change_form_template = "billing/account.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        accounts = CreditAccount.objects.select_related("person")
        return accounts.with_held_now(at=timezone.now())

    @display(description="Available")  # type: ignore[untyped-decorator]
    def available_now(self, account: Any) -> str:
        return credits(account.balance_at(timezone.now()) - account.held_now)

    @display(description="Balance")  # type: ignore[untyped-decorator]
    def balance_now(self, account: CreditAccount) -> str:
        return credits(account.balance_at(timezone.now()))

    @display(description="Held")  # type: ignore[untyped-decorator]
    def held_now(self, account: Any) -> str:
        return credits(account.held_now)

    @display(description="State", label={"frozen": "danger"})  # type: ignore[untyped-decorator]
    def mark(self, account: CreditAccount) -> str | None:
        return "frozen" if account.frozen_at is not None else None

    @display(description="Next refill")  # type: ignore[untyped-decorator]
    def next_refill(self, account: CreditAccount) -> Any:
        if account.next_refill_at is None:
            return "never"
        return (
            "due, counted" if account.refill_is_due(at=timezone.now()) else account.next_refill_at
        )

    # One account

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context["page"] = account_page(obj, at=timezone.now())
        context["acts"] = acts.offered(request.user, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_urls(self) -> list[URLPattern]:
        targets = {"refund": "refund/<int:target_pk>/", "release": "release/<int:target_pk>/"}
        own = [
            path(
                f"<int:pk>/{targets.get(name, f'{name}/')}",
                self.admin_site.admin_view(self.act_view),
                {"name": name},
                name=f"billing_creditaccount_{name}",
            )
            for name in acts.ACTS
        ]
        return [*own, *super().get_urls()]

    def act_view(
        self, request: HttpRequest, pk: int, name: str, target_pk: int | None = None
    ) -> HttpResponse:
        """The form of an act, and with POST the act itself."""
        act = acts.ACTS[name]
        if not (self.has_view_permission(request) and request.user.has_perm(act.permission)):
            raise PermissionDenied
        account = get_object_or_404(CreditAccount.objects.select_related("person"), pk=pk)
        target = None if target_pk is None else target_of(act, account, target_pk)
        form = act.form(request.POST if request.method == "POST" else None)
        if form.is_valid():
            acted = self._perform(request, act, account, target, form)
            if acted is not None:
                return acted
        context = {
            "title": act.title,
            "act": act,
            "account": account,
            "target": target,
            "available": account_available(account, timezone.now()),
            "account_url": account_url(account),
        }
        return page(self, request, "billing/act.html", context, form)

    def _perform(
        self, request: HttpRequest, act: acts.Act, account: CreditAccount, target: Any, form: Any
    ) -> HttpResponse | None:
        """Do it and lead back to the account, with a message; None if it was refused."""
        user: Any = request.user
        try:
            done = acts.perform(
                act, user=user, account=account, target=target, form=form, at=timezone.now()
            )
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return None
        except NothingToDo as nothing:
            messages.warning(request, str(nothing))
        else:
            tell(request, done)
        return HttpResponseRedirect(account_url(account))


def account_url(account: CreditAccount) -> str:
    return reverse("admin:billing_creditaccount_change", args=[account.pk])


def account_available(account: CreditAccount, at: datetime.datetime) -> int:
    """What can be charged at that time."""
    held: Any = CreditAccount.objects.with_held_now(at=at).get(pk=account.pk)
    return account.balance_at(at) - int(held.held_now)


def target_of(act: acts.Act, account: CreditAccount, pk: int) -> CreditTransaction | CreditHold:
    """The entry or hold that the act is about; another person's is none of it."""
    rows: QuerySet[Any] = (
        CreditTransaction.objects.filter(type=CreditTransaction.Type.DEDUCT)
        if act.name == "refund"
        else CreditHold.objects.all()
    )
    found = rows.filter(person=account.person_id, pk=pk).first()
    if found is None:
        raise Http404("There is no such row in this account.")
    return found


@admin.register(CreditTransaction)
class CreditTransactionAdmin(BillingRowsAdmin):
    """The ledger, the newest entry first."""

    list_display = (
        "created_at", "whose", "type", "shown_amount", "shown_balance", "short_description",
        "actor",
    )  # fmt: skip
    list_display_links = ("created_at",)
    list_filter = ("type", CreatedFilter)
    search_fields = ("person__user_id", "uid")
    search_help_text = "Whole id of a person or a transaction"
    csv_columns = {
        "id": "uid",
        "user_id": PERSON_NAME,
        "sequence": "sequence",
        "type": "type",
        "amount": "amount",
        "balance_after": "balance_after",
        "description": "description",
        "refunds": "refunds",
        "hold": "hold",
        "actor": "actor",
        "created_at": "created_at",
    }
    fields = ("type",)  # the template shows the rest
    change_form_template = "billing/entry.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer("idempotency_key", "request_hash")

    @display(description="Amount")  # type: ignore[untyped-decorator]
    def shown_amount(self, entry: CreditTransaction) -> str:
        return signed(entry.amount)

    @display(description="Balance after")  # type: ignore[untyped-decorator]
    def shown_balance(self, entry: CreditTransaction) -> str:
        return credits(entry.balance_after)

    @display(description="Description")  # type: ignore[untyped-decorator]
    def short_description(self, entry: CreditTransaction) -> str:
        return shortened(entry.description)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context.update(related_to(obj))
        context["metadata"] = (
            json.dumps(obj.metadata, indent=2, ensure_ascii=False) if obj.metadata else ""
        )
        context["may_refund"] = (
            obj.type == CreditTransaction.Type.DEDUCT
            and request.user.has_perm(acts.CREDITS)
            and request.user.has_perm("billing.view_creditaccount")
        )
        return super().render_change_form(request, context, add, change, form_url, obj)


def related_to(entry: CreditTransaction) -> dict[str, Any]:
    """An entry's account, its hold, what it refunds and what refunded it."""
    own = CreditTransaction.objects.filter(person=entry.person_id)
    holds = CreditHold.objects.filter(person=entry.person_id)
    return {
        "account": CreditAccount.objects.filter(person=entry.person_id).first(),
        "hold": holds.filter(uid=entry.hold).first() if entry.hold else None,
        "refunded": own.filter(uid=entry.refunds).first() if entry.refunds else None,
        "refunds": list(own.refunds_of(entry).order_by("sequence")[:100]),
    }


def shortened(text: str) -> str:
    return f"{text[:60]}…" if len(text) > 60 else text


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

    @display(description="Amount")  # type: ignore[untyped-decorator]
    def shown_amount(self, hold: CreditHold) -> str:
        return credits(hold.amount)

    @display(description="Captured")  # type: ignore[untyped-decorator]
    def shown_captured(self, hold: CreditHold) -> str:
        return credits(hold.captured_amount)

    @display(description="State", label=STATE_COLOURS)  # type: ignore[untyped-decorator]
    def state_now(self, hold: CreditHold) -> str:
        return hold.state_at(timezone.now())

    @display(description="Description")  # type: ignore[untyped-decorator]
    def short_description(self, hold: CreditHold) -> str:
        return shortened(hold.description)


def shown_limit(limit: int | None) -> str:
    return "unlimited" if limit is None else credits(limit)


class LimitsAdmin(BillingRowsAdmin):
    """Rows with limits, of which null is unlimited."""

    @display(description="Daily limit")  # type: ignore[untyped-decorator]
    def shown_daily_limit(self, row: Any) -> str:
        return shown_limit(row.daily_limit)

    @display(description="Monthly limit")  # type: ignore[untyped-decorator]
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

    @display(description="Used today")  # type: ignore[untyped-decorator]
    def used_today(self, usage: Usage) -> str:
        return credits(usage.used_today(at=timezone.now()))

    @display(description="Used this month")  # type: ignore[untyped-decorator]
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

    @display(description="Reason")  # type: ignore[untyped-decorator]
    def short_reason(self, override: UsageOverride) -> str:
        return shortened(override.reason)


@admin.register(LedgerCheckpoint)
class LedgerCheckpointAdmin(BillingRowsAdmin):
    """Up to where entries have left the ledger, and for which file."""

    list_display = ("created_at", "whose", "sequence", "shown_balance", "archive")
    list_display_links = ("created_at",)
    fields = ("whose", "sequence", "shown_balance", "archive", "digest", "created_at")

    @display(description="Balance")  # type: ignore[untyped-decorator]
    def shown_balance(self, checkpoint: LedgerCheckpoint) -> str:
        return credits(checkpoint.balance)


@admin.register(Tier)
class TierAdmin(KeyedAdmin):
    """The templates. Editing one changes nobody who is there already."""

    form = forms.TierForm
    list_display = (
        "name", "key", "shown_daily_limit", "shown_monthly_limit", "shown_allowance", "refill",
        "default_mark",
    )  # fmt: skip
    fields = ("key", "name", "daily_limit", "monthly_limit", "credit_allowance",
              "refill_interval_hours", "make_default")  # fmt: skip
    change_form_template = "billing/tier.html"

    class Media:
        css = CSS

    @display(description="Daily limit")  # type: ignore[untyped-decorator]
    def shown_daily_limit(self, tier: Tier) -> str:
        return shown_limit(tier.daily_limit)

    @display(description="Monthly limit")  # type: ignore[untyped-decorator]
    def shown_monthly_limit(self, tier: Tier) -> str:
        return shown_limit(tier.monthly_limit)

    @display(description="Credits")  # type: ignore[untyped-decorator]
    def shown_allowance(self, tier: Tier) -> str:
        return credits(tier.credit_allowance)

    @display(description="Refill")  # type: ignore[untyped-decorator]
    def refill(self, tier: Tier) -> str:
        return f"every {tier.refill_interval_hours} h" if tier.refill_interval_hours else "none"

    @display(description="Default", label={"default": "success"})  # type: ignore[untyped-decorator]
    def default_mark(self, tier: Tier) -> str | None:
        return "default" if tier.is_default else None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is not None and not self.has_change_permission(request, obj):
            return (*self.fields[:-1], "default_mark")
        return self.fields

    def save_model(self, request: HttpRequest, obj: Tier, form: Any, change: bool) -> None:
        services.save_tier(tier=obj, make_default=form.cleaned_data["make_default"])

    def delete_model(self, request: HttpRequest, obj: Tier) -> None:
        services.delete_tier(tier=obj)

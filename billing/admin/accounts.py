"""Accounts as staff see them: what each person has, and what staff do about it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import cached_property

from access.staff_views import StaffActionView
from billing.admin import actions
from billing.admin.account_page import account_page
from billing.admin.rows import BillingRowsAdmin, TierFilter
from billing.models import CreditAccount, CreditHold, CreditTransaction
from billing.templatetags.billing_numbers import credits
from common.admin.pages import BoundedPaginator, display

# A refund begins at its entry, a release at its hold.
ON_A_ROW = (actions.REFUND, actions.RELEASE)


class FrozenFilter(admin.SimpleListFilter):
    title = "frozen"
    parameter_name = "frozen"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Frozen"), ("no", "Not frozen")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(frozen_at__isnull=self.value() == "no")


class AccountPaginator(BoundedPaginator):
    """Counts accounts without summing up the holds of each."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(BoundedPaginator(rows.values("pk"), self.per_page).count)


class AccountActionView(StaffActionView):
    """The page of an action on an account, or on an entry or hold of it."""

    template_name = "billing/action.html"

    def target_of(self, row: Any, **place: Any) -> CreditTransaction | CreditHold | None:
        """The entry or hold that the action is about; another person's is none of it."""
        if "target_pk" not in place:
            return None
        rows: QuerySet[Any] = (
            CreditTransaction.objects.filter(type=CreditTransaction.Type.DEDUCT)
            if self.action is actions.REFUND
            else CreditHold.objects.all()
        )
        found: Any = rows.filter(person=row.person_id, pk=place["target_pk"]).first()
        if found is None:
            raise Http404("There is no such row in this account.")
        return found

    def context_of(self, request: HttpRequest, row: Any, target: Any) -> dict[str, Any]:
        available = row.balance_at(timezone.now()) - row.held_now
        return super().context_of(request, row, target) | {"available": available}


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

    @display(description="Available")
    def available_now(self, account: Any) -> str:
        return credits(account.balance_at(timezone.now()) - account.held_now)

    @display(description="Balance")
    def balance_now(self, account: CreditAccount) -> str:
        return credits(account.balance_at(timezone.now()))

    @display(description="Held")
    def held_now(self, account: Any) -> str:
        return credits(account.held_now)

    @display(description="State", label={"frozen": "danger"})
    def mark(self, account: CreditAccount) -> str | None:
        return "frozen" if account.frozen_at is not None else None

    @display(description="Next refill")
    def next_refill(self, account: CreditAccount) -> Any:
        if account.next_refill_at is None:
            return "never"
        return (
            "due, counted" if account.refill_is_due(at=timezone.now()) else account.next_refill_at
        )

    # One account

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            "page": account_page(row, at=timezone.now()),
            "staff_actions": actions.offered(request.user, row),
        }

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:pk>/{action.slug}/{'<int:target_pk>/' if action in ON_A_ROW else ''}",
                self.admin_site.admin_view(
                    AccountActionView.as_view(model_admin=self, action=action)
                ),
                name=self.route_of(action.slug),
            )
            for action in (*actions.ON_ACCOUNT, *ON_A_ROW)
        ]
        return [*own, *super().get_urls()]

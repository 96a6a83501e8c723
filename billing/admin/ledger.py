"""The ledger as staff see it: its entries, and up to where they have left it."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access.models import PERSON_NAME
from billing.admin import actions
from billing.admin.rows import BillingRowsAdmin, shortened
from billing.models import CreditAccount, CreditHold, CreditTransaction, LedgerCheckpoint
from billing.templatetags.billing_numbers import credits, signed
from common.admin.pages import CreatedFilter, display


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

    @display(description="Amount")
    def shown_amount(self, entry: CreditTransaction) -> str:
        return signed(entry.amount)

    @display(description="Balance after")
    def shown_balance(self, entry: CreditTransaction) -> str:
        return credits(entry.balance_after)

    @display(description="Description")
    def short_description(self, entry: CreditTransaction) -> str:
        return shortened(entry.description)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        may_refund = (
            row.type == CreditTransaction.Type.DEDUCT
            and row.person.user_id is not None
            and request.user.has_perm(actions.CREDITS)
            and request.user.has_perm("billing.view_creditaccount")
        )
        metadata = json.dumps(row.metadata, indent=2, ensure_ascii=False) if row.metadata else ""
        return {**related_to(row), "metadata": metadata, "may_refund": may_refund}


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


@admin.register(LedgerCheckpoint)
class LedgerCheckpointAdmin(BillingRowsAdmin):
    """Up to where entries have left the ledger, and for which file."""

    list_display = ("created_at", "whose", "sequence", "shown_balance", "archive")
    list_display_links = ("created_at",)
    fields = ("whose", "sequence", "shown_balance", "archive", "digest", "created_at")

    @display(description="Balance")
    def shown_balance(self, checkpoint: LedgerCheckpoint) -> str:
        return credits(checkpoint.balance)

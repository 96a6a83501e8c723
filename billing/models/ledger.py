"""The ledger: entries, what archived ones came to, and the seals over them."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import F, Q

from access.models import PersonalQuerySet, PersonField
from billing.models.accounts import CreditAccount
from billing.models.tiers import AMOUNT_MAX
from common.models import JSONField, metadata_of_page, new_uid


class CreditTransactionQuerySet(PersonalQuerySet["CreditTransaction"]):
    def refunds_of(self, transaction: "CreditTransaction") -> "CreditTransactionQuerySet":
        """What was given back of one entry."""
        return self.filter(person_id=transaction.person_id, refunds=transaction.uid)

    def as_page_rows(self, limit: int) -> Any:
        """Rows for a page of so many, as dictionaries; large metadata is left out for now."""
        return self.values(*TRANSACTION_COLUMNS, **metadata_of_page(limit))

    def in_order(self) -> "Iterator[CreditTransaction]":
        """All entries, account by account and in sequence; for long reads."""
        return self.order_by("person_id", "sequence").iterator(chunk_size=2000)


TRANSACTION_COLUMNS = (
    "id", "uid", "sequence", "type", "amount", "balance_after", "description", "refunds", "hold",
    "actor", "created_at",
)  # fmt: skip


class CreditTransaction(models.Model):
    """One entry of the ledger: the act itself. Its trigger moves the account; nothing changes it.

    `amount` is signed. A refund names the entry it gives back (`refunds`), the entry of a captured
    hold its hold; both by id, within the same person's rows.
    """

    class Type(models.TextChoices):
        ALLOCATE = "allocate"
        DEDUCT = "deduct"
        RESET = "reset"
        GRANT = "grant"
        PURCHASE = "purchase"
        REFUND = "refund"
        ADJUSTMENT = "adjustment"

    uid = models.UUIDField("id", default=new_uid, editable=False)
    person = PersonField()
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=10, choices=Type)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    description = models.TextField(blank=True, default="")
    metadata = JSONField(default=dict)
    refunds = models.UUIDField(null=True, blank=True)
    hold = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=300, null=True)  # noqa: DJ001  (null: none given)
    request_hash = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()

    objects = CreditTransactionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "sequence"], name="billing_transaction_sequence_unique"
            ),
            models.UniqueConstraint(fields=["person", "uid"], name="billing_transaction_id_unique"),
            models.UniqueConstraint(
                fields=["person", "idempotency_key", "actor"],
                condition=Q(idempotency_key__isnull=False),
                name="billing_transaction_key_unique_for_caller",
            ),
            models.UniqueConstraint(
                fields=["person", "hold"],
                condition=Q(hold__isnull=False),
                name="billing_transaction_one_for_a_hold",
            ),
            models.CheckConstraint(
                condition=Q(sequence__gte=1), name="billing_transaction_sequence_from_one"
            ),
            models.CheckConstraint(
                condition=Q(type="deduct", amount__lt=0)
                | Q(type="adjustment") & ~Q(amount=0)
                | Q(type__in=["allocate", "reset", "grant", "purchase", "refund"], amount__gt=0),
                name="billing_transaction_sign_by_type",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=-AMOUNT_MAX, amount__lte=AMOUNT_MAX),
                name="billing_transaction_amount_bounded",
            ),
            models.CheckConstraint(
                condition=Q(balance_after__gte=0), name="billing_transaction_balance_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(type="refund", refunds__isnull=False)
                | ~Q(type="refund") & Q(refunds=None),
                name="billing_transaction_refund_names_its_original",
            ),
            models.CheckConstraint(
                condition=Q(hold=None) | Q(type="deduct"),
                name="billing_transaction_hold_is_a_charge",
            ),
            models.CheckConstraint(condition=~Q(actor=""), name="billing_transaction_has_an_actor"),
        ]
        indexes = [
            models.Index(
                F("person"), F("type"), F("sequence").desc(), name="billing_transaction_type"
            ),
            # With what statistics sum up, so that they read no row besides.
            models.Index(
                F("person"),
                F("created_at"),
                F("type"),
                F("amount"),
                name="billing_transaction_sums",
            ),
            models.Index(
                F("person"),
                F("refunds"),
                condition=Q(refunds__isnull=False),
                name="billing_refunds",
            ),
        ]

    class Privacy:
        personal = {"person", "description", "metadata", "idempotency_key"}
        not_personal = {
            "id", "uid", "sequence", "type", "amount", "balance_after", "refunds", "hold", "actor",
            "request_hash", "created_at",
        }  # fmt: skip
        blanked_on_erasure = {"description", "metadata", "idempotency_key"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.type} {self.amount}"


class LedgerCheckpoint(models.Model):
    """The state of an account after one of its entries, written when older ones are archived.

    The one door through which entries leave: those at or below it may be deleted. `archive` names
    the file, `digest` is the SHA-256 of its lines of this account.
    """

    person = PersonField()
    sequence = models.BigIntegerField()
    balance = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    archive = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "sequence"], name="billing_checkpoint_sequence_unique"
            )
        ]

    class Privacy:
        personal = {"person"}
        not_personal = {"id", "sequence", "balance", "digest", "archive", "created_at"}
        blanked_on_erasure: set[str] = set()

    def __str__(self) -> str:
        return f"#{self.pk} at {self.sequence}"


class LedgerSeal(models.Model):
    """The entries of one account up to `sequence` are as the server wrote them: under a key.

    `mac` covers the account's seal before and its entries since, `chain` this seal and the one
    before it, of whatever account (billing/sealing.py). Whoever has the database and not the key
    can make neither. `through` is the newest entry, by its row, that was looked at.
    """

    number = models.BigIntegerField(unique=True)
    account = models.ForeignKey(CreditAccount, on_delete=models.PROTECT, related_name="+")
    sequence = models.BigIntegerField()
    balance = models.BigIntegerField()
    through = models.BigIntegerField()
    key = models.CharField(max_length=16)
    mac = models.CharField(max_length=64)
    chain = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sequence"], name="billing_ledgerseal_once_at_a_sequence"
            )
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {
            "id", "number", "account", "sequence", "balance", "through", "key", "mac", "chain",
            "created_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} at {self.sequence}"

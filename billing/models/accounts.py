"""Accounts: the credits of one person."""

import datetime

from django.db import models
from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce

from access.models import PersonalQuerySet, PersonField
from billing.models.holds import CreditHold


class CreditAccountQuerySet(PersonalQuerySet["CreditAccount"]):
    def with_held_now(self, *, at: datetime.datetime) -> "CreditAccountQuerySet":
        """With `held_now`: what open holds keep at that time; an expired one keeps nothing."""
        live = (
            CreditHold.objects.open(at=at)
            .filter(person_id=models.OuterRef("person_id"))
            .order_by()
            .values("person_id")
            .annotate(total=Sum("amount"))
            .values("total")
        )
        return self.annotate(held_now=Coalesce(models.Subquery(live), Value(0)))

    def locked(self) -> "CreditAccountQuerySet":
        """Locked against other writers until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)


class CreditAccount(models.Model):
    """One person's credits. `balance`, `held` and `sequence` are moved by triggers alone.

    `sequence` is that of the latest entry; `held` the sum of open holds. From `next_refill_at` on
    (null: never) the balance is filled up to `max_credits` when it is next looked at.
    """

    person = PersonField()
    tier = models.CharField(max_length=50)
    is_guest = models.BooleanField(default=False)
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    sequence = models.BigIntegerField(default=0)
    max_credits = models.BigIntegerField(default=0)
    refill_interval_hours = models.PositiveIntegerField(null=True, blank=True)
    last_refill_at = models.DateTimeField()
    next_refill_at = models.DateTimeField(null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    frozen_by = models.CharField(max_length=200, blank=True, default="", db_default="")
    frozen_reason = models.TextField(blank=True, default="", db_default="")

    objects = CreditAccountQuerySet.as_manager()

    class Meta:
        permissions = [("manage_credits", "Can move credits, release holds and freeze accounts")]
        constraints = [
            models.UniqueConstraint(fields=["person"], name="billing_account_one_of_a_person"),
            models.CheckConstraint(
                condition=Q(balance__gte=0), name="billing_account_balance_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(held__gte=0), name="billing_account_held_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(held__lte=F("balance")), name="billing_account_held_within_balance"
            ),
            # A frozen account of the erased has lost its reason.
            models.CheckConstraint(
                condition=Q(frozen_at=None, frozen_by="", frozen_reason="")
                | (Q(frozen_at__isnull=False) & ~Q(frozen_by="")),
                name="billing_account_frozen_by_somebody",
            ),
        ]

    class Privacy:
        personal = {"person", "frozen_reason"}
        not_personal = {
            "id", "tier", "is_guest", "balance", "held", "sequence", "max_credits",
            "refill_interval_hours", "last_refill_at", "next_refill_at", "frozen_at", "frozen_by",
        }  # fmt: skip
        blanked_on_erasure = {"frozen_reason"}
        lock_first = 2

    def __str__(self) -> str:
        return f"#{self.pk}"

    def refill_is_due(self, *, at: datetime.datetime) -> bool:
        """Whether the balance is filled up when looked at, at that time."""
        return self.next_refill_at is not None and self.next_refill_at <= at

    def balance_at(self, at: datetime.datetime) -> int:
        """The balance with a refill that is due."""
        return max(self.balance, self.max_credits) if self.refill_is_due(at=at) else self.balance

"""Tiers: what a kind of customer may do, and the bounds of numbers."""

from django.db import models
from django.db.models import Q

GUEST_TIER = "guest"
# Balances stay far inside 64 bits, so that no sum of them overflows.
AMOUNT_MAX = 10**15
# Of calls: what a day or a month may allow, and what one request may count.
LIMIT_MAX = 2**31 - 1


class Tier(models.Model):
    """What a kind of customer may do: a template, copied at first contact and by a change of tier.

    Editing one changes nobody until staff apply it. A limit of null means unlimited.
    """

    key = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    daily_limit = models.PositiveIntegerField(null=True, blank=True)
    monthly_limit = models.PositiveIntegerField(null=True, blank=True)
    credit_allowance = models.PositiveBigIntegerField(default=0)
    refill_interval_hours = models.PositiveIntegerField(null=True, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="billing_tier_one_default"
            ),
            models.CheckConstraint(
                condition=Q(refill_interval_hours=None) | Q(refill_interval_hours__gte=1),
                name="billing_tier_refill_interval_from_one_hour",
            ),
            models.CheckConstraint(
                condition=Q(credit_allowance__lte=AMOUNT_MAX),
                name="billing_tier_allowance_within_an_entry",
            ),
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {
            "id", "key", "name", "daily_limit", "monthly_limit", "credit_allowance",
            "refill_interval_hours", "is_default",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"

"""Usage: what persons have used of their limits of a day and a month."""

import datetime

from django.db import models
from django.db.models import F, Q

from access.models import PersonalQuerySet, PersonField
from common.models import ActorField


def day_of(at: datetime.datetime) -> datetime.date:
    """The day, in UTC."""
    return at.astimezone(datetime.UTC).date()


def month_of(at: datetime.datetime) -> datetime.date:
    """The first day of the month, in UTC."""
    return day_of(at).replace(day=1)


class UsageQuerySet(PersonalQuerySet["Usage"]):
    pass


class Usage(models.Model):
    """How much one person has used today and this month (UTC), and may use.

    The dates say which day and month the counters are of; later ones begin at zero, decided when
    read. Complete in itself: the limits are the tier's as they were copied, or staff's own.
    """

    person = PersonField()
    tier = models.CharField(max_length=50)
    daily_used = models.PositiveBigIntegerField(default=0)
    daily_limit = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_used = models.PositiveBigIntegerField(default=0)
    monthly_limit = models.PositiveBigIntegerField(null=True, blank=True)
    total_queries = models.PositiveBigIntegerField(default=0)
    last_daily_reset = models.DateField()
    last_monthly_reset = models.DateField()

    objects = UsageQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "usage"
        permissions = [("manage_usage", "Can change a person's tier and limits")]
        constraints = [
            models.UniqueConstraint(fields=["person"], name="billing_usage_one_of_a_person"),
        ]

    class Privacy:
        personal = {"person"}
        not_personal = {
            "id", "tier", "daily_used", "daily_limit", "monthly_used", "monthly_limit",
            "total_queries", "last_daily_reset", "last_monthly_reset",
        }  # fmt: skip
        lock_first = 1

    def __str__(self) -> str:
        return f"#{self.pk}"

    def refusing_window(self, amount: int, *, at: datetime.datetime) -> str | None:
        """Which limit `amount` more calls would pass: `daily`, `monthly` or None.

        Of both, the one that is in the way for longer.
        """
        windows = (
            ("monthly", self.monthly_limit, self.used_this_month(at=at)),
            ("daily", self.daily_limit, self.used_today(at=at)),
        )
        full = [
            name for name, limit, used in windows if limit is not None and used + amount > limit
        ]
        return max(full, key=lambda name: self.resets_at(name, at=at), default=None)

    def resets_at(self, window: str, *, at: datetime.datetime) -> datetime.datetime:
        """When the window that counts ends: the next midnight, or the next first, in UTC."""
        if window == "daily":
            day = max(self.last_daily_reset, day_of(at)) + datetime.timedelta(days=1)
        else:
            month = max(self.last_monthly_reset, month_of(at))
            day = (month + datetime.timedelta(days=32)).replace(day=1)
        return datetime.datetime.combine(day, datetime.time(), datetime.UTC)

    def used_today(self, *, at: datetime.datetime) -> int:
        """What counts towards the daily limit at that time."""
        return 0 if self.last_daily_reset < day_of(at) else self.daily_used

    def used_this_month(self, *, at: datetime.datetime) -> int:
        """What counts towards the monthly limit at that time."""
        return 0 if self.last_monthly_reset < month_of(at) else self.monthly_used


class UsageIncrementQuerySet(PersonalQuerySet["UsageIncrement"]):
    pass


class UsageIncrement(models.Model):
    """A counted call that came with an Idempotency-Key, so that its retry counts nothing."""

    person = PersonField()
    actor = ActorField()
    idempotency_key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_index=True)

    objects = UsageIncrementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "idempotency_key", "actor"],
                name="billing_usageincrement_key_once_for_caller",
            )
        ]

    class Privacy:
        personal = {"person", "idempotency_key"}
        not_personal = {"id", "actor", "request_hash", "created_at"}

    def __str__(self) -> str:
        return f"#{self.pk}"


class UsageOverrideQuerySet(PersonalQuerySet["UsageOverride"]):
    pass


class UsageOverride(models.Model):
    """A change that staff or a service made to one person's tier or limits: history, never changed.

    Holds what was in force afterwards.
    """

    person = PersonField()
    tier = models.CharField(max_length=50)
    daily_limit = models.PositiveBigIntegerField(null=True)
    monthly_limit = models.PositiveBigIntegerField(null=True)
    reason = models.TextField()
    actor = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    objects = UsageOverrideQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(actor=""), name="billing_usageoverride_has_an_actor"
            )
        ]
        indexes = [
            models.Index(
                F("person"), F("created_at").desc(), F("id").desc(), name="usage_override_history"
            )
        ]

    class Privacy:
        personal = {"person", "reason"}
        not_personal = {"id", "tier", "daily_limit", "monthly_limit", "actor", "created_at"}
        blanked_on_erasure = {"reason"}

    def __str__(self) -> str:
        return f"#{self.pk}"

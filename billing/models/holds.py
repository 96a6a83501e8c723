"""Holds: credits set aside for an act under way."""

import datetime

from django.db import models
from django.db.models import F, Q

from access.models import PersonalQuerySet, PersonField
from billing.models.tiers import AMOUNT_MAX
from common.models import ActorField, new_uid


def is_open(at: datetime.datetime) -> Q:
    """Of holds: whether one keeps credits then."""
    return Q(state=CreditHold.State.OPEN, expires_at__gt=at)


def is_overdue(at: datetime.datetime) -> Q:
    """Of holds: whether one is past its time by then, and not yet written down as such."""
    return Q(state=CreditHold.State.OPEN, expires_at__lte=at)


class CreditHoldQuerySet(PersonalQuerySet["CreditHold"]):
    def open(self, *, at: datetime.datetime) -> "CreditHoldQuerySet":
        """Those that keep credits then."""
        return self.filter(is_open(at))

    def overdue(self, *, at: datetime.datetime) -> "CreditHoldQuerySet":
        """Past their time by then, and not yet written down as such."""
        return self.filter(is_overdue(at))

    def in_state(self, state: str, *, at: datetime.datetime) -> "CreditHoldQuerySet":
        """Those whose `state_at` that time is this one."""
        if state == CreditHold.State.OPEN:
            return self.open(at=at)
        if state == CreditHold.State.EXPIRED:
            return self.filter(Q(state=state) | is_overdue(at))
        return self.filter(state=state)

    def of_the_living(self) -> "CreditHoldQuerySet":
        """Those that may still change: an erased person's stay as the erasure found them."""
        return self.filter(person__user_id__isnull=False)


class CreditHold(models.Model):
    """Credits set aside for an act under way: captured (wholly or in part), released or expired.

    Open until resolved, once. Past `expires_at` it keeps nothing, whether or not a job has run.
    """

    class State(models.TextChoices):
        OPEN = "open"
        CAPTURED = "captured"
        RELEASED = "released"
        EXPIRED = "expired"

    uid = models.UUIDField("id", default=new_uid, editable=False)
    person = PersonField()
    amount = models.BigIntegerField()
    captured_amount = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    description = models.TextField(blank=True, default="")
    actor = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (null: none given)
    request_hash = models.CharField(max_length=64, blank=True, default="")
    released_by = ActorField()
    release_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (null: none given)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()

    objects = CreditHoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "uid"], name="billing_hold_id_unique"),
            models.UniqueConstraint(
                fields=["person", "idempotency_key", "actor"],
                condition=Q(idempotency_key__isnull=False),
                name="billing_hold_key_unique_for_caller",
            ),
            models.UniqueConstraint(
                fields=["person", "release_key", "released_by"],
                condition=Q(release_key__isnull=False),
                name="billing_hold_release_key_unique_for_caller",
            ),
            models.CheckConstraint(
                condition=Q(state="released") | Q(released_by="", release_key=None),
                name="billing_hold_released_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=1, amount__lte=AMOUNT_MAX),
                name="billing_hold_amount_positive",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "captured", "released", "expired"]),
                name="billing_hold_state_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="captured", captured_amount__gte=1, captured_amount__lte=F("amount")
                )
                | (~Q(state="captured") & Q(captured_amount=0)),
                name="billing_hold_captured_within_amount",
            ),
        ]
        indexes = [
            models.Index(
                F("person"), F("expires_at"), condition=Q(state="open"), name="billing_hold_open"
            ),
            models.Index(F("expires_at"), condition=Q(state="open"), name="billing_hold_due"),
        ]

    class Privacy:
        personal = {"person", "description", "idempotency_key", "release_key"}
        not_personal = {
            "id", "uid", "amount", "captured_amount", "state", "actor", "request_hash",
            "released_by", "expires_at", "created_at",
        }  # fmt: skip
        blanked_on_erasure = {"description", "idempotency_key", "release_key"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.amount}"

    def state_at(self, at: datetime.datetime) -> str:
        """The state as it is at that time, an expiry that nobody wrote down included."""
        due = self.state == self.State.OPEN and self.expires_at <= at
        return str(self.State.EXPIRED if due else self.state)

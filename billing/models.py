"""Usage quotas by tier, and prepaid credits in a ledger whose numbers the database proves.

Usage rows count; the ledger records. Balances move only through entries (triggers.py), entries are
never changed, and all is written by billing/services/.
"""

import datetime
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce

from access.models import PersonalQuerySet, PersonField
from common.models import ActorField, JSONField, metadata_of_page, new_uid

GUEST_TIER = "guest"
# Balances stay far inside 64 bits, so that no sum of them overflows.
AMOUNT_MAX = 10**15
# Of calls: what a day or a month may allow, and what one request may count.
LIMIT_MAX = 2**31 - 1


def day_of(at: datetime.datetime) -> datetime.date:
    """The day, in UTC."""
    return at.astimezone(datetime.UTC).date()


def month_of(at: datetime.datetime) -> datetime.date:
    """The first day of the month, in UTC."""
    return day_of(at).replace(day=1)


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

    objects = PersonalQuerySet["Usage"].as_manager()

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
        head = True

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


class UsageIncrement(models.Model):
    """A counted call that came with an Idempotency-Key, so that its retry counts nothing."""

    person = PersonField()
    actor = ActorField()
    idempotency_key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_index=True)

    objects = PersonalQuerySet["UsageIncrement"].as_manager()

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

    objects = PersonalQuerySet["UsageOverride"].as_manager()

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
        emptied = {"reason"}

    def __str__(self) -> str:
        return f"#{self.pk}"


def is_open(at: datetime.datetime) -> Q:
    """Of holds: whether one keeps credits then."""
    return Q(state=CreditHold.State.OPEN, expires_at__gt=at)


def is_expired(at: datetime.datetime) -> Q:
    """Of holds: whether one is past its time by then, and not yet written down as such."""
    return Q(state=CreditHold.State.OPEN, expires_at__lte=at)


class CreditHoldQuerySet(PersonalQuerySet["CreditHold"]):
    def open(self, *, at: datetime.datetime) -> "CreditHoldQuerySet":
        """Those that keep credits then."""
        return self.filter(is_open(at))

    def expired(self, *, at: datetime.datetime) -> "CreditHoldQuerySet":
        """Past their time by then, and not yet written down as such."""
        return self.filter(is_expired(at))

    def in_state(self, state: str, *, at: datetime.datetime) -> "CreditHoldQuerySet":
        """Those whose `state_at` that time is this one."""
        if state == CreditHold.State.OPEN:
            return self.open(at=at)
        if state == CreditHold.State.EXPIRED:
            return self.filter(Q(state=state) | is_expired(at))
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
        emptied = {"description", "idempotency_key", "release_key"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.amount}"

    def state_at(self, at: datetime.datetime) -> str:
        """The state as it is at that time, an expiry that nobody wrote down included."""
        due = self.state == self.State.OPEN and self.expires_at <= at
        return str(self.State.EXPIRED if due else self.state)


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
        emptied = {"frozen_reason"}
        head = True

    def __str__(self) -> str:
        return f"#{self.pk}"

    def refill_is_due(self, *, at: datetime.datetime) -> bool:
        """Whether the balance is filled up when looked at, at that time."""
        return self.next_refill_at is not None and self.next_refill_at <= at

    def balance_at(self, at: datetime.datetime) -> int:
        """The balance with a refill that is due."""
        return max(self.balance, self.max_credits) if self.refill_is_due(at=at) else self.balance


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
                name="billing_transaction_key_unique_for_caller",
            ),
            models.UniqueConstraint(
                fields=["person", "hold"], name="billing_transaction_one_for_a_hold"
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
            models.Index(F("person"), F("created_at"), name="billing_transaction_time"),
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
        emptied = {"description", "metadata", "idempotency_key"}

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
        emptied: set[str] = set()

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

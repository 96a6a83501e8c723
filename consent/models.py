"""Who agreed to what text: texts that stay as published, and events in one chain per person.

Events are added by consent/services/ alone. Their trigger moves the chain and the state
(triggers.py), so that the three cannot part; nothing is ever changed or removed.
"""

import datetime
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Case, F, FilteredRelation, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from access.models import PersonalQuerySet, PersonField, PersonKey
from common.models import JSONField, new_uid

HASH_LENGTH = 64
# What stands before the first event of a chain.
NO_HASH = "0" * HASH_LENGTH
VERSION_MAX = 2**31 - 1
# The addresses below /consent/ that are no purposes.
ROUTES = ("as-of", "history", "policies", "query")


def is_hash(column: str) -> Q:
    """The column has the length of a SHA-256 in hex."""
    return Q(Exact(Length(column), HASH_LENGTH))


class PurposeQuerySet(models.QuerySet["Purpose"]):
    def with_text(self, *, locales: Sequence[str], at: datetime.datetime) -> Any:
        """Rows with the text that was current at that time (`text_*`; null where none was).

        That is the highest version in the first of `locales` that has one, else in any.
        `material_version` is the newest one of that locale that asks for a new answer.
        """
        texts = PolicyVersion.objects.filter(purpose=OuterRef("key"), published_at__lte=at)
        ranks = [When(locale=name, then=Value(rank)) for rank, name in enumerate(locales)]
        current = texts.alias(rank=Case(*ranks, default=Value(len(ranks)))).order_by(
            "rank", "locale", "-version"
        )
        material = texts.filter(material=True, locale=OuterRef("text_locale")).order_by("-version")
        return self.annotate(
            text_id=Subquery(current.values("pk")[:1]),
            text_version=Subquery(current.values("version")[:1]),
            text_locale=Subquery(current.values("locale")[:1]),
            text_sha256=Subquery(current.values("text_sha256")[:1]),
            material_version=Subquery(material.values("version")[:1]),
        )

    def with_state_of(self, user_id: str) -> Any:
        """Rows with what counts for a person (`state`, a ConsentState; null before any answer)."""
        mine = Q(states__person_id=PersonKey(user_id))
        return self.annotate(state=FilteredRelation("states", condition=mine))


class Purpose(models.Model):
    """What consent is asked for. A required one is part of the contract and is never withdrawn."""

    key = models.SlugField(max_length=50, unique=True)
    title = models.CharField(max_length=200)
    required = models.BooleanField(
        default=False, help_text="Ends with the account alone; withdrawing it is refused."
    )
    default_validity_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long a consent holds; empty: until withdrawn."
    )

    objects = PurposeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(key="") & ~Q(key__in=ROUTES),
                name="consent_purpose_has_a_key_of_its_own",
                violation_error_message=f"A purpose is not named {', '.join(ROUTES)}.",
            ),
            models.CheckConstraint(
                condition=Q(default_validity_days=None)
                | Q(default_validity_days__gte=1, default_validity_days__lte=36_500),
                name="consent_purpose_validity_from_one_day",
            ),
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {"id", "key", "title", "required", "default_validity_days"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"


class PolicyVersion(models.Model):
    """A text as it was published, in one language. Nothing in it changes, and it is never removed.

    A version that is `material` asks everybody who agreed to an older one to look again.
    """

    purpose = models.ForeignKey(
        Purpose,
        models.PROTECT,
        to_field="key",
        related_name="texts",
        db_column="purpose",
        db_index=False,
    )
    version = models.PositiveIntegerField()
    locale = models.CharField(max_length=20)
    text = models.TextField()
    text_sha256 = models.CharField(max_length=HASH_LENGTH)
    material = models.BooleanField(default=False)
    published_at = models.DateTimeField()

    class Meta:
        permissions = [("publish_policy", "Can publish texts")]
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "locale", "version"], name="consent_policyversion_unique"
            ),
            models.CheckConstraint(
                condition=Q(version__gte=1), name="consent_policyversion_from_one"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="consent_policyversion_has_a_text"),
            models.CheckConstraint(
                condition=is_hash("text_sha256"), name="consent_policyversion_hash_is_sha256"
            ),
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {
            "id", "purpose", "version", "locale", "text", "text_sha256", "material", "published_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose_id} {self.version} {self.locale}"

    @property
    def name(self) -> str:
        """As sentences call it."""
        return f"version {self.version} of {self.purpose_id} in {self.locale}"


class ConsentChainQuerySet(PersonalQuerySet["ConsentChain"]):
    def locked(self) -> "ConsentChainQuerySet":
        """Locked against other writers until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)


class ConsentChain(models.Model):
    """The head of one person's events: the row that a capture locks; moved by the events' trigger.

    `reference` stands for the person in every hash: HMAC-SHA256 of the id under `salt`. Once the
    salt is gone (null, after an erasure) nothing leads from the reference to the id.
    """

    person = PersonField()
    salt = models.CharField(max_length=HASH_LENGTH, null=True)  # noqa: DJ001  (null: erased)
    reference = models.CharField(max_length=HASH_LENGTH)
    last_sequence = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=HASH_LENGTH, default=NO_HASH)

    objects = ConsentChainQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], name="consent_chain_one_for_a_person"),
            models.CheckConstraint(
                condition=Q(last_sequence__gte=0), name="consent_chain_sequence_not_negative"
            ),
        ]

    class Privacy:
        personal = {"person", "salt"}
        not_personal = {"id", "reference", "last_sequence", "last_hash"}
        blanked_on_erasure = {"salt"}
        lock_first = 3

    def __str__(self) -> str:
        return f"#{self.pk} {self.last_sequence} events"


# What the API shows of an event, and what its hash covers (consent/chain.py).
EVENT_COLUMNS = (
    "id", "uid", "sequence", "purpose_id", "action", "granted", "policy_version__version",
    "text_sha256", "source", "method", "actor", "details_hmac", "recorded_at", "expires_at",
    "previous_hash", "hash",
)  # fmt: skip


class ConsentEventQuerySet(PersonalQuerySet["ConsentEvent"]):
    def as_rows(self) -> Any:
        """Rows for the API, as dictionaries."""
        return self.values(*EVENT_COLUMNS)

    def recorded_by(self, at: datetime.datetime) -> "ConsentEventQuerySet":
        """Those recorded by that time."""
        return self.filter(recorded_at__lte=at)

    def latest_by_purpose(self) -> Any:
        """The last event of each purpose among these, which are one person's."""
        known = self.all()
        last = known.order_by().values("purpose").annotate(last=models.Max("sequence"))
        return known.filter(sequence__in=last.values("last"))


class ConsentEvent(models.Model):
    """One thing that one person said (or had said for them) about one purpose.

    `granted` is the answer that counts from here on, until `expires_at`. `details_hmac` stands for
    `reason` and `evidence`, so that the hash holds when an erasure empties both.
    """

    class Action(models.TextChoices):
        GIVEN = "given"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"
        IMPORTED = "imported"

    class Source(models.TextChoices):
        API = "api"
        ADMIN = "admin"
        IMPORT = "import"
        SYSTEM = "system"

    uid = models.UUIDField("id", default=new_uid, editable=False)
    # Added under the lock of their chain alone.
    person = PersonField()
    sequence = models.BigIntegerField()
    purpose = models.ForeignKey(
        Purpose,
        models.PROTECT,
        to_field="key",
        related_name="+",
        db_column="purpose",
        db_index=False,
    )
    action = models.CharField(max_length=10, choices=Action)
    granted = models.BooleanField()
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    text_sha256 = models.CharField(max_length=HASH_LENGTH, blank=True, default="")
    source = models.CharField(max_length=10, choices=Source)
    method = models.CharField(max_length=50, blank=True, default="")
    actor = models.CharField(max_length=200)
    reason = models.TextField(blank=True, default="")
    evidence = JSONField(default=dict)
    details_hmac = models.CharField(max_length=HASH_LENGTH, blank=True, default="")
    recorded_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    previous_hash = models.CharField(max_length=HASH_LENGTH)
    hash = models.CharField(max_length=HASH_LENGTH)
    # Of the request that made the event, on the first event of a request with several. They say
    # nothing about consent, so that no hash covers them.
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (null: none given)
    request_hash = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = ConsentEventQuerySet.as_manager()

    class Meta:
        permissions = [("record_consent", "Can record consent on a person's behalf")]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "sequence"], name="consent_event_sequence_unique"
            ),
            models.UniqueConstraint(fields=["person", "uid"], name="consent_event_id_unique"),
            models.UniqueConstraint(
                fields=["person", "idempotency_key", "actor"],
                condition=Q(idempotency_key__isnull=False),
                name="consent_event_key_unique_for_caller",
            ),
            models.CheckConstraint(
                condition=Q(sequence__gte=1), name="consent_event_sequence_from_one"
            ),
            models.CheckConstraint(
                condition=Q(action="given", granted=True)
                | Q(action__in=["refused", "withdrawn", "expired"], granted=False)
                | Q(action="imported"),
                name="consent_event_action_says_what_is_granted",
            ),
            models.CheckConstraint(
                condition=Q(granted=True, expires_at=None)
                | Q(granted=True, expires_at__gt=F("recorded_at"))
                # Said in so many words: a comparison with null would let an end be missing.
                | Q(action="expired", expires_at__isnull=False, expires_at__lte=F("recorded_at"))
                | Q(granted=False, expires_at=None) & ~Q(action="expired"),
                name="consent_event_expires_after_it_was_given",
            ),
            models.CheckConstraint(
                condition=Q(policy_version=None, text_sha256="")
                | Q(policy_version__isnull=False) & is_hash("text_sha256"),
                name="consent_event_names_its_text_by_hash",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["api", "admin", "import", "system"]) & ~Q(actor=""),
                name="consent_event_has_source_and_actor",
            ),
            models.CheckConstraint(
                condition=is_hash("previous_hash") & is_hash("hash"),
                name="consent_event_hashes_are_sha256",
            ),
        ]
        indexes = [
            models.Index(
                F("person"), F("purpose"), F("sequence").desc(), name="consent_event_of_purpose"
            ),
            models.Index(F("recorded_at"), name="consent_event_time"),
        ]

    class Privacy:
        personal = {"person", "reason", "evidence", "idempotency_key"}
        not_personal = {
            "id", "uid", "sequence", "purpose", "action", "granted", "policy_version",
            "text_sha256", "source", "method", "actor", "details_hmac", "recorded_at", "expires_at",
            "previous_hash", "hash", "request_hash",
        }  # fmt: skip
        blanked_on_erasure = {"reason", "evidence", "idempotency_key"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose_id} {self.action}"


class ConsentStateQuerySet(PersonalQuerySet["ConsentState"]):
    def granting(self, *, at: datetime.datetime) -> "ConsentStateQuerySet":
        """Given and neither withdrawn nor expired at that time."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at), granted=True)

    def expired(self, *, at: datetime.datetime) -> "ConsentStateQuerySet":
        """Given once, and past the end; whether or not a job has written that down."""
        return self.filter(expires_at__lte=at)

    def unrecorded(self, *, at: datetime.datetime) -> "ConsentStateQuerySet":
        """Expired, and not written down yet. An erased person's chain has no new events."""
        return self.expired(at=at).filter(granted=True, person__user_id__isnull=False)


class ConsentState(models.Model):
    """The answer that counts: what the last event of a person and purpose says; what gates read.

    Written by the events' trigger. `since` is when it began to hold: for an expired consent, when
    it ended.
    """

    person = PersonField()
    purpose = models.ForeignKey(
        Purpose,
        models.PROTECT,
        to_field="key",
        related_name="states",
        db_column="purpose",
        db_index=False,
    )
    granted = models.BooleanField()
    event = models.OneToOneField(ConsentEvent, models.PROTECT, related_name="+")
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    objects = ConsentStateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "purpose"], name="consent_state_one_for_a_purpose"
            )
        ]
        indexes = [
            models.Index(F("expires_at"), condition=Q(granted=True), name="consent_state_expires"),
        ]

    class Privacy:
        personal = {"person"}
        not_personal = {
            "id", "purpose", "granted", "event", "policy_version", "since", "expires_at",
        }  # fmt: skip
        blanked_on_erasure: set[str] = set()

    def __str__(self) -> str:
        return f"#{self.pk} {self.purpose_id} {'granted' if self.granted else 'not granted'}"

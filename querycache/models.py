"""Model answers worth reusing: an expiring cache, private to a person unless told otherwise.

An entry is found by the SHA-256 of its request (keys.py). It may be served while it is neither
expired, of an earlier epoch of its namespace, nor invalidated by a tag; all this is decided when
it is read (statements.py). Rows are written by querycache/services/ alone.
"""

import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from access.models import PersonField, PersonKey
from common.models import JSONField

DEFAULT_NAMESPACE = "default"
NAME_MAX_LENGTH = 64
MODEL_MAX_LENGTH = 200
TAG_MAX_LENGTH = 200
# Ten years: a cache is no archive.
SECONDS_MAX = 315_360_000
# What belongs to somebody, and what to nobody: entries and leases of shared namespaces.
SOMEBODYS, NOBODYS = Q(person__isnull=False), Q(person__isnull=True)
# How long after an invalidation an answer may still be stored whose making began before it.
TAG_KEPT = datetime.timedelta(days=1)


def owned_by(owner: str | None, *, kept: bool = False) -> Q:
    """What this person owns, or with None nobody. For `kept` see PersonKey."""
    return NOBODYS if owner is None else Q(person_id=PersonKey(owner, kept=kept))


def one_for_a_key(name: str) -> list[models.UniqueConstraint]:
    """A key has one row for each person, and one of nobody: two nulls would not meet each other."""
    return [
        models.UniqueConstraint(
            fields=["person", "namespace", "key_hash"],
            condition=SOMEBODYS,
            name=f"{name}_one_for_a_key",
        ),
        models.UniqueConstraint(
            fields=["namespace", "key_hash"],
            condition=NOBODYS,
            name=f"{name}_one_of_nobody_for_a_key",
        ),
    ]


class NamespaceQuerySet(models.QuerySet["Namespace"]):
    def named(self, name: str) -> "NamespaceQuerySet":
        """The one with this name, if it was ever used."""
        return self.filter(name=name)

    def ignoring_case(self) -> "NamespaceQuerySet":
        """Those in which a question is the same in small and large letters."""
        return self.filter(ignore_case=True)

    def with_numbers(self) -> Any:
        """With its size (entries, bytes) and the sums of its counters, each as `shown_<name>`."""
        sums = {name: (CacheSize, name) for name in ("entries", "bytes")} | {  # fmt: skip
            name: (CacheStatistics, name)
            for name in ("lookups", "hits", "stale_hits", "credits_saved")
        }
        return self.annotate(
            **{f"shown_{name}": _sum_of(model, column) for name, (model, column) in sums.items()}
        )

    def with_ends(self) -> Any:
        """With `oldest_at` and `newest_at`: when entries of its epoch were made; null without any.

        Each is an end of an index. Of a minimum and a maximum together SQLite reads all rows.
        """
        current = CacheEntry.objects.filter(
            namespace_id=OuterRef("pk"), epoch=OuterRef("epoch")
        ).order_by("created_at")
        made = current.values("created_at")
        return self.annotate(oldest_at=Subquery(made[:1]), newest_at=Subquery(made.reverse()[:1]))


def _sum_of(model: "type[CacheSize] | type[CacheStatistics]", column: str) -> Coalesce:
    rows = model.objects.filter(namespace_id=OuterRef("pk")).order_by().values("namespace_id")
    return Coalesce(Subquery(rows.annotate(total=Sum(column)).values("total")), 0)


class Namespace(models.Model):
    """One cache of its own: its times, its caps, and whether people share its answers.

    Made at first use with these defaults; staff change the numbers. `epoch` counts how often
    everything in it was invalidated: entries of an earlier epoch are never served.
    """

    class Sharing(models.TextChoices):
        PRIVATE = "private"
        SHARED = "shared"

    name = models.CharField(max_length=NAME_MAX_LENGTH, unique=True)
    default_ttl_seconds = models.PositiveIntegerField(
        "default time to live", default=3600, help_text="Seconds, for answers stored without one."
    )
    stale_seconds = models.PositiveIntegerField(
        "stale window",
        default=0,
        help_text="Seconds after that in which the old answer is served while one caller renews.",
    )
    max_entries = models.PositiveIntegerField(default=100_000)
    max_bytes = models.PositiveBigIntegerField(default=1024**3)
    max_entry_bytes = models.PositiveIntegerField(default=1024**2)
    sharing = models.CharField(
        max_length=10,
        choices=Sharing,
        default=Sharing.PRIVATE,
        help_text="Private: an answer serves the person it was made for. Shared: it serves all.",
    )
    ignore_case = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Questions that differ in small and large letters alone have one answer. No text"
        " in which letters matter (code, base64, names) may be asked here. What was stored before a"
        " change is not found any more.",
    )
    epoch = models.PositiveIntegerField(default=0)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="querycache_namespace_has_a_name"),
            models.CheckConstraint(
                condition=Q(default_ttl_seconds__gte=1, default_ttl_seconds__lte=SECONDS_MAX)
                & Q(stale_seconds__lte=SECONDS_MAX),
                name="querycache_namespace_times_bounded",
            ),
            models.CheckConstraint(
                condition=Q(max_entries__gte=1, max_entry_bytes__gte=1),
                name="querycache_namespace_caps_from_one",
            ),
            models.CheckConstraint(
                condition=Q(max_entry_bytes__lte=F("max_bytes")),
                name="querycache_namespace_takes_its_largest_entry",
            ),
            models.CheckConstraint(
                condition=Q(sharing__in=["private", "shared"]),
                name="querycache_namespace_sharing_known",
            ),
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {
            "id", "name", "default_ttl_seconds", "stale_seconds", "max_entries", "max_bytes",
            "max_entry_bytes", "sharing", "ignore_case", "epoch",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"

    def owner_for(self, user_id: str) -> str | None:
        """Whose an entry is that this person stores: theirs, or nobody's in a shared namespace."""
        return None if self.sharing == self.Sharing.SHARED else user_id


class CacheEntryQuerySet(models.QuerySet["CacheEntry"]):
    def expired(self, *, at: datetime.datetime) -> "CacheEntryQuerySet":
        """Past its stale window at that time."""
        return self.filter(stale_until__lte=at)

    def of_earlier_epochs(self, namespace: Namespace) -> "CacheEntryQuerySet":
        """Those of the namespace from before all of it was invalidated."""
        return self.filter(namespace_id=namespace.pk, epoch__lt=namespace.epoch)


class CacheEntry(models.Model):
    """One stored answer: the JSON text as it came, and what it cost to make.

    `created_at` is when its making began: the time of the lease, or of the store without one. So an
    invalidation holds for answers under way, too. Entries of nobody keep no query and no context.
    """

    namespace = models.ForeignKey(Namespace, models.PROTECT, related_name="entries")
    person = PersonField(null=True)
    key_hash = models.CharField("key", max_length=64)
    query = models.TextField(blank=True, default="")
    context = JSONField(null=True)
    result = models.TextField(help_text="JSON text, kept as it came.")
    model = models.CharField(max_length=MODEL_MAX_LENGTH, blank=True, default="")
    tags = JSONField(null=True, help_text="What invalidates it: tag:<name> and model:<name>.")
    cost_credits = models.PositiveBigIntegerField(default=0)
    produced_ms = models.PositiveIntegerField(null=True)
    byte_size = models.PositiveIntegerField(help_text="Of result, query and context, in UTF-8.")
    ttl_seconds = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    fresh_until = models.DateTimeField()
    stale_until = models.DateTimeField("served until")

    objects = CacheEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "cache entries"
        permissions = [("read_texts", "Can read cached texts")]
        constraints = [
            *one_for_a_key("querycache_entry"),
            models.CheckConstraint(
                condition=Q(fresh_until__gt=F("created_at"), stale_until__gte=F("fresh_until")),
                name="querycache_entry_times_follow_each_other",
            ),
            models.CheckConstraint(
                condition=~Q(result="") & Q(byte_size__gte=1),
                name="querycache_entry_has_a_result",
            ),
            models.CheckConstraint(
                condition=SOMEBODYS | Q(query="", context__isnull=True),
                name="querycache_entry_of_nobody_keeps_no_query",
            ),
        ]
        indexes = [
            models.Index(fields=["namespace", "stale_until"], name="cacheentry_expiry"),
            # What an invalidation left behind comes first, then the oldest.
            models.Index(fields=["namespace", "epoch", "created_at"], name="cacheentry_age"),
            # Staff look an entry up by its key alone, in whichever namespace and whose it is.
            models.Index(fields=["key_hash"], name="cacheentry_key"),
        ]

    class Privacy:
        personal = {"person", "query", "context", "result"}
        not_personal = {
            "id", "namespace", "key_hash", "model", "tags", "cost_credits", "produced_ms",
            "byte_size", "ttl_seconds", "epoch", "created_at", "fresh_until", "stale_until",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.key_hash[:12]}"

    def state_at(self, at: datetime.datetime) -> str:
        """fresh, stale or ended; tags are not looked at. Needs `namespace`."""
        if self.stale_until <= at or self.epoch < self.namespace.epoch:
            return "ended"
        return "fresh" if self.fresh_until > at else "stale"

    @property
    def shown_tags(self) -> list[str]:
        """The tags as they were given."""
        mark = "tag:"
        return [tag.removeprefix(mark) for tag in self.tags or () if tag.startswith(mark)]


class CacheSize(models.Model):
    """A change of a namespace's size; the sum of a namespace's rows is its size.

    Written by triggers of CacheEntry in the same transaction, so that it is exact without counting.
    Appending needs no lock that stores would wait for; the expiry folds the rows into one.
    """

    # Without a constraint, since triggers write it while tables are being emptied.
    namespace = models.ForeignKey(
        Namespace, models.PROTECT, related_name="sizes", db_constraint=False
    )
    entries = models.BigIntegerField()
    bytes = models.BigIntegerField()
    ttl_seconds = models.BigIntegerField()

    class Privacy:
        personal: set[str] = set()
        not_personal = {"id", "namespace", "entries", "bytes", "ttl_seconds"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.entries:+d} entries"


class CacheTagQuerySet(models.QuerySet["CacheTag"]):
    def idle(self, *, at: datetime.datetime) -> "CacheTagQuerySet":
        """Those that end no entry any more; not the latest, for stores may be under way."""
        older = CacheEntry.objects.filter(
            namespace_id=OuterRef("namespace_id"),
            epoch=OuterRef("namespace__epoch"),
            created_at__lte=OuterRef("invalidated_at"),
        )
        return self.filter(~Exists(older), invalidated_at__lte=at - TAG_KEPT)


class CacheTag(models.Model):
    """When all entries with a tag were last invalidated. A tag without a row never was."""

    namespace = models.ForeignKey(Namespace, models.PROTECT, related_name="tags")
    name = models.CharField(max_length=TAG_MAX_LENGTH + len("model:"))
    invalidated_at = models.DateTimeField()

    objects = CacheTagQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "name"], name="querycache_tag_once_in_a_namespace"
            )
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {"id", "namespace", "name", "invalidated_at"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class CacheLease(models.Model):
    """The right to make the answer for a key: whoever has the token may store until it expires.

    One row for a key, which passes from maker to maker: it is taken only as it was seen. A finished
    one stays a while with a token that nobody knows, so that whoever read before the answer was
    stored cannot take it.
    """

    namespace = models.ForeignKey(Namespace, models.PROTECT, related_name="leases")
    person = PersonField(null=True)
    key_hash = models.CharField("key", max_length=64)
    token = models.CharField(max_length=32)
    query = models.TextField(blank=True, default="")
    context = JSONField(null=True)
    epoch = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            *one_for_a_key("querycache_lease"),
            models.CheckConstraint(
                condition=SOMEBODYS | Q(query="", context__isnull=True),
                name="querycache_lease_of_nobody_keeps_no_query",
            ),
        ]

    class Privacy:
        personal = {"person", "query", "context"}
        not_personal = {
            "id", "namespace", "key_hash", "token", "epoch", "created_at", "expires_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.key_hash[:12]}"


class CacheStatistics(models.Model):
    """What happened in a namespace in one hour (UTC). Collected in memory, some seconds late."""

    namespace = models.ForeignKey(Namespace, models.PROTECT, related_name="statistics")
    hour = models.DateTimeField()
    lookups = models.PositiveBigIntegerField(default=0)
    hits = models.PositiveBigIntegerField(default=0)
    stale_hits = models.PositiveBigIntegerField(default=0)
    misses = models.PositiveBigIntegerField(default=0)
    coalesced = models.PositiveBigIntegerField(
        default=0, help_text="Hits that waited for another caller's answer."
    )
    bypasses = models.PositiveBigIntegerField(default=0)
    stores = models.PositiveBigIntegerField(default=0)
    evictions = models.PositiveBigIntegerField(
        default=0, help_text="Removed for the caps, unexpired."
    )
    credits_saved = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "cache statistics"
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "hour"], name="querycache_statistics_one_for_an_hour"
            ),
            models.CheckConstraint(
                condition=Q(lookups=F("hits") + F("stale_hits") + F("misses") + F("bypasses")),
                name="querycache_statistics_add_up",
            ),
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {
            "id", "namespace", "hour", "lookups", "hits", "stale_hits", "misses", "coalesced",
            "bypasses", "stores", "evictions", "credits_saved",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.hour:%Y-%m-%d %H:%M}"

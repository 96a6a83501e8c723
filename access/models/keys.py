"""Who may call for persons: service keys, and how much of a rate each caller has used up.

Of a key only the hash is stored.
"""

import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from access.scopes import SCOPES
from common.models import USER_ID_MAX_LENGTH


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self, *, at: datetime.datetime) -> "ApiKeyQuerySet":
        """Neither revoked nor expired at that time."""
        return self.filter(revoked_at=None).exclude(expires_at__lte=at)

    def unused(self, *, since: datetime.datetime) -> "ApiKeyQuerySet":
        """Unrevoked, made before that time and not used since."""
        return self.filter(revoked_at=None, created_at__lt=since).exclude(last_used_at__gte=since)


class ApiKey(models.Model):
    """A key with which an application acts for the persons named in `X-User-Id`.

    Made and revoked by commands and staff; never changed otherwise, but for `last_used_at`, which
    is collected in memory and may be some seconds late. One that is replaced goes on until it is
    revoked, beside the new one of its name: to Steward the two are one caller.
    """

    name = models.CharField(
        max_length=100, help_text="The application; stands in records as key:<name>."
    )
    prefix = models.CharField(max_length=12, unique=True, help_text="The key's public part.")
    key_hash = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the whole key, in hex."
    )
    scopes = models.JSONField(default=list, help_text="What the key may do.")
    created_by = models.CharField(max_length=150, help_text="The actor, such as staff:<username>.")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "service key"
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(revoked_at=None, replaced_at=None),
                name="access_apikey_name_unique_among_current",
            ),
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {
            "id", "name", "prefix", "key_hash", "scopes", "created_by", "created_at",
            "last_used_at", "expires_at", "replaced_at", "revoked_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"

    @property
    def state(self) -> str:
        """active, replaced (and still valid), revoked or expired, as of now."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return "expired"
        return "replaced" if self.replaced_at else "active"

    @property
    def scope_titles(self) -> list[str]:
        return [f"{scope}: {SCOPES[scope]}" for scope in self.scopes if scope in SCOPES]


class RequestRate(models.Model):
    """How much of a rate is used up: of a person, or of a service key (`user_id` is empty then).

    The one table besides Person that has the id itself: a call is counted before anybody is met,
    and a row is of use for minutes.

    Written by rates.count alone. On PostgreSQL the table is unlogged: after a crash of the server
    it is empty, and everybody begins anew.
    """

    user_id = models.CharField(max_length=USER_ID_MAX_LENGTH, blank=True)
    key_id = models.BigIntegerField(help_text="The service key's row; 0 for a person.")
    full_at_micros = models.BigIntegerField(
        help_text="When nothing is used up any more: microseconds since 1970."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "key_id"], name="access_requestrate_once_per_caller"
            ),
            models.CheckConstraint(
                condition=Q(user_id="") ^ Q(key_id=0), name="access_requestrate_of_one_caller"
            ),
        ]

    class Privacy:
        personal = {"user_id"}
        not_personal = {"id", "key_id", "full_at_micros"}

    def __str__(self) -> str:
        return f"#{self.pk}"

"""Who may call: the service keys of applications. Only a key's hash is stored."""

import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from access.scopes import SCOPES


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self, *, at: datetime.datetime) -> "ApiKeyQuerySet":
        """Neither revoked nor expired at that time."""
        return self.filter(revoked_at=None).exclude(expires_at__lte=at)


class ApiKey(models.Model):
    """A key with which an application acts for the persons named in `X-User-Id`.

    Made and revoked by commands and staff; never changed otherwise, but for `last_used_at`, which
    is collected in memory and may be some seconds late.
    """

    name = models.CharField(
        max_length=100, help_text="The application; stands in records as key:<name>."
    )
    prefix = models.CharField(max_length=12, unique=True, help_text="The key's public part.")
    key_hash = models.CharField(max_length=64, help_text="SHA-256 of the whole key, in hex.")
    scopes = models.JSONField(default=list, help_text="What the key may do.")
    created_by = models.CharField(max_length=150, help_text="The actor, such as staff:<username>.")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "service key"
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(revoked_at=None),
                name="access_apikey_name_unique_among_unrevoked",
            ),
        ]

    class Privacy:
        personal: set[str] = set()
        not_personal = {
            "id", "name", "prefix", "key_hash", "scopes", "created_by", "created_at",
            "last_used_at", "expires_at", "revoked_at",
        }  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"

    @property
    def state(self) -> str:
        """active, revoked or expired, as of now."""
        if self.revoked_at:
            return "revoked"
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return "expired" if expired else "active"

    @property
    def scope_titles(self) -> list[str]:
        return [f"{scope}: {SCOPES[scope]}" for scope in self.scopes if scope in SCOPES]

"""Who may call, and who has read: service keys of applications, and readings by staff.

Only a key's hash is stored. A reading is written before the text is shown, and never changed.
"""

import datetime
import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.scopes import SCOPES
from common.models import USER_ID_MAX_LENGTH, UserIdField


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


# Whose texts were read where they are nobody's in particular: of the cache's shared entries, and
# what a search by words went through.
SHARED = "(shared)"
SEARCH = "(search)"


class StaffReading(models.Model):
    """One time that a member of staff had a person's own texts on the screen.

    Written by services.record_reading alone; triggers keep it as it was made. `staff` is text, not
    a key to Django's users, so that a record outlives the account.
    """

    staff = models.CharField(max_length=200, help_text="The actor, as staff:<username>.")
    user_id = UserIdField("person", help_text="Whose texts were read.")
    what = models.TextField("texts", blank=True, help_text="Such as conversation <id>.")
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField("read at")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(staff=""), name="access_staffreading_names_who_read"
            ),
            models.CheckConstraint(
                condition=~Q(user_id=""), name="access_staffreading_names_whose_texts"
            ),
        ]
        indexes = [
            models.Index(
                F("user_id"), F("at").desc(), F("id").desc(), name="staffreading_of_person"
            )
        ]

    class Privacy:
        personal = {"user_id", "what", "reason"}
        not_personal = {"id", "staff", "at"}
        emptied = {"what", "reason"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.staff}"


class ErasedPersonQuerySet(models.QuerySet["ErasedPerson"]):
    def among(self, user_ids: Iterable[str]) -> set[str]:
        """Those of these persons who were erased, as far as is remembered."""
        marks = {
            mark: user_id
            for user_id in user_ids
            if (mark := ErasedPerson.mark_of(user_id)) is not None
        }
        if not marks:
            return set()
        return {marks[mark] for mark in self.filter(pk__in=marks).values_list("pk", flat=True)}


class ErasedPerson(models.Model):
    """That a person was erased, without their id: what tells an import or a restore.

    Rows are made only while ERASED_PERSONS_KEY is set. `mark` is the HMAC-SHA-256 of the id under
    that key: it says whether a given id was erased, to whoever has the key, and names nobody. No
    time and no reference, which would lead to what was kept of the person. `erasures` counts them,
    so that a restore can tell which came after its backup.
    """

    mark = models.CharField(max_length=64, primary_key=True)
    erasures = models.PositiveIntegerField(default=0)

    objects = ErasedPersonQuerySet.as_manager()

    class Privacy:
        personal = {"mark"}
        not_personal = {"erasures"}

    def __str__(self) -> str:
        return f"#{self.pk[:8]}"

    @staticmethod
    def mark_of(user_id: str) -> str | None:
        """The mark under the key that is set; None without one."""
        key: str = settings.ERASED_PERSONS_KEY
        return hmac.new(key.encode(), user_id.encode(), hashlib.sha256).hexdigest() if key else None

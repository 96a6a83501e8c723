"""What staff read, and what they did: kept as it was made, whatever becomes of their accounts."""

from django.db import models
from django.db.models import F, Q

from access.actors import STAFF
from access.models.persons import PersonField


class StaffReading(models.Model):
    """One time that a member of staff had a person's own texts on the screen.

    Written by services/readings.py alone; triggers keep it as it was made. `staff` is text, not
    a key to Django's users, so that a record outlives the account. Texts that are nobody's in
    particular have no person but a kind: the cache's shared entries, and what a search by words
    went through.
    """

    class Kind(models.TextChoices):
        PERSON = "", "of a person"
        SHARED = "(shared)"
        SEARCH = "(search)"

    staff = models.CharField(max_length=200, help_text="The actor, as staff:<username>.")
    person = PersonField(null=True, help_text="Whose texts were read.")
    kind = models.CharField(max_length=10, blank=True, default="", choices=Kind)
    what = models.TextField("texts", blank=True, help_text="Such as conversation <id>.")
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField("read at")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(staff=""), name="access_staffreading_names_who_read"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, kind="")
                | Q(person=None, kind__in=["(shared)", "(search)"]),
                name="access_staffreading_of_a_person_or_a_kind",
            ),
        ]
        indexes = [
            models.Index(F("person"), F("at").desc(), F("id").desc(), name="staffreading_of_person")
        ]

    class Privacy:
        personal = {"person", "what", "reason"}
        not_personal = {"id", "staff", "kind", "at"}
        blanked_on_erasure = {"what", "reason"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.staff}"


class StaffActionQuerySet(models.QuerySet["StaffAction"]):
    def about(self, row: models.Model) -> "StaffActionQuerySet":
        """What was done to the row, the latest first."""
        found = self.filter(
            app_label=row._meta.app_label,
            model_name=row._meta.model_name or "",
            object_id=str(row.pk),
        )
        return found.order_by("-pk")

    def names(self) -> list[str]:
        """The actions that there are records of, one look into the index for each."""
        found: list[str] = []
        name: str | None = ""
        while name is not None:
            later = self.filter(action__gt=name).order_by("action")
            name = later.values_list("action", flat=True).first()
            found += [name] if name is not None else []
        return found


class StaffAction(models.Model):
    """One thing that was done to a row by hand: who did what, why, and what came of it.

    Written by access/staff_actions.py alone, in the transaction of what was done; triggers keep it
    as it was made. `token` belongs to the form, which so acts once, and `request_hash` to what it
    said. `actor` and `object_id` are text, not keys, so that a record outlives the account of whom
    it names and the row that it is about. An action on what is nobody's has no person.
    """

    token = models.CharField(max_length=32, help_text="The form's, in hex.")
    request_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256, in hex.")
    actor = models.CharField(max_length=200, help_text="Such as staff:<username>.")
    action = models.CharField(max_length=100, help_text="Such as billing.refund.")
    app_label = models.CharField(max_length=100)
    model_name = models.CharField(max_length=100)
    object_id = models.CharField(max_length=100, help_text="The row's inner key.")
    person = PersonField(null=True, help_text="Whose row it is.")
    first = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="others",
        help_text="Of several rows of one form, the first one's record.",
    )  # fmt: skip
    reason = models.TextField(blank=True)
    sentence = models.TextField("what was done", blank=True)
    at = models.DateTimeField("done at")

    objects = StaffActionQuerySet.as_manager()

    class Meta:
        constraints = [
            # Not `unique=True`: PostgreSQL would keep a second index, for LIKE.
            models.UniqueConstraint(fields=["token"], name="access_staffaction_one_of_a_token"),
            models.CheckConstraint(
                condition=~Q(token="") & ~Q(actor="") & ~Q(action=""),
                name="access_staffaction_names_who_did_what",
            ),
        ]
        # Lists have the latest first, by the primary key.
        indexes = [
            models.Index(fields=["actor", "-id"], name="staffaction_of_actor"),
            models.Index(fields=["person", "-id"], name="staffaction_of_person"),
            models.Index(fields=["action", "-id"], name="staffaction_of_action"),
            models.Index(
                fields=["app_label", "model_name", "object_id", "-id"],
                name="staffaction_of_object",
            ),
            models.Index(fields=["at"], name="staffaction_since"),
            # Nearly all are the only one of their form.
            models.Index(
                fields=["first"], condition=Q(first__isnull=False), name="staffaction_of_form"
            ),
        ]

    class Privacy:
        personal = {"person", "reason", "sentence"}
        not_personal = {
            "id", "token", "request_hash", "actor", "action", "app_label", "model_name",
            "object_id", "first", "at",
        }  # fmt: skip
        blanked_on_erasure = {"reason", "sentence"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.action}"

    @property
    def username(self) -> str:
        """Of the member of staff; another actor as it stands."""
        return self.actor.removeprefix(STAFF)


class StaffActionMention(models.Model):
    """That the words of an action name a person whose row it is not about.

    Written with the action. When the person asks to be forgotten, it leads to what names them.
    """

    action = models.ForeignKey(StaffAction, models.PROTECT, related_name="mentions")
    person = PersonField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "action"], name="access_staffactionmention_once"
            ),
        ]

    class Privacy:
        personal = {"person"}
        not_personal = {"id", "action"}
        blanked_on_erasure: set[str] = set()

    def __str__(self) -> str:
        return f"#{self.pk}"

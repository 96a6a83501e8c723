"""Persons, what is said of them, the ids that they had before, and that they were erased.

Every record of a person points to their row here, the one place that has the identity provider's
id.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.expressions import Expression
from django.db.models.functions import Coalesce, Now

from common.models import USER_ID_MAX_LENGTH, UserIdField

PersonalRow = TypeVar("PersonalRow", bound=models.Model)

REFERENCES_MAX = 20
REFERENCE_NAME_MAX_LENGTH, REFERENCE_VALUE_MAX_LENGTH = 64, 255


class PersonQuerySet(models.QuerySet["Person"]):
    def living(self) -> "PersonQuerySet":
        """Those who were not erased."""
        return self.filter(user_id__isnull=False)

    def with_reference(self, name: str, value: str) -> "PersonQuerySet":
        """Those whom an application calls so."""
        return self.living().filter(references__name=name, references__value=value)

    def called(self, names: Iterable[str]) -> "PersonQuerySet":
        """The living who have one of these ids, or had it before."""
        names = list(names)
        moved = PersonMove.objects.filter(moved_from__in=names).values("person")
        return self.living().filter(Q(user_id__in=names) | Q(pk__in=moved))

    def moved_from(self, user_id: str) -> "PersonQuerySet":
        """Those whose records belonged to that id before."""
        return self.living().filter(pk__in=PersonMove.objects.of(user_id).values("person"))


class Person(models.Model):
    """Somebody whose records are kept. Every row of theirs points here, and never to another.

    `user_id` is the identity provider's id, unique among the living; a move changes it. An erasure
    empties it and writes the name that its record has, `erased-<uuid>`, into `erased_as`. Who comes
    back under an id that was moved or erased is a new row. Written by access/services/persons.py
    alone.
    """

    user_id = UserIdField("person", null=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    note = models.TextField(blank=True, default="", db_default="")
    erased_as = models.CharField(max_length=50, null=True)  # noqa: DJ001  (null: lives)
    erased_at = models.DateTimeField(null=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            # Not `unique=True`: PostgreSQL would keep a second index of each, for LIKE.
            models.UniqueConstraint(fields=["user_id"], name="access_person_one_of_an_id"),
            models.UniqueConstraint(fields=["erased_as"], name="access_person_one_of_a_name"),
            models.CheckConstraint(condition=~Q(user_id=""), name="access_person_has_an_id"),
            models.CheckConstraint(
                condition=Q(user_id__isnull=False, erased_as=None, erased_at=None)
                | Q(user_id=None, erased_as__isnull=False, erased_at__isnull=False, note=""),
                name="access_person_lives_or_was_erased",
            ),
        ]

    class Privacy:
        personal = {"user_id", "note"}
        not_personal = {"id", "first_seen_at", "erased_as", "erased_at"}
        # By persons.erase_person, at the very end.
        blanked_on_erasure = {"note"}

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The id, or what stands in its place after an erasure."""
        return self.user_id or self.erased_as or ""


# The same in a statement that shows rows by their person.
PERSON_NAME = Coalesce("person__user_id", "person__erased_as")


class PersonKey(Expression):
    """In a statement, the key of the living person with this id; null where there is none.

    So a call finds its person within the statement that it sends anyway. With `kept` nobody
    erases or moves the person until the transaction ends.
    """

    output_field = models.BigIntegerField()

    def __init__(self, user_id: str, *, kept: bool = False) -> None:
        super().__init__()
        self.user_id, self.kept = user_id, kept

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str]]:
        lock = " FOR KEY SHARE" if self.kept and connection.vendor == "postgresql" else ""
        return f"(SELECT id FROM access_person WHERE user_id = %s{lock})", (self.user_id,)


class PersonalQuerySet(models.QuerySet[PersonalRow]):
    """Rows with a `person`. Whoever answers a person reads them by `for_user`."""

    def for_user(self, user_id: str, *, kept: bool = False) -> Self:
        """Those of one person, so that another's row is not found: 404. `kept` is PersonKey's."""
        return self.filter(person_id=PersonKey(user_id, kept=kept))


class PersonField(models.ForeignKey):  # type: ignore[type-arg]
    """The person a row belongs to: null where it belongs to nobody. It never changes.

    It stands first in the unique keys and indexes of its table, and so has no index of its own. The
    triggers of its table see to it that the person lives, and a person is never removed; a foreign
    key besides would lock the person's row whenever a transaction changes a row twice, which those
    who erase or move them wait for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"to": "access.Person", "on_delete": models.PROTECT, "related_name": "+"}
        kwargs |= {"db_index": False, "db_constraint": False}
        super().__init__(*args, **kwargs)


class PersonReference(models.Model):
    """What an application calls a person, such as `customer: C-1041`; its own to say."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="references", db_index=False)
    name = models.CharField(max_length=REFERENCE_NAME_MAX_LENGTH)
    value = models.CharField(max_length=REFERENCE_VALUE_MAX_LENGTH)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "name"], name="access_personreference_one_of_a_name"
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(value=""), name="access_personreference_says_something"
            ),
        ]
        indexes = [models.Index(fields=["name", "value"], name="access_reference_found")]

    class Privacy:
        personal = {"person", "name", "value"}
        not_personal = {"id"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"


class PersonMoveQuerySet(models.QuerySet["PersonMove"]):
    def of(self, user_id: str) -> "PersonMoveQuerySet":
        """The moves away from that id, whoever had it."""
        return self.filter(moved_from=user_id)

    def ids_before(self, person_id: Any) -> list[str]:
        """The ids that a person had, the latest first; `person_id` may be a PersonKey."""
        moves = self.filter(person_id=person_id).exclude(moved_from="").order_by("-pk")
        return list(dict.fromkeys(moves.values_list("moved_from", flat=True)))

    def ids_left_by(self, user_id: str) -> list[str]:
        """Those that this person had before and nobody has now: whoever names them means them."""
        before = self.ids_before(PersonKey(user_id))
        taken = Person.objects.filter(user_id__in=before).values_list("user_id", flat=True)
        return [one for one in before if one not in set(taken)] if before else []


class PersonMove(models.Model):
    """One time that a person's records went over to another id: the one before, and who did it.

    Consent chains are bound to the id that the person had when they began: this leads to it. Kept
    as it was made; an erasure empties the id.
    """

    person = PersonField()
    moved_from = models.CharField(max_length=USER_ID_MAX_LENGTH, blank=True)
    actor = models.CharField(max_length=200)
    at = models.DateTimeField()

    objects = PersonMoveQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["person"], name="personmove_of_person"),
            models.Index(fields=["moved_from"], name="personmove_found"),
        ]

    class Privacy:
        personal = {"person", "moved_from"}
        not_personal = {"id", "actor", "at"}
        blanked_on_erasure = {"moved_from"}

    def __str__(self) -> str:
        return f"#{self.pk} {self.at:%Y-%m-%d}"


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

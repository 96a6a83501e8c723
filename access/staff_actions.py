"""What staff do to a row: an action that acts once for one form, and its record, all or nothing.

Each is declared as an `Action`. The way from a button is: its address, StaffActionView
(access/staff_views.py), `perform`, the action's function, one service.
"""

import datetime
import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.db import models, transaction

from access.models import Person, StaffAction, StaffActionMention
from access.services import persons
from common import locks, privacy
from common.admin import forms
from common.errors import IdempotencyKeyReused
from common.idempotency import NO_KEY, Outcome, RequestKey

ROWS_AT_ONCE = 500
ERASED = "The person was erased."
NONE_LEFT = "Nothing of what was chosen is there any more."
REUSED = "This form has acted already, with other values. Open it anew."


class AlreadyDone(Exception):
    """The row is as wanted already; nothing was written. Its text is a sentence for staff."""


@dataclass(frozen=True)
class ActionContext:
    """What an action is done with: who and when, the row, what on it, and the form.

    Whose row it is says the row's `person`, or `user_id` where there may be no row yet. `perform`
    fills in the person's id as it is now and, for services that know keys, the form's. Rows that
    were chosen from a list are `rows`; those of the erased are not among them any more.
    """

    actor: str
    at: datetime.datetime
    form: Any
    row: Any = None
    target: Any = None
    rows: Any = None
    user_id: str = ""
    request_key: RequestKey = NO_KEY

    @property
    def reason(self) -> str:
        reason: str = self.form.cleaned_data.get("reason", "")
        return reason


@dataclass(frozen=True)
class ActionResult:
    """What was done: the row that the record is about, and a sentence for staff.

    Of rows that were chosen each has its record. The sentence names nobody: the record has its
    person.
    """

    row: models.Model
    sentence: str


@dataclass(frozen=True)
class Action:
    """A named action, such as `billing.refund`. `run` calls one service.

    What `run` raises is a refusal: a DomainError, or AlreadyDone; then nothing is written.
    """

    name: str
    title: str
    permission: str
    run: Callable[[ActionContext], ActionResult]
    form: Callable[..., Any] = forms.ReasonForm
    icon: str = ""
    explanation: str = ""
    is_dangerous: bool = False

    @property
    def slug(self) -> str:
        """The name within its app: the end of its address."""
        return self.name.partition(".")[2]


def perform(action: Action, context: ActionContext) -> Outcome[StaffAction]:
    """Do it and record it, all or nothing; of a form that has acted already, give the record.

    Raises what the action raises, AlreadyDone for an erased person's row, and IdempotencyKeyReused
    for a form that has acted with other values.
    """
    token = (context.form.cleaned_data.get("token") or uuid.uuid4()).hex
    request_hash = _hash_of(action, context)
    with transaction.atomic():
        # Of a form that is sent twice at once the second one waits here for the first.
        locks.lock_form(token)
        done_before = StaffAction.objects.filter(token=token).first()
        if done_before is not None:
            if done_before.request_hash != request_hash:
                raise IdempotencyKeyReused(REUSED)
            return Outcome(done_before, replayed=True)
        key = RequestKey(f"staff:{token}", request_hash)
        context, person_id = _lock_persons(replace(context, request_key=key))
        result = action.run(context)
        rows = [result.row] if context.rows is None else context.rows
        made = _records(
            action=action.name, rows=rows, actor=context.actor, at=context.at,
            sentence=result.sentence, reason=context.reason, person_id=person_id,
        )  # fmt: skip
        made[0].token, made[0].request_hash = token, request_hash
        _write(made)
    return Outcome(made[0])


def record(
    *, action: str, rows: Iterable[models.Model], actor: str, at: datetime.datetime,
    sentence: str, reason: str = "",
) -> None:  # fmt: skip
    """Record what was done to several rows at once, or by a command: one record for each row.

    Call it in the transaction of what was done. Rows of the erased have no record.
    """
    made = _records(
        action=action, rows=_of_the_living(rows), actor=actor, at=at, sentence=sentence,
        reason=reason,
    )  # fmt: skip
    if made:
        _write(made)


def _write(made: list[StaffAction]) -> None:
    """Write records of the same words, and, with the first of them, whom those name."""
    first, *others = made
    first.save(force_insert=True)
    for one in others:
        one.first = first
    StaffAction.objects.bulk_create(others, batch_size=ROWS_AT_ONCE)
    names = privacy.possible_ids(f"{first.reason}\n{first.sentence}")
    named = set(Person.objects.called(names).values_list("pk", flat=True))
    owners = {one.person_id for one in made}
    if len(owners) == 1:  # their own records lose their words anyway
        named -= owners
    StaffActionMention.objects.bulk_create(
        StaffActionMention(action=first, person_id=person_id) for person_id in sorted(named)
    )


def _records(
    *, rows: Iterable[models.Model], person_id: int | None = None, **columns: Any
) -> list[StaffAction]:
    return [
        StaffAction(
            token=uuid.uuid4().hex,
            app_label=row._meta.app_label,
            model_name=row._meta.model_name or "",
            object_id=str(row.pk),
            person_id=getattr(row, "person_id", person_id),
            **columns,
        )
        for row in rows
    ]


def _hash_of(action: Action, context: ActionContext) -> str:
    about = [row and row.pk for row in (context.row, context.target)]
    content = [action.name, *about, context.user_id, context.form.cleaned_data]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _lock_persons(context: ActionContext) -> tuple[ActionContext, int | None]:
    """Whose rows they are, by key and id: nobody erases or moves them until the end."""
    if context.rows is not None:
        rows = _of_the_living(context.rows)
        if not rows:
            raise AlreadyDone(NONE_LEFT)
        return replace(context, rows=rows), None
    person_id = getattr(context.row, "person_id", None)
    if person_id is not None:
        living = _lock_living({person_id})
        if person_id not in living:
            raise AlreadyDone(ERASED)
        return replace(context, user_id=living[person_id]), person_id
    if context.user_id:
        return context, persons.lock_persons(context.user_id)[context.user_id]
    return context, None


def _of_the_living(rows: Iterable[models.Model]) -> list[models.Model]:
    """Those of nobody's, and of persons who were not erased: they stay so until the end."""
    about = list(rows)
    living = _lock_living({getattr(row, "person_id", None) for row in about} - {None})
    stay = {None, *living}
    return [row for row in about if getattr(row, "person_id", None) in stay]


def _lock_living(person_ids: Iterable[Any]) -> dict[int, str]:
    wanted = Person.objects.living().filter(pk__in=person_ids).order_by("pk")
    rows = wanted.select_for_update(no_key=True).values_list("pk", "user_id")
    return {key: str(user_id) for key, user_id in rows}

"""What staff do: record an answer on a person's behalf, and publish a text. Once, and recorded."""

import datetime
from functools import partial

from django.db import transaction

from access.staff_actions import Action, ActionContext, ActionResult, AlreadyDone
from consent.admin import forms
from consent.models import ConsentChain, ConsentEvent, PolicyVersion
from consent.services import answers, texts

RECORD = "consent.record_consent"
PUBLISH = "consent.publish_policy"


def _record(context: ActionContext) -> ActionResult:
    decision, locale = context.form.decision()
    answers.record_answers(
        user_id=context.user_id,
        answers=[decision],
        source=ConsentEvent.Source.ADMIN,
        actor=context.actor,
        at=context.at,
        locale=locale,
    )
    chain = ConsentChain.objects.for_user(context.user_id).get()
    event = ConsentEvent.objects.for_user(context.user_id).get(sequence=chain.last_sequence)
    text = f", version {decision.version} ({locale})" if decision.version else ""
    return ActionResult(
        chain, f"Recorded “{event.get_action_display()}” for {decision.purpose}{text}."
    )


def _publish(context: ActionContext) -> ActionResult:
    policy, is_new = publish(context.form, at=context.at)
    if not is_new:
        raise AlreadyDone(f"This text stands already as {policy.name}.")
    return ActionResult(policy, f"Published {policy.name}.")


def _save_purpose(context: ActionContext) -> ActionResult:
    done = "Changed" if context.row.pk else "Added"
    purpose = texts.save_purpose(purpose=context.row)
    return ActionResult(purpose, f"{done} the purpose {purpose.key}.")


def _delete_purpose(context: ActionContext) -> ActionResult:
    key, purpose = context.row.key, context.row
    texts.delete_purpose(purpose=purpose)
    return ActionResult(purpose, f"Deleted the purpose {key}.")


def publish(form: forms.PublishForm, *, at: datetime.datetime) -> tuple[PolicyVersion, bool]:
    """Publish the text of the form, as consent/services/texts.py does. Raises DomainError."""
    values = form.cleaned_data
    return texts.publish_policy(
        purpose=values["purpose"],
        version=values["version"],
        locale=values["locale"],
        text=values["text"],
        material=values["material"],
        at=at,
    )


def try_to_publish(form: forms.PublishForm, *, at: datetime.datetime) -> tuple[PolicyVersion, bool]:
    """What publishing would give, with nothing written. Raises DomainError as publishing would."""
    with transaction.atomic():
        tried = publish(form, at=at)
        transaction.set_rollback(True)
    return tried


GIVE = Action(
    "consent.give",
    "Record consent",
    RECORD,
    _record,
    partial(forms.DecisionForm, granted=True),
    explanation="The person told you that they agree. Recorded as yours, for them; it counts at"
    " once.",
)
REFUSE = Action(
    "consent.refuse",
    "Record refusal or withdrawal",
    RECORD,
    _record,
    partial(forms.DecisionForm, granted=False),
    explanation="The person told you that they do not agree, or no longer. It counts at once: the"
    " next request that needs this consent is refused.",
    is_dangerous=True,
)
PUBLISH_TEXT = Action(
    "consent.publish",
    "Publish a text",
    PUBLISH,
    _publish,
    forms.PublishForm,
    explanation="A published text is never changed or removed. You see what it changes before it"
    " stands.",
)
SAVE_PURPOSE = Action("consent.save_purpose", "Save", "consent.change_purpose", _save_purpose)
DELETE_PURPOSE = Action(
    "consent.delete_purpose",
    "Delete",
    "consent.delete_purpose",
    _delete_purpose,
    is_dangerous=True,
)

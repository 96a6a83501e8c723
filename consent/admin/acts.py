"""What staff do: record an answer on a person's behalf, and publish a text. Once, and recorded."""

import datetime

from django.contrib.auth.models import User
from django.db import transaction

from access import actors
from access import services as access_services
from common import acts
from common.idempotency import RequestKey
from consent import services
from consent.admin import forms
from consent.models import ConsentChain, ConsentEvent, PolicyVersion

RECORD = "consent.record_consent"
PUBLISH = "consent.publish_policy"


def record(
    *, user: User, user_id: str, granted: bool, form: forms.AnswerForm, at: datetime.datetime
) -> acts.Done | None:
    """Add the event that the form says; None if this very form has acted already.

    Raises DomainError; then nothing is written.
    """
    answer, locale = form.answer(granted=granted)

    def do(key: RequestKey) -> acts.Done:
        access_services.lock_persons(user_id)  # or the chain might belong to another id by now
        services.record_answers(
            user_id=user_id,
            answers=[answer],
            source=ConsentEvent.Source.ADMIN,
            actor=actors.staff_actor(user),
            at=at,
            locale=locale,
        )
        chain = ConsentChain.objects.for_user(user_id).get()
        event = ConsentEvent.objects.for_user(user_id).get(sequence=chain.last_sequence)
        text = f", version {answer.version} ({locale})" if answer.version else ""
        sentence = f"Recorded “{event.get_action_display()}” for {answer.purpose}{text}."
        return acts.Done(chain, sentence, answer.reason)

    return acts.perform_once(
        user=user,
        token=form.cleaned_data["token"].hex,
        content=["record", granted, user_id, form.cleaned_data],
        act=do,
    )


def publish(*, user: User, form: forms.PublishForm, at: datetime.datetime) -> acts.Done | None:
    """Publish the text; None if this very form has acted already. Raises DomainError."""

    def do(key: RequestKey) -> acts.Done:
        policy, is_new = _publish(form, at)
        done = "Published" if is_new else "Stands already, unchanged:"
        sentence = f"{done} version {policy.version} of {policy.purpose_id} in {policy.locale}."
        return acts.Done(policy, sentence)

    return acts.perform_once(
        user=user,
        token=form.cleaned_data["token"].hex,
        content=["publish", form.cleaned_data],
        act=do,
    )


def try_to_publish(*, form: forms.PublishForm, at: datetime.datetime) -> tuple[PolicyVersion, bool]:
    """What publishing would give, with nothing written. Raises DomainError as publishing would."""
    with transaction.atomic():
        tried = _publish(form, at)
        transaction.set_rollback(True)
    return tried


def _publish(form: forms.PublishForm, at: datetime.datetime) -> tuple[PolicyVersion, bool]:
    values = form.cleaned_data
    return services.publish_policy(
        purpose=values["purpose"],
        version=values["version"],
        locale=values["locale"],
        text=values["text"],
        material=values["material"],
        at=at,
    )

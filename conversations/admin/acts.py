"""What staff do to a conversation: the legal hold, placed and lifted with a reason, once."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from common import acts, forms
from common.idempotency import RequestKey
from conversations import services
from conversations.models import Conversation

KEEP = "conversations.keep_conversation"


class ReasonForm(forms.ReasonForm):
    """Why a hold is placed or lifted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "reason"
        ].help_text = (
            "Such as the case's number. Staff see it, and it is part of the person's export."
        )


@dataclass(frozen=True)
class Act:
    """A named act. `name` is the end of its address."""

    name: str
    title: str
    icon: str
    done: str
    nothing: str
    explanation: str


PLACE = Act(
    "hold",
    "Place legal hold",
    "gavel",
    "Placed a legal hold.",
    "This conversation is on legal hold already.",
    "Until the hold is lifted, neither the person nor retention nor an erasure can delete the"
    " conversation or its messages. The person can go on writing in it.",
)
LIFT = Act(
    "lift",
    "Lift legal hold",
    "lock_open",
    "Lifted the legal hold.",
    "This conversation is not on legal hold.",
    "The person can delete the conversation again, and retention counts from its last activity.",
)
ACTS = {act.name: act for act in (PLACE, LIFT)}


def offered(conversation: Conversation) -> Act:
    """The act that the conversation as it stands allows."""
    return PLACE if conversation.legal_hold_at is None else LIFT


def perform(
    act: Act, *, user: User, conversation: Conversation, form: ReasonForm, at: datetime.datetime
) -> acts.Done | None:
    """Do it and record it, all or nothing; None if this very form has acted already.

    Raises acts.NothingToDo if the conversation is as wanted already; then nothing is written.
    """
    reason = form.cleaned_data["reason"]

    def do(key: RequestKey) -> acts.Done:
        if act is PLACE:
            done = services.place_legal_hold(conversation=conversation, reason=reason, at=at)
        else:
            done = services.lift_legal_hold(conversation=conversation)
        if not done:
            raise acts.NothingToDo(act.nothing)
        return acts.Done(conversation, act.done, reason)

    return acts.perform_once(
        user=user,
        token=form.cleaned_data["token"].hex,
        content=[act.name, conversation.pk, form.cleaned_data],
        act=do,
    )

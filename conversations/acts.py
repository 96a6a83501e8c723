"""What staff do to a conversation: the legal hold, placed and lifted with a reason, each recorded.

The act and its record in the admin's log are one transaction.
"""

import datetime
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from unfold.widgets import UnfoldAdminTextareaWidget

from conversations import services
from conversations.models import Conversation

KEEP = "conversations.keep_conversation"
MAX_REASON = 2000


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=MAX_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Such as the case's number. Staff see it, and it is part of the person's export.",
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
    act: Act, *, user: User, conversation: Conversation, reason: str, at: datetime.datetime
) -> bool:
    """Do it and record it, all or nothing; False if the conversation is as wanted already."""
    with transaction.atomic():
        if act is PLACE:
            done = services.place_legal_hold(conversation_id=conversation.pk, reason=reason, at=at)
        else:
            done = services.lift_legal_hold(conversation_id=conversation.pk)
        if done:
            LogEntry.objects.create(
                user=user,
                content_type=ContentType.objects.get_for_model(Conversation),
                object_id=str(conversation.pk),
                # Not the title, which must not outlive its deletion here.
                object_repr=f"#{conversation.pk}",
                action_flag=CHANGE,
                change_message=f"{act.done} Reason: {reason}",
            )
    return done


def records(conversation: Conversation) -> Any:
    """What staff did to it, the latest first."""
    return (
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Conversation),
            object_id=str(conversation.pk),
        )
        .select_related("user")
        .order_by("-pk")[:20]
    )

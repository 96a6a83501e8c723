"""What staff do to a conversation: the legal hold, placed and lifted with a reason, once."""

from typing import Any

from access.staff_actions import Action, ActionContext, ActionResult, AlreadyDone
from access.staff_views import StaffActionView
from common.admin import forms
from conversations.models import Conversation
from conversations.services import legal_hold

KEEP = "conversations.keep_conversation"


class LegalHoldForm(forms.ReasonForm):
    """Why a hold is placed or lifted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "reason"
        ].help_text = (
            "Such as the case's number. Staff see it, and it is part of the person's export."
        )


class LegalHoldView(StaffActionView):
    template_name = "conversations/legal_hold.html"


def _place(context: ActionContext) -> ActionResult:
    is_new = legal_hold.place_legal_hold(
        conversation=context.row, reason=context.reason, actor=context.actor, at=context.at
    )
    if not is_new:
        raise AlreadyDone("This conversation is on legal hold already.")
    return ActionResult(context.row, "Placed a legal hold.")


def _lift(context: ActionContext) -> ActionResult:
    if not legal_hold.lift_legal_hold(conversation=context.row):
        raise AlreadyDone("This conversation is not on legal hold.")
    return ActionResult(context.row, "Lifted the legal hold.")


PLACE = Action(
    "conversations.hold",
    "Place legal hold",
    KEEP,
    _place,
    LegalHoldForm,
    icon="gavel",
    explanation="Until the hold is lifted, neither the person nor retention nor an erasure can"
    " delete the conversation or its messages. The person can go on writing in it.",
)
LIFT = Action(
    "conversations.lift",
    "Lift legal hold",
    KEEP,
    _lift,
    LegalHoldForm,
    icon="lock_open",
    explanation="The person can delete the conversation again, and retention counts from its last"
    " activity.",
)


def offered(conversation: Conversation) -> Action:
    """The action that the conversation as it stands allows."""
    return PLACE if conversation.legal_hold_at is None else LIFT

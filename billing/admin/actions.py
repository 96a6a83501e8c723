"""What staff do to an account: named actions, each one service call with a reason."""

from typing import Any

from access.staff_actions import Action, ActionContext, ActionResult, AlreadyDone
from billing.admin import forms
from billing.models import CreditAccount, CreditTransaction
from billing.services import accounts, holds
from billing.services import credits as ledger_credits
from billing.templatetags.billing_numbers import credits, signed
from common.admin.forms import ReasonForm

CREDITS = "billing.manage_credits"
USAGE = "billing.manage_usage"


def _added(context: ActionContext, type_: str) -> CreditTransaction:
    return ledger_credits.add_transaction(
        user_id=context.user_id,
        new=ledger_credits.NewTransaction(
            type=type_, amount=context.form.cleaned_data["amount"], description=context.reason
        ),
        actor=context.actor,
        at=context.at,
        request_key=context.request_key,
    ).row


def _grant(context: ActionContext) -> ActionResult:
    entry = _added(context, CreditTransaction.Type.GRANT)
    return _done(context, f"Granted {credits(entry.amount)} credits; {_balance(entry)}")


def _purchase(context: ActionContext) -> ActionResult:
    entry = _added(context, CreditTransaction.Type.PURCHASE)
    return _done(
        context, f"Recorded a purchase of {credits(entry.amount)} credits; {_balance(entry)}"
    )


def _adjust(context: ActionContext) -> ActionResult:
    entry = _added(context, CreditTransaction.Type.ADJUSTMENT)
    return _done(context, f"Adjusted by {signed(entry.amount)} credits; {_balance(entry)}")


def _refund(context: ActionContext) -> ActionResult:
    entry = ledger_credits.refund_transaction(
        user_id=context.user_id,
        transaction_uid=context.target.uid,
        amount=context.form.cleaned_data["amount"],
        description=context.reason,
        actor=context.actor,
        at=context.at,
        request_key=context.request_key,
    ).row
    given_back = f"{credits(entry.amount)} credits of {context.target.uid}"
    return _done(context, f"Refunded {given_back}; {_balance(entry)}")


def _balance(entry: CreditTransaction) -> str:
    return f"the balance is {credits(entry.balance_after)}."


def _release(context: ActionContext) -> ActionResult:
    hold = holds.release_hold(
        user_id=context.user_id, hold_uid=context.target.uid, actor=context.actor, at=context.at
    ).row
    return _done(context, f"Released the hold {hold.uid} of {credits(hold.amount)} credits.")


def _tier(context: ActionContext) -> ActionResult:
    usage = _changed_usage(context, {"tier": context.form.cleaned_data["tier"]})
    return _done(context, f"Changed the tier to {usage.tier}.")


def _limits(context: ActionContext) -> ActionResult:
    changes = context.form.changes()
    _changed_usage(context, changes)
    shown = {
        name: "unlimited" if limit is None else credits(limit) for name, limit in changes.items()
    }
    named = [f"the {name.replace('_', ' ')} to {limit}" for name, limit in shown.items()]
    return _done(context, f"Set {' and '.join(named)}.")


def _changed_usage(context: ActionContext, changes: dict[str, Any]) -> Any:
    return accounts.change_usage(
        user_id=context.user_id,
        changes=changes,
        reason=context.reason,
        actor=context.actor,
        at=context.at,
    )


def _freeze(context: ActionContext) -> ActionResult:
    is_new = accounts.freeze_account(
        user_id=context.user_id, actor=context.actor, reason=context.reason, at=context.at
    )
    if not is_new:
        raise AlreadyDone("This account is frozen already.")
    return _done(context, "Froze the account.")


def _unfreeze(context: ActionContext) -> ActionResult:
    if not accounts.unfreeze_account(user_id=context.user_id):
        raise AlreadyDone("This account is not frozen.")
    return _done(context, "Unfroze the account.")


def _done(context: ActionContext, sentence: str) -> ActionResult:
    return ActionResult(context.row, sentence)


GRANT = Action(
    "billing.grant", "Grant credits", CREDITS, _grant, forms.AmountForm, "redeem",
    "Credits as a present. They stay above the maximum until they are used.",
)  # fmt: skip
PURCHASE = Action(
    "billing.purchase", "Record a purchase", CREDITS, _purchase, forms.AmountForm, "shopping_cart",
    "Credits that were paid for elsewhere. They stay above the maximum until used.",
)  # fmt: skip
ADJUST = Action(
    "billing.adjust", "Adjust", CREDITS, _adjust, forms.AdjustForm, "exposure",
    "Puts a balance right. No more can be taken than is available.",
)  # fmt: skip
TIER = Action(
    "billing.tier", "Change tier", USAGE, _tier, forms.TierChoiceForm, "layers"
)  # fmt: skip
LIMITS = Action(
    "billing.limits", "Override limits", USAGE, _limits, forms.LimitsForm, "speed",
    "Limits of calls for this person alone. The next change of tier replaces them.",
)  # fmt: skip
FREEZE = Action(
    "billing.freeze", "Freeze", CREDITS, _freeze, ReasonForm, "ac_unit",
    "Charges and holds are refused until the account is unfrozen. Credits still come in.",
    is_dangerous=True,
)  # fmt: skip
UNFREEZE = Action(
    "billing.unfreeze", "Unfreeze", CREDITS, _unfreeze, ReasonForm, "sunny",
    "The account can be charged again.",
)  # fmt: skip
REFUND = Action(
    "billing.refund", "Refund", CREDITS, _refund, forms.RefundForm, "undo",
    "Gives back a charge or a part of it.",
)  # fmt: skip
RELEASE = Action(
    "billing.release", "Release hold", CREDITS, _release, ReasonForm, "lock_open",
    "Sets the credits of the hold free. A call that still runs cannot take them then.",
)  # fmt: skip
# Those of the account itself; a refund begins at its entry, a release at its hold.
ON_ACCOUNT = (GRANT, PURCHASE, ADJUST, TIER, LIMITS, FREEZE, UNFREEZE)


def offered(user: Any, account: CreditAccount) -> list[Action]:
    """What this member of staff may do to the account as it stands; nothing to an erased one's."""
    if account.person.user_id is None:
        return []
    absent = FREEZE if account.frozen_at is not None else UNFREEZE
    return [
        action for action in ON_ACCOUNT if action is not absent and user.has_perm(action.permission)
    ]

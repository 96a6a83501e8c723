"""What staff do to an account: named acts, each one service call with a reason, recorded once."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from access import actors
from access import services as access_services
from billing import forms, services
from billing.account_page import FROZE
from billing.models import CreditAccount, CreditTransaction
from billing.templatetags.billing_numbers import credits, signed
from common import acts
from common.idempotency import RequestKey

CREDITS = "billing.manage_credits"
USAGE = "billing.manage_usage"


@dataclass(frozen=True)
class Given:
    """What an act is done with: the account, its entry or hold, the form, who and when."""

    account: CreditAccount
    target: Any
    form: Any
    actor: str
    at: datetime.datetime
    request_key: RequestKey

    @property
    def user_id(self) -> str:
        """The person's; acts are done for the living alone."""
        return self.account.person.user_id or ""

    @property
    def amount(self) -> Any:
        return self.form.cleaned_data["amount"]

    @property
    def reason(self) -> str:
        reason: str = self.form.cleaned_data["reason"]
        return reason


@dataclass(frozen=True)
class Act:
    """A named act. `do` calls the service and returns what was done, as a sentence."""

    name: str
    title: str
    icon: str
    permission: str
    form: type[forms.ReasonForm]
    do: Callable[[Given], str]
    explanation: str = ""
    is_dangerous: bool = False


def perform(act: Act, *, user: User, account: CreditAccount, target: Any, form: Any,
            at: datetime.datetime) -> acts.Done | None:  # fmt: skip
    """Do it and record it, all or nothing; None if this very form has acted already.

    Raises DomainError and acts.NothingToDo; then nothing is written.
    """

    def do(key: RequestKey) -> acts.Done:
        user_id = account.person.user_id
        if user_id is None or access_services.lock_persons(user_id)[user_id] != account.person_id:
            raise acts.NothingToDo("The person was erased.")
        fresh = CreditAccount.objects.select_related("person").get(pk=account.pk)
        given = Given(fresh, target, form, actors.staff_actor(user), at, key)
        return acts.Done(fresh, act.do(given), given.reason)

    return acts.perform_once(
        user=user,
        token=form.cleaned_data["token"].hex,
        content=[act.name, account.pk, target and target.pk, form.cleaned_data],
        act=do,
    )


# The acts


def _added(given: Given, type_: str) -> CreditTransaction:
    return services.add_transaction(
        user_id=given.user_id,
        new=services.NewTransaction(type=type_, amount=given.amount, description=given.reason),
        actor=given.actor,
        at=given.at,
        request_key=given.request_key,
    ).row


def _grant(given: Given) -> str:
    entry = _added(given, CreditTransaction.Type.GRANT)
    return f"Granted {credits(entry.amount)} credits; {_balance(entry)}"


def _purchase(given: Given) -> str:
    entry = _added(given, CreditTransaction.Type.PURCHASE)
    return f"Recorded a purchase of {credits(entry.amount)} credits; {_balance(entry)}"


def _adjust(given: Given) -> str:
    entry = _added(given, CreditTransaction.Type.ADJUSTMENT)
    return f"Adjusted by {signed(entry.amount)} credits; {_balance(entry)}"


def _refund(given: Given) -> str:
    entry = services.refund_transaction(
        user_id=given.user_id,
        transaction_uid=given.target.uid,
        amount=given.amount,
        description=given.reason,
        actor=given.actor,
        at=given.at,
        request_key=given.request_key,
    ).row
    return f"Refunded {credits(entry.amount)} credits of {given.target.uid}; {_balance(entry)}"


def _balance(entry: CreditTransaction) -> str:
    return f"the balance is {credits(entry.balance_after)}."


def _release(given: Given) -> str:
    hold = services.release_hold(
        user_id=given.user_id,
        hold_uid=given.target.uid,
        actor=given.actor,
        at=given.at,
    ).row
    return f"Released the hold {hold.uid} of {credits(hold.amount)} credits."


def _tier(given: Given) -> str:
    usage = _changed_usage(given, {"tier": given.form.cleaned_data["tier"]})
    return f"Changed the tier to {usage.tier}."


def _limits(given: Given) -> str:
    changes = given.form.changes()
    _changed_usage(given, changes)
    shown = {
        name: "unlimited" if limit is None else credits(limit) for name, limit in changes.items()
    }
    named = [f"the {name.replace('_', ' ')} to {limit}" for name, limit in shown.items()]
    return f"Set {' and '.join(named)}."


def _changed_usage(given: Given, changes: dict[str, Any]) -> Any:
    return services.change_usage(
        user_id=given.user_id,
        changes=changes,
        reason=given.reason,
        actor=given.actor,
        at=given.at,
    )


def _freeze(given: Given) -> str:
    if given.account.frozen_at is not None:
        raise acts.NothingToDo("This account is frozen already.")
    services.freeze_account(user_id=given.user_id, at=given.at)
    return FROZE


def _unfreeze(given: Given) -> str:
    if given.account.frozen_at is None:
        raise acts.NothingToDo("This account is not frozen.")
    services.unfreeze_account(user_id=given.user_id)
    return "Unfroze the account."


ACTS = {
    act.name: act
    for act in (
        Act("grant", "Grant credits", "redeem", CREDITS, forms.AmountForm, _grant,
            "Credits as a present. They stay above the maximum until they are used."),
        Act("purchase", "Record a purchase", "shopping_cart", CREDITS, forms.AmountForm, _purchase,
            "Credits that were paid for elsewhere. They stay above the maximum until used."),
        Act("adjust", "Adjust", "exposure", CREDITS, forms.AdjustForm, _adjust,
            "Puts a balance right. No more can be taken than is available."),
        Act("tier", "Change tier", "layers", USAGE, forms.TierChoiceForm, _tier),
        Act("limits", "Override limits", "speed", USAGE, forms.LimitsForm, _limits,
            "Limits of calls for this person alone. The next change of tier replaces them."),
        Act("freeze", "Freeze", "ac_unit", CREDITS, forms.ReasonForm, _freeze,
            "Charges and holds are refused until the account is unfrozen. Credits still come in.",
            is_dangerous=True),
        Act("unfreeze", "Unfreeze", "sunny", CREDITS, forms.ReasonForm, _unfreeze,
            "The account can be charged again."),
        Act("refund", "Refund", "undo", CREDITS, forms.RefundForm, _refund,
            "Gives back a charge or a part of it."),
        Act("release", "Release hold", "lock_open", CREDITS, forms.ReasonForm, _release,
            "Sets the credits of the hold free. A call that still runs cannot take them then."),
    )
}  # fmt: skip
# Those of the account itself; a refund begins at its entry, a release at its hold.
ON_ACCOUNT = ("grant", "purchase", "adjust", "tier", "limits", "freeze", "unfreeze")


def offered(user: Any, account: CreditAccount) -> list[Act]:
    """The acts that this member of staff may do to the account as it stands; none to an erased."""
    if account.person.user_id is None:
        return []
    absent = "freeze" if account.frozen_at is not None else "unfreeze"
    return [
        ACTS[name] for name in ON_ACCOUNT if name != absent and user.has_perm(ACTS[name].permission)
    ]

"""Gates: acts that need a person's consent. `CONSENT_GATES` says which of them are on.

    @requires_consent("history_storage")
    def create_conversation(*, user_id: str, …): …

A gate reads one indexed row and nothing is cached: after a withdrawal the very next call is
refused, in every process.
"""

import datetime
import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.utils import timezone

from consent import errors, reports
from consent.models import ConsentState

P = ParamSpec("P")
R = TypeVar("R")

# What any gate in this process asks for; consent/system_checks.py compares the setting with it.
known_purposes: set[str] = set()


def requires_consent(*purposes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the act happen only with the person's consent to these purposes.

    For services, which name the person in the argument `user_id`, and for views, whose request has
    `user_id`. Raises ConsentRequired (403 `consent_required`) before anything is done.
    """
    known_purposes.update(purposes)

    def gated(act: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(act)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            require_consent(user_id=_person(args, kwargs), purposes=purposes, at=timezone.now())
            return act(*args, **kwargs)

        return checked

    return gated


def _person(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    if "user_id" in kwargs:
        return str(kwargs["user_id"])
    for argument in args[:2]:  # the view and the request, or the request alone
        user_id = getattr(argument, "user_id", None)
        if user_id is not None:
            return str(user_id)
    raise TypeError("requires_consent is for acts with user_id, and views of a person's request.")


def require_consent(*, user_id: str, purposes: tuple[str, ...], at: datetime.datetime) -> None:
    """Raises ConsentRequired unless the person agrees to those of the purposes that are gated.

    One statement if any of them is in CONSENT_GATES, else none.
    """
    gated = [purpose for purpose in purposes if purpose in settings.CONSENT_GATES]
    if not gated:
        return
    agreed = ConsentState.objects.for_user(user_id).granting(at=at).filter(purpose__key__in=gated)
    missing = set(gated) - set(agreed.values_list("purpose__key", flat=True))
    if missing:
        raise _consent_required(sorted(missing), at)


def _consent_required(missing: list[str], at: datetime.datetime) -> errors.ConsentRequired:
    texts = reports.purposes(at=at, keys=missing)
    wanted = [
        {"purpose": key, "policy_version": texts[key]["text_version"] if key in texts else None}
        for key in missing
    ]
    return errors.ConsentRequired(
        f"This needs the person's consent to: {', '.join(missing)}. Ask for it and give it with"
        " PUT /api/v1/consent/{purpose}.",
        purposes=wanted,
    )

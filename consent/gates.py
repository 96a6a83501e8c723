"""Gates: acts that need a person's consent. `CONSENT_GATES` says which of them are on.

    @requires_consent("history_storage")
    def create_conversation(*, user_id: str, …): …

A gate reads one indexed row and nothing is cached: after a withdrawal the very next call is
refused, in every process.
"""

import datetime
import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import APIException, NotAuthenticated

from access.authentication import caller_of
from access.errors import UserIdRequired
from common import gates
from common.api import problem_response
from common.errors import DomainError
from consent import errors, reports
from consent.models import ConsentState

P = ParamSpec("P")
R = TypeVar("R")


def requires_consent(*purposes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the act happen only with the person's consent to these purposes.

    For services, which name the person in the argument `user_id`; for methods of REST framework's
    views; and for Django's own views, which find the person by the request's key and X-User-Id.
    Raises ConsentRequired (403 `consent_required`) before anything is done; a view of Django's own
    answers with it.
    """
    gates.known_purposes.update(purposes)

    def gated(act: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(act)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not _gated(purposes):
                return act(*args, **kwargs)
            request = next((one for one in args[:2] if isinstance(one, HttpRequest)), None)
            try:
                user_id = _person(args, kwargs) if request is None else _caller(request)
                require_consent(user_id=user_id, purposes=purposes, at=timezone.now())
            except (DomainError, APIException) as error:
                if request is None:
                    raise
                return cast(R, problem_response(request, error))
            return act(*args, **kwargs)

        return checked

    return gated


def _gated(purposes: tuple[str, ...]) -> list[str]:
    return [purpose for purpose in purposes if purpose in settings.CONSENT_GATES]


def _person(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    for user_id in (kwargs.get("user_id"), *(getattr(one, "user_id", None) for one in args[:2])):
        if user_id is not None:
            return str(user_id)
    raise TypeError("requires_consent is for acts with user_id, and views of a person's request.")


def _caller(request: HttpRequest) -> str:
    """The person a request to a view of Django's own is for, as the API finds them."""
    found = caller_of(request)
    if found is None:
        raise NotAuthenticated
    if found[1] is None:
        raise UserIdRequired("Name the person you act for in the header X-User-Id.")
    return found[1]


def require_consent(*, user_id: str, purposes: tuple[str, ...], at: datetime.datetime) -> None:
    """Raises ConsentRequired unless the person agrees to those of the purposes that are gated.

    One statement if any of them is in CONSENT_GATES, else none.
    """
    gated = _gated(purposes)
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

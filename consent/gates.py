"""Gates: acts that need a person's consent. `CONSENT_GATES` says which of them are on.

A service begins with `require_consent("history_storage", user_id=user_id, at=at)`; views, and acts
of other applications, have the decorator `requires_consent`. A gate reads what a person agrees
to in one statement and nothing is cached: after a withdrawal the very next call is refused, in
every process.
"""

import datetime
import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request

from access.authentication import caller_of
from access.errors import UserIdRequired
from common.api.problems import problem_response
from common.errors import DomainError
from common.prepared import prepared
from consent import errors, reports
from consent.models import ConsentState

P = ParamSpec("P")
R = TypeVar("R")

# What gates of this process ask for: those of our services, and whatever a decorator names.
# A system check compares CONSENT_GATES with it.
known_purposes = {"history_storage", "shared_cache"}


def require_consent(*purposes: str, user_id: str, at: datetime.datetime) -> None:
    """Raises ConsentRequired unless the person agrees to those of the purposes that are gated.

    One statement if any of them is in CONSENT_GATES, else none.
    """
    gated = [purpose for purpose in purposes if purpose in settings.CONSENT_GATES]
    if not gated:
        return
    missing = set(gated) - set(_agreed_to.all(user_id=user_id, at=at))
    if missing:
        raise _consent_required(sorted(missing), at)


@prepared()
def _agreed_to(*, user_id: str, at: datetime.datetime) -> Any:
    granting = ConsentState.objects.for_user(user_id).granting(at=at)
    return granting.values_list("purpose_id", flat=True)


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


def requires_consent(*purposes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let the act happen only with the person's consent to these purposes.

    For methods of REST framework's views; for Django's own views, which find the person by the
    request's credentials and X-User-Id; and for functions that name the person in the keyword
    `user_id`. Raises ConsentRequired (403 `consent_required`) before anything is done; a view of
    Django's own answers with it.
    """
    known_purposes.update(purposes)

    def gated(act: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(act)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not set(purposes) & set(settings.CONSENT_GATES):
                return act(*args, **kwargs)
            request = next((one for one in args if isinstance(one, (HttpRequest, Request))), None)
            try:
                user_id = kwargs.get("user_id") if request is None else _person_of(request)
                if user_id is None:
                    raise TypeError("requires_consent is for views, and acts with a user_id=.")
                require_consent(*purposes, user_id=str(user_id), at=timezone.now())
            except (DomainError, APIException) as refusal:
                if not isinstance(request, HttpRequest):
                    raise
                return cast(R, problem_response(request, refusal))
            return act(*args, **kwargs)

        return checked

    return gated


def _person_of(request: HttpRequest | Request) -> str:
    """The person that a request is for: REST framework has found them, of Django's own we do."""
    if isinstance(request, Request):
        user_id: str | None = request.user_id  # type: ignore[attr-defined]
    else:
        found = caller_of(request)
        if found is None:
            raise NotAuthenticated
        _, user_id = found
    if user_id is None:
        raise UserIdRequired("Name the person you act for in the header X-User-Id.")
    return user_id

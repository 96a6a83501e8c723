"""Request rates per service key and per person: RATE_LIMIT_KEY and RATE_LIMIT_PERSON."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from access import errors, rates
from access.authentication import Caller

logger = logging.getLogger(__name__)


class RequestRates(BaseThrottle):
    """Counts the request, or raises RateLimited. Counts nothing while both rates are off."""

    def allow_request(self, request: Request, view: Any) -> bool:
        buckets = _buckets(request)
        if not buckets:
            return True
        at = timezone.now()
        try:
            counted = rates.count(buckets, at=at)
            states = rates.states(buckets, at=at) if counted is None else counted
        except (DatabaseError, InterfaceError) as error:
            # A limit is no reason to stop everybody.
            logger.warning("Requests are let through uncounted: %s", error)
            return True
        request._request.rate_states = states  # type: ignore[attr-defined]
        if counted is None:
            raise _refusal(states)
        return True


def _buckets(request: Request) -> list[rates.Bucket]:
    caller = request.auth
    if not isinstance(caller, Caller):
        return []
    user_id: str | None = getattr(request, "user_id", None)
    buckets = []
    key_rate = rates.rate_of(settings.RATE_LIMIT_KEY)
    if key_rate is not None and caller.key_id:
        buckets.append(rates.Bucket("key", "", caller.key_id, key_rate))
    person_rate = rates.rate_of(settings.RATE_LIMIT_PERSON)
    if person_rate is not None and user_id is not None:
        buckets.append(rates.Bucket("person", user_id, 0, person_rate))
    return buckets


def _refusal(states: list[rates.State]) -> errors.RateLimited:
    state = max(states, key=lambda each: each.seconds_to_wait)
    rate = state.bucket.rate
    refusal = errors.RateLimited(
        f"More than {rate.count} requests in {rate.window_seconds} seconds, counted by"
        f" {state.bucket.name}. Wait {state.seconds_to_wait} seconds.",
        limited_by=state.bucket.name,
        limit=rate.count,
        window_seconds=rate.window_seconds,
    )
    refusal.headers["Retry-After"] = str(state.seconds_to_wait)
    return refusal


class RateLimitMiddleware:
    """Adds the fields of the IETF draft "RateLimit header fields for HTTP"; absent without rates.

    They join those of quotas, which some routes have of their own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not (settings.RATE_LIMIT_KEY or settings.RATE_LIMIT_PERSON):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for state in getattr(request, "rate_states", ()):
            bucket = state.bucket
            _join(
                response,
                "RateLimit-Policy",
                f'"{bucket.name}";q={bucket.rate.count};w={bucket.rate.window_seconds}',
            )
            _join(
                response,
                "RateLimit",
                f'"{bucket.name}";r={state.remaining};t={state.seconds_to_full}',
            )
        return response


def _join(response: HttpResponseBase, field: str, member: str) -> None:
    present = response.get(field)
    response[field] = f"{present}, {member}" if present else member

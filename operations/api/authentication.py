"""Who may look at Steward itself: applications with a key, staff who are logged in.

A database in trouble is when people look most, so that a key which was right a little while ago is
taken without asking when the database cannot be asked.
"""

import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access import actors
from access.authentication import BearerAuthentication, Caller
from access.services import keys
from common import request_context
from operations import health, in_time

# How long the database has to say who is calling.
CALLER_SECONDS = 0.6
REMEMBERED_SECONDS = 15 * 60.0
MAX_REMEMBERED = 100

# By the hash of the Authorization header: who it was, and when the database last said so.
_remembered: dict[str, tuple[Caller, float]] = {}


class MonitorAuthentication(BearerAuthentication):
    """A service key of any scope; while the database does not answer, one that lately was right."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        request.user_id = None  # type: ignore[attr-defined]
        header = request.headers.get("Authorization")
        if header is None:
            return None
        mark = keys.hash_of(header)
        if health.pool_is_exhausted():
            remembered = _recall(mark)
            if remembered is not None:
                return remembered, remembered
        try:
            found = in_time.ask(lambda: self._asked(request), seconds=CALLER_SECONDS)
        except (DatabaseError, InterfaceError):
            remembered = _recall(mark)
            if remembered is None:
                raise
            return remembered, remembered
        if found is not None:
            if len(_remembered) >= MAX_REMEMBERED:
                _remembered.clear()
            _remembered[mark] = (found[0], time.monotonic())
        return found

    def _asked(self, request: Request) -> tuple[Caller, Caller] | None:
        return super().authenticate(request)


def _recall(mark: str) -> Caller | None:
    caller, seen = _remembered.get(mark, (None, 0.0))
    if caller is None or time.monotonic() - seen > REMEMBERED_SECONDS:
        return None
    request_context.note_caller(actor=caller.actor, user_id=None)
    return caller


class StaffAuthentication(BaseAuthentication):
    """Staff who are logged in to the admin. For routes that change nothing: there is no CSRF."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        user = in_time.ask(lambda: _staff_of(request), seconds=CALLER_SECONDS)
        return user and (user, Caller(actor=actors.staff_actor(user), scopes=frozenset()))

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _staff_of(request: Request) -> Any:
    """The member of staff whose session it is, or None; asks the database."""
    user: Any = getattr(request._request, "user", None)
    return user if user is not None and user.is_active and user.is_staff else None

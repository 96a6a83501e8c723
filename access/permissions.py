"""What a caller may do. Refused by default: a view that names no scope answers nobody."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access import errors
from access.authentication import Caller


class HasScope(BasePermission):
    """The caller has the scope that `view.required_scopes` names for the action."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = request.auth
        if not isinstance(caller, Caller):
            return False
        if view.action is None:  # a method that the route does not have: 405 follows
            return True
        scope = view.required_scopes[view.action]
        if scope not in caller.scopes:
            raise errors.MissingScope(f"This needs the scope {scope}.", scope=scope)
        return True


class ActsForPerson(BasePermission):
    """The caller named the person it acts for."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.action is not None and getattr(request, "user_id", None) is None:
            raise errors.UserIdRequired("Name the person you act for in the header X-User-Id.")
        return True

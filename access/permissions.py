"""What a caller may do. Refused by default: a view that names no scope answers nobody."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access import errors
from access.authentication import Caller
from access.scopes import OWN_DATA

# DRF's names for a method that the route does not have, and for OPTIONS: 405 follows.
NO_ACTION = (None, "metadata")


class HasScope(BasePermission):
    """The caller has the scope that `view.required_scopes` names for the action."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = request.auth
        if not isinstance(caller, Caller):
            return False
        if view.action in NO_ACTION:
            return True
        required = view.required_scopes[view.action]
        # Where it depends on the body, any of several will do here, and the view decides.
        scopes = (required,) if isinstance(required, str) else required
        if caller.scopes.isdisjoint(scopes):
            can_be_given = [scope for scope in scopes if scope != OWN_DATA]
            raise errors.MissingScope(
                f"This needs the scope {' or '.join(can_be_given)}.", scope=can_be_given[0]
            )
        return True


class ActsForPerson(BasePermission):
    """The caller named the person it acts for."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.action not in NO_ACTION and getattr(request, "user_id", None) is None:
            raise errors.UserIdRequired("Name the person you act for in the header X-User-Id.")
        return True


class IsService(BasePermission):
    """The caller is an application with a service key, not a person with their own token."""

    message = "This is for service keys alone."

    def has_permission(self, request: Request, view: Any) -> bool:
        caller: Any = request.auth
        return view.action in NO_ACTION or not caller.is_person


class AnyService(BasePermission):
    """Any service key, or staff who are logged in: for what belongs to no person."""

    message = "This is for service keys and staff alone."

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = request.auth
        return isinstance(caller, Caller) and not caller.is_person

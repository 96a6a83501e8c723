"""What a call of a paid view costs, and which calls cost nothing because they run no view."""

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException, MethodNotAllowed

from billing import errors, headers
from billing.models import AMOUNT_MAX
from common.api.problems import problem_response
from common.errors import DomainError

logger = logging.getLogger(__name__)

Cost = int | Callable[[Any], int]

DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError)
# Refusals that have an answer of their own.
REFUSALS = (DomainError, APIException, Http404, PermissionDenied, *DATABASE_ERRORS)
# What may run a paid view; HEAD costs what GET does.
PAID_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
METHODS = tuple(method.lower() for method in PAID_METHODS)


def checked(cost: Any) -> int:
    """The cost, if it is one. Raises ValueError."""
    if not isinstance(cost, int) or isinstance(cost, bool) or not 0 <= cost <= AMOUNT_MAX:
        raise ValueError(
            f"A cost is a whole number of credits from 0 to {AMOUNT_MAX}, not {cost!r}."
        )
    return cost


def declared(cost: Any) -> Cost:
    """A cost as a decorator or a setting gives it: a number or a function. Raises ValueError."""
    if not callable(cost):
        return checked(cost)
    if iscoroutinefunction(cost):
        raise ValueError("A function that gives a cost is not async: it is called in a thread.")
    function: Callable[[Any], int] = cost
    return function


def cost_of(request: Any, cost: Cost) -> int:
    """What this call costs. Raises CostInvalid where a function fails or gives no cost.

    What has an answer of its own (a problem, 404, a database that is away) goes through.
    """
    if not callable(cost):
        return cost
    try:
        return checked(cost(request))
    except REFUSALS:
        raise
    # Whatever a function of the application's stumbles over, it was looking at the request.
    except Exception as error:
        logger.warning("The cost of a call of %s cannot be told", route_of(request), exc_info=True)
        raise errors.CostInvalid(
            "What this call costs cannot be told from it, so it was not made. Look at its address"
            " and its body."
        ) from error


def route_of(request: Any) -> str:
    """The route's name, or its address: how the ledger and the log name a call."""
    match = request.resolver_match
    name: str = match.view_name if match is not None else request.path
    return name


def answer_without_view(request: Any) -> HttpResponse | None:
    """The answer to a method that runs no paid view: OPTIONS, and those that the view has not."""
    allowed = allowed_methods(request)
    if request.method == "OPTIONS":
        response = HttpResponse()
    elif request.method in (allowed or PAID_METHODS):
        return None
    else:
        response = problem_response(request, MethodNotAllowed(request.method))
    # Of a function nobody knows which of them it takes.
    if allowed or response.status_code == 405:
        response["Allow"] = ", ".join((*(allowed or PAID_METHODS), "OPTIONS"))
    response[headers.CHARGED] = "0"
    return response


def allowed_methods(request: Any) -> tuple[str, ...] | None:
    """What the class of the request's view takes; None for a function."""
    match = request.resolver_match
    view = match.func if match is not None else None
    owner = _class_of(view)
    if owner is None:
        return None
    # A viewset's methods stand in its route. HEAD is done by GET.
    names = set(getattr(view, "actions", None) or (n for n in METHODS if hasattr(owner, n)))
    if "get" in names:
        names.add("head")
    names &= set(owner.http_method_names)
    return tuple(method for method in PAID_METHODS if method.lower() in names)


def is_decorated(view: Any) -> bool:
    """Whether the view, or a method of its class, is decorated with `credits`."""
    owner = _class_of(view)
    names = (*METHODS, "dispatch", *(getattr(view, "actions", None) or {}).values())
    methods = [getattr(owner, name, None) for name in names] if owner else []
    return any(hasattr(part, "credits_cost") for part in (view, *methods))


def _class_of(view: Any) -> Any:
    return getattr(view, "cls", None) or getattr(view, "view_class", None)

"""Paid views: `@credits(cost=…)` on a view, or settings.CREDITS_COSTS for routes by name.

The cost is held before the view runs, with no transaction open meanwhile; it is taken after a 2xx
answer, and comes free after an exception or any other status. A streamed answer is paid when it has
ended. Should the process die, the hold ends by itself after settings.CREDITS_HOLD_SECONDS. OPTIONS,
and methods that the view has not, are answered without it.
"""

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request

from billing import headers
from billing.costs import Cost, answer_without_view, declared, is_decorated
from billing.payments import Payment, begin, begin_in_thread, plain_request, to_the_end

View = Callable[..., Any]


def credits(*, cost: Cost) -> Callable[[View], View]:
    """Make a view paid. `cost` is a number of credits, or a function of the request that gives it.

    For functions, `as_view()`, methods of REST framework's views, and their async kinds. A view
    that is paid already (by CREDITS_COSTS or a second decorator) is charged once, by the outermost.
    """
    declared(cost)

    def decorate(view: View) -> View:
        paid = _paid_async(view, cost) if iscoroutinefunction(view) else _paid(view, cost)
        paid.credits_cost = cost  # type: ignore[attr-defined]  # for checks.py
        return paid

    return decorate


def _paid(view: View, cost: Cost) -> View:
    @functools.wraps(view)
    def paid(*args: Any, **kwargs: Any) -> Any:
        request = _request_in(args)
        payment = _begun(request, cost)
        if payment is None:
            return view(*args, **kwargs)
        if isinstance(payment, HttpResponseBase):
            return payment
        with payment:
            response = view(*args, **kwargs)
        return payment.settle(response)

    return paid


def _paid_async(view: View, cost: Cost) -> View:
    @functools.wraps(view)
    async def paid(*args: Any, **kwargs: Any) -> Any:
        request = _request_in(args)
        payment = await _begun_in_thread(request, cost)
        if payment is None:
            return await view(*args, **kwargs)
        if isinstance(payment, HttpResponseBase):
            return payment
        async with payment:
            response = await view(*args, **kwargs)
        return await payment.settle_in_thread(response)

    return paid


def _begun(request: Any, cost: Cost) -> Payment | HttpResponseBase | None:
    if cost == 0:
        return None
    plain_request(request).is_paid_call = True
    return answer_without_view(request) or begin(request, cost)


async def _begun_in_thread(request: Any, cost: Cost) -> Payment | HttpResponseBase | None:
    if cost == 0:
        return None
    plain_request(request).is_paid_call = True
    return answer_without_view(request) or await begin_in_thread(request, cost)


def _request_in(args: tuple[Any, ...]) -> Any:
    """The request: a function's first argument, a method's second."""
    return args[0] if isinstance(args[0], (HttpRequest, Request)) else args[1]


class CreditsMiddleware:
    """Makes the routes in settings.CREDITS_COSTS paid, and says of each paid one what it charged.

    Last in MIDDLEWARE, so that nothing is held for a request that another one refuses.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.costs: dict[str, Cost] = dict(settings.CREDITS_COSTS)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)
        if self.costs:  # else Django need not ask before each view
            self.process_view: Any = (
                self._process_view_async if self.is_async else self._process_view
            )

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._call_async(request)
        with _Unsettled(request):
            response = self.get_response(request)
        payment = _payment_of(request)
        if payment is not None:
            return payment.settle(response)
        return self._with_header(request, response)

    async def _call_async(self, request: HttpRequest) -> Any:
        async with _Unsettled(request):
            response = await self.get_response(request)
        payment = _payment_of(request)
        if payment is not None:
            return await payment.settle_in_thread(response)
        return self._with_header(request, response)

    def _with_header(self, request: HttpRequest, response: Any) -> Any:
        """The answer of a paid route that nobody has paid for says so: an error, a free method."""
        match = request.resolver_match
        is_paid = getattr(request, "is_paid_call", False) or (
            match is not None and (match.view_name in self.costs or is_decorated(match.func))
        )
        if is_paid and headers.CHARGED not in response:
            response[headers.CHARGED] = "0"
        return response

    def _process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        return _kept(request, _begun(request, self._cost(request)))

    async def _process_view_async(
        self, request: HttpRequest, *view: Any
    ) -> HttpResponseBase | None:
        return _kept(request, await _begun_in_thread(request, self._cost(request)))

    def _cost(self, request: HttpRequest) -> Cost:
        match = request.resolver_match
        return self.costs.get(match.view_name, 0) if match is not None else 0


def _kept(request: Any, payment: "Payment | HttpResponseBase | None") -> HttpResponseBase | None:
    """Keep the payment for the way back; an answer goes back at once."""
    if not isinstance(payment, Payment):
        return payment
    request.credits_payment = payment
    return None


def _payment_of(request: Any) -> "Payment | None":
    """The payment to settle, once."""
    return request.__dict__.pop("credits_payment", None)


class _Unsettled:
    """Releases the request's payment when what comes back is no answer, as on a cancelled call."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, *raised: Any) -> None:
        payment = None if kind is None else _payment_of(self.request)
        if payment is not None:
            payment.release()

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, kind: Any, *raised: Any) -> None:
        if kind is not None:
            await to_the_end(self.__exit__, kind, *raised)

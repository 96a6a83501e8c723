"""Paid views: `@credits(cost=…)` on a view, or settings.CREDITS_COSTS for routes by name.

The cost is held before the view runs, with no transaction open meanwhile; it is taken after a 2xx
answer, and comes free after an exception or any other status. A streamed answer is paid when it has
ended. Should the process die, the hold ends by itself after settings.CREDITS_HOLD_SECONDS.
"""

import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request

from access.authentication import Caller, caller_of
from access.errors import MissingScope, UserIdRequired
from billing import errors, reports, services
from billing.models import AMOUNT_MAX, CreditHold, CreditTransaction
from common.api import problem_response
from common.errors import DomainError
from common.idempotency import RequestKey

logger = logging.getLogger(__name__)

Cost = int | Callable[[Any], int]
View = Callable[..., Any]

SCOPE = "billing:charge"
FREE_METHODS = ("HEAD", "OPTIONS")
DATABASE_ERRORS = (OperationalError, InterfaceError)
# The view's Idempotency-Key is its own: the hold has none.
NO_KEY = RequestKey(None, "")


def credits(*, cost: Cost) -> Callable[[View], View]:
    """Make a view paid. `cost` is a number of credits, or a function of the request that gives it.

    For functions, `as_view()`, methods of REST framework's views, and their async kinds. A view
    that is paid already (by CREDITS_COSTS or a second decorator) is charged once, by the outermost.
    """
    if not callable(cost):
        checked(cost)

    def decorate(view: View) -> View:
        paid = _paid_async(view, cost) if iscoroutinefunction(view) else _paid(view, cost)
        paid.credits_cost = cost  # type: ignore[attr-defined]  # for system_checks.py
        return paid

    return decorate


def _paid(view: View, cost: Cost) -> View:
    @functools.wraps(view)
    def paid(*args: Any, **kwargs: Any) -> Any:
        request = _request_in(args)
        if _is_free(request, cost):
            return view(*args, **kwargs)
        payment = begin(request, cost)
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
        if _is_free(request, cost):
            return await view(*args, **kwargs)
        payment = await sync_to_async(begin)(request, cost)
        if payment is None:
            return await view(*args, **kwargs)
        if isinstance(payment, HttpResponseBase):
            return payment
        async with payment:
            response = await view(*args, **kwargs)
        return await sync_to_async(payment.settle)(response)

    return paid


def _request_in(args: tuple[Any, ...]) -> Any:
    """The request: a function's first argument, a method's second."""
    return args[0] if isinstance(args[0], (HttpRequest, Request)) else args[1]


class CreditsMiddleware:
    """Makes the routes in settings.CREDITS_COSTS paid; absent where that is empty.

    Last in MIDDLEWARE, so that nothing is held for a request that another one refuses.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        if not settings.CREDITS_COSTS:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.costs: dict[str, Cost] = dict(settings.CREDITS_COSTS)
        self.process_view: Any = self._process_view
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)
            self.process_view = self._process_view_async

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._call_async(request)
        with _Unsettled(request):
            response = self.get_response(request)
        payment = _payment_of(request)
        return response if payment is None else payment.settle(response)

    async def _call_async(self, request: HttpRequest) -> Any:
        async with _Unsettled(request):
            response = await self.get_response(request)
        payment = _payment_of(request)
        return response if payment is None else await sync_to_async(payment.settle)(response)

    def _process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        cost = self._cost(request)
        return None if _is_free(request, cost) else _kept(request, begin(request, cost))

    async def _process_view_async(
        self, request: HttpRequest, *view: Any
    ) -> HttpResponseBase | None:
        cost = self._cost(request)
        if _is_free(request, cost):
            return None
        return _kept(request, await sync_to_async(begin)(request, cost))

    def _cost(self, request: HttpRequest) -> Cost:
        match = request.resolver_match
        return self.costs.get(match.view_name, 0) if match is not None else 0


def _kept(
    request: Any, payment: "Payment | HttpResponseBase | None"
) -> HttpResponseBase | None:
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
        await sync_to_async(self.__exit__)(kind, *raised)


# Before the view


def _is_free(request: Any, cost: Cost) -> bool:
    """Whether nothing is to be touched at all: no credentials read, no statement sent."""
    return cost == 0 or request.method in FREE_METHODS


def checked(cost: Any) -> int:
    """The cost, if it is one. Raises ValueError."""
    if not isinstance(cost, int) or isinstance(cost, bool) or not 0 <= cost <= AMOUNT_MAX:
        raise ValueError(f"A cost is a whole number of credits from 0 to {AMOUNT_MAX}, not {cost!r}.")
    return cost


def begin(request: Any, cost: Cost) -> "Payment | HttpResponseBase | None":
    """Set the cost aside: the payment, or the refusal; None for what is free or paid already."""
    plain: Any = request._request if isinstance(request, Request) else request
    if getattr(plain, "credits_are_paid", False):
        return None
    try:
        amount = checked(cost(request) if callable(cost) else cost)
        if amount == 0:
            return None
        payment = _place(request, amount)
    except (DomainError, APIException, *DATABASE_ERRORS) as error:
        return _refusal(request, error)
    plain.credits_are_paid = True
    return payment


def _place(request: Any, cost: int) -> "Payment":
    caller, user_id = _payer(request)
    match = request.resolver_match
    payment = Payment(
        user_id=user_id,
        actor=caller.actor,
        cost=cost,
        route=match.view_name if match is not None else request.path,
    )
    payment.hold = services.place_hold(
        user_id=user_id,
        amount=cost,
        ttl_seconds=settings.CREDITS_HOLD_SECONDS,
        description=payment.route,
        actor=caller.actor,
        at=timezone.now(),
        request_key=NO_KEY,
        tier=request.headers.get("X-User-Tier"),
    ).row
    return payment


def _payer(request: Any) -> tuple[Caller, str]:
    """Who pays, as the API finds the person. REST framework may have found them already.

    Raises NotAuthenticated, AuthenticationFailed, MissingScope, UserIdRequired and UserIdInvalid.
    """
    if isinstance(request, Request) and isinstance(request.auth, Caller):
        caller, user_id = request.auth, getattr(request, "user_id", None)
    else:
        found = caller_of(request)
        if found is None:
            raise NotAuthenticated
        caller, user_id = found
    if SCOPE not in caller.scopes:
        raise MissingScope(f"This needs the scope {SCOPE}.", scope=SCOPE)
    if user_id is None:
        raise UserIdRequired("Name the person you act for in the header X-User-Id.")
    return caller, user_id


def _refusal(request: Any, error: Exception) -> HttpResponseBase:
    response = problem_response(request, error)
    available = error.details.get("available") if isinstance(error, DomainError) else None
    if available is not None:
        response["X-Credits-Available"] = str(available)
        response["X-Credits-Charged"] = "0"
    return response


# After the view


@dataclass
class Payment:
    """A held cost, until it is taken or comes free. As a context: free when an exception passes."""

    user_id: str
    actor: str
    cost: int
    route: str
    hold: CreditHold | None = None

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, *raised: Any) -> None:
        if kind is not None:
            self.release()

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, kind: Any, *raised: Any) -> None:
        if kind is not None:
            await sync_to_async(self.release)()

    def settle(self, response: Any) -> Any:
        """The answer with its headers: charged now, at the end of its stream, or not at all."""
        if not isinstance(response, HttpResponseBase) or not 200 <= response.status_code < 300:
            self.release()
            return self._with_headers(response, charged=0)
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = PaidStream.over(response, self)
            return self._with_headers(response, charged=self.cost)
        if not getattr(response, "is_rendered", True):
            return self._settled_when_rendered(response)
        return self._with_headers(response, charged=self.capture())

    def _settled_when_rendered(self, response: Any) -> Any:
        # REST framework and TemplateResponse make the body later, and may fail in it.
        def render() -> Any:
            del response.render  # the class's own again
            with self:
                rendered = response.render()
            return self.settle(rendered)

        response.render = render
        return response

    def _with_headers(self, response: Any, *, charged: int) -> Any:
        if not isinstance(response, HttpResponseBase):
            return response
        response["X-Credits-Charged"] = str(charged)
        try:
            status = reports.credit_status(self.user_id, tier=None, at=timezone.now())
        except DATABASE_ERRORS as error:
            self._warn("the balance cannot be read", error)
        else:
            response["X-Credits-Available"] = str(status.available_credits)
        return response

    def capture(self) -> int:
        """Take what was held, and say how much that was.

        The answer is given all the same when nothing can be taken: it has been made.
        """
        hold = self._placed
        try:
            services.capture_hold(
                user_id=self.user_id,
                hold_uid=hold.uid,
                amount=None,
                actor=self.actor,
                at=timezone.now(),
                request_key=NO_KEY,
            )
        except errors.HoldResolved as resolved:
            if resolved.details["state"] == CreditHold.State.EXPIRED:
                return self._charge()
            self._warn("the hold was resolved meanwhile", resolved)
        except (DomainError, *DATABASE_ERRORS) as error:
            self._warn("the hold could not be captured", error)
        else:
            return self.cost
        return 0

    def _charge(self) -> int:
        """A plain charge in place of the hold that the view outlasted."""
        try:
            services.add_transaction(
                user_id=self.user_id,
                new=services.NewTransaction(
                    type=CreditTransaction.Type.DEDUCT, amount=-self.cost, description=self.route
                ),
                actor=self.actor,
                at=timezone.now(),
                request_key=NO_KEY,
            )
        except (DomainError, *DATABASE_ERRORS) as error:
            self._warn("the hold expired before the view ended, and a charge is refused", error)
            return 0
        return self.cost

    def release(self) -> None:
        """Set free what was held. Where that fails, the hold ends by itself."""
        try:
            services.release_hold(
                user_id=self.user_id, hold_uid=self._placed.uid, at=timezone.now()
            )
        except (DomainError, *DATABASE_ERRORS) as error:
            if getattr(error, "details", {}).get("state") != CreditHold.State.EXPIRED:
                self._warn("the hold could not be released", error)

    @property
    def _placed(self) -> CreditHold:
        assert self.hold is not None  # noqa: S101
        return self.hold

    def _warn(self, what: str, error: Exception) -> None:
        logger.warning("%s, hold %s: %s. %s", self.route, self._placed.uid, what, error)


class PaidStream:
    """The parts of a streamed answer. Taken when it ends, or is left after a first part; else free.

    Settled once, whoever comes first: the end, an exception, or the server that closes the answer.
    """

    def __init__(self, parts: Any, payment: Payment) -> None:
        self.parts = parts
        self.payment = payment
        self.has_begun = False
        self.is_settled = False

    @staticmethod
    def over(response: StreamingHttpResponse, payment: Payment) -> "PaidStream":
        kind = PaidAsyncStream if response.is_async else PaidSyncStream
        return kind(response.streaming_content, payment)

    def settle(self, *, ended: bool = False) -> None:
        if self.is_settled:
            return
        self.is_settled = True
        if ended or self.has_begun:
            self.payment.capture()
        else:
            self.payment.release()

    # The server calls it, in a thread of its own where it is async.
    def close(self) -> None:
        self.settle()


class PaidSyncStream(PaidStream):
    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        part = None
        try:
            part = next(self.parts)
        except StopIteration:
            self.settle(ended=True)
            raise
        finally:
            if part is None:
                self.settle()
        self.has_begun = self.has_begun or part != b""
        return part


class PaidAsyncStream(PaidStream):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        part = None
        try:
            part = await anext(self.parts)
        except StopAsyncIteration:
            await sync_to_async(self.settle)(ended=True)
            raise
        finally:
            if part is None and not self.is_settled:
                await sync_to_async(self.settle)()
        self.has_begun = self.has_begun or part != b""
        return part

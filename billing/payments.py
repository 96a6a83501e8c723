"""The payment of one call of a paid view: held before it, taken or set free after it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from access.authentication import Caller, caller_of
from access.errors import MissingScope, UserIdRequired
from billing import errors, headers, reports
from billing.costs import DATABASE_ERRORS, REFUSALS, Cost, cost_of, route_of
from billing.models import CreditHold, CreditTransaction
from billing.services import credits, holds
from common.api.problems import problem_response
from common.errors import DomainError
from common.idempotency import NO_KEY

logger = logging.getLogger(__name__)

SCOPE = "billing:charge"
# The payments of the call that is being answered, where somebody looks after it (billing/asgi.py).
of_this_call: ContextVar[list["Payment"] | None] = ContextVar("payments_of_call", default=None)


# Before the view


def begin(request: Any, cost: Cost) -> "Payment | HttpResponseBase | None":
    """Set the cost aside: the payment, or the refusal; None for what is free or paid already."""
    plain = plain_request(request)
    if getattr(plain, "credits_are_paid", False):
        return None
    try:
        amount = cost_of(request, cost)
        if amount == 0:
            return None
        payment = _place(request, amount)
    except REFUSALS as error:
        return _refusal(request, error)
    plain.credits_are_paid = True
    return payment


async def begin_in_thread(request: Any, cost: Cost) -> "Payment | HttpResponseBase | None":
    """As begin. What was placed for a client that left meanwhile is set free."""
    payment, cancelled = await to_the_end(begin, request, cost)
    if cancelled is not None:
        if isinstance(payment, Payment):
            await to_the_end(payment.release)
        raise cancelled
    return payment


async def to_the_end(
    act: Callable[..., Any], *arguments: Any
) -> tuple[Any, asyncio.CancelledError | None]:
    """What `act` gives in a thread, and the cancellation that came meanwhile.

    A thread cannot be stopped: it would go on with nobody to hear what it did.
    """
    acting = asyncio.ensure_future(sync_to_async(act)(*arguments))
    cancelled = None
    while not acting.done():
        try:
            await asyncio.wait([acting])
        except asyncio.CancelledError as error:
            cancelled = error
    return acting.result(), cancelled


def plain_request(request: Any) -> Any:
    """Django's own request, inside REST framework's."""
    return request._request if isinstance(request, Request) else request


def _place(request: Any, cost: int) -> "Payment":
    caller, user_id = _payer(request)
    outcome = holds.place_hold(
        user_id=user_id,
        amount=cost,
        ttl_seconds=settings.CREDITS_HOLD_SECONDS,
        description=route_of(request),
        actor=caller.actor,
        at=timezone.now(),
        request_key=NO_KEY,  # the view's Idempotency-Key is its own
        tier=headers.tier_named_in(request, caller),
    )
    payment = Payment(user_id, outcome.row)
    payments = of_this_call.get()
    if payments is not None:
        payments.append(payment)
    return payment


def _payer(request: Any) -> tuple[Caller, str]:
    """Who pays, as the API finds the person. REST framework may have found them already.

    Raises NotAuthenticated, MissingScope, UserIdRequired and what caller_of raises.
    """
    if isinstance(request, Request) and isinstance(request.auth, Caller):
        caller, user_id = request.auth, getattr(request, "user_id", None)
    else:
        found = caller_of(request)
        if found is None:
            raise NotAuthenticated
        caller, user_id = found
    # With their own token a person pays for their own call; a key needs leave to charge others.
    if not caller.is_person and SCOPE not in caller.scopes:
        raise MissingScope(f"This needs the scope {SCOPE}.", scope=SCOPE)
    if user_id is None:
        raise UserIdRequired("Name the person you act for in the header X-User-Id.")
    return caller, user_id


def _refusal(request: Any, error: Exception) -> HttpResponseBase:
    response = problem_response(request, error)
    response[headers.CHARGED] = "0"
    available = error.details.get("available") if isinstance(error, DomainError) else None
    if available is not None:
        response["X-Credits-Available"] = str(available)
    return response


# After the view


@dataclass
class Payment:
    """A held cost, until it is taken or comes free. As a context: free when an exception passes.

    Settled once, by whoever comes first.
    """

    user_id: str
    hold: CreditHold
    is_settled: bool = False

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, *raised: Any) -> None:
        if kind is not None:
            self.release()

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, kind: Any, *raised: Any) -> None:
        if kind is not None:
            await to_the_end(self.release)

    async def settle_in_thread(self, response: Any) -> Any:
        """As settle. Of an answer whose client left meanwhile, what is not taken yet comes free."""
        settled, cancelled = await to_the_end(self.settle, response)
        if cancelled is not None:
            await to_the_end(self.release)
            raise cancelled
        return settled

    def settle(self, response: Any) -> Any:
        """The answer with its headers: charged now, at the end of its stream, or not at all."""
        if not isinstance(response, HttpResponseBase) or not _costs(response):
            self.release()
            return self._with_headers(response, charged=0)
        if isinstance(response, StreamingHttpResponse):
            stream = PaidAsyncStream if response.is_async else PaidSyncStream
            response.streaming_content = stream(response.streaming_content, self)
            return self._with_headers(response, charged=self.hold.amount)
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
        # Of a stream, sent before its end: what it costs if it gets there.
        if not isinstance(response, HttpResponseBase):
            return response
        response[headers.CHARGED] = str(charged)
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
        if self.is_settled:
            return 0
        self.is_settled = True
        try:
            holds.capture_hold(
                user_id=self.user_id,
                hold_uid=self.hold.uid,
                amount=None,
                actor=self.hold.actor,
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
            return self.hold.amount
        return 0

    def _charge(self) -> int:
        """A plain charge in place of the hold that the view outlasted."""
        charge = credits.NewTransaction(
            type=CreditTransaction.Type.DEDUCT,
            amount=-self.hold.amount,
            description=self.hold.description,
        )
        try:
            credits.add_transaction(
                user_id=self.user_id,
                new=charge,
                actor=self.hold.actor,
                at=timezone.now(),
                request_key=NO_KEY,
            )
        except (DomainError, *DATABASE_ERRORS) as error:
            self._warn("the hold expired before the view ended, and a charge is refused", error)
            return 0
        return self.hold.amount

    def release(self) -> None:
        """Set free what was held and not taken. Where that fails, the hold ends by itself."""
        if self.is_settled:
            return
        self.is_settled = True
        try:
            holds.release_hold(
                user_id=self.user_id,
                hold_uid=self.hold.uid,
                actor=self.hold.actor,
                at=timezone.now(),
            )
        except errors.HoldResolved:
            pass  # expired meanwhile, so it keeps nothing
        except (DomainError, *DATABASE_ERRORS) as error:
            self._warn("the hold could not be released", error)

    def _warn(self, what: str, error: Exception) -> None:
        logger.warning("%s, hold %s: %s. %s", self.hold.description, self.hold.uid, what, error)


def _costs(response: HttpResponseBase) -> bool:
    """Whether the answer is one that is paid for: a 2xx, and no replay of an earlier one."""
    return 200 <= response.status_code < 300 and response.get("Idempotency-Replayed") != "true"


class PaidStream:
    """The parts of a streamed answer. Taken when it ends, or is left after a first part; else free.

    Settled by the end, an exception, or the server that closes the answer.
    """

    def __init__(self, parts: Any, payment: Payment) -> None:
        self.parts = parts
        self.payment = payment
        self.has_begun = False

    def settle(self, ended: bool = False) -> None:
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
        part: Any = None
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
        part: Any = None
        try:
            part = await anext(self.parts)
        except StopAsyncIteration:
            await to_the_end(self.settle, True)
            raise
        finally:
            if part is None and not self.payment.is_settled:
                await to_the_end(self.settle)
        self.has_begun = self.has_begun or part != b""
        return part

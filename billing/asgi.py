"""Under ASGI a client may leave at any moment: what its call held and nobody settled comes free."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.db import close_old_connections

from billing.payments import Payment, of_this_call, to_the_end


class Settled:
    """The ASGI application `application`, and after each call the end of its payments.

    Django drops the answer of a view that a client does not wait for, unread and unclosed: a stream
    that would have been paid for at its end, a body that would have been rendered later.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        payments: list[Payment] = []
        token = of_this_call.set(payments)
        try:
            await self.application(scope, receive, send)
        finally:
            of_this_call.reset(token)
            if not all(payment.is_settled for payment in payments):
                await to_the_end(_release, payments)


def _release(payments: list[Payment]) -> None:
    try:
        for payment in payments:
            payment.release()
    finally:
        close_old_connections()

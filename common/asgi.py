"""Under ASGI Django keeps a whole body, if need be in a file, before any middleware."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from common.api import DRAIN_MAX_BYTES


class BoundedBody:
    """The ASGI application `application`, which gets MAX_BODY_BYTES of a body and no more.

    Of a larger one the beginning is passed on, and its length; BodyLimitMiddleware refuses it.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": list(scope["headers"])}
            receive = self._bounded(scope["headers"], receive)
        await self.application(scope, receive, send)

    def _bounded(self, headers: list[tuple[bytes, bytes]], receive: Any) -> Any:
        taken, has_ended = 0, False

        async def bounded() -> Any:
            nonlocal taken, has_ended
            message = await receive()
            # What comes after the end of a body that was cut.
            while has_ended and message["type"] == "http.request":
                message = await receive()
            if message["type"] != "http.request":
                return message
            taken += len(message.get("body", b""))
            more = message.get("more_body", False)
            if taken > settings.MAX_BODY_BYTES:
                more = more and taken <= DRAIN_MAX_BYTES
                message = {"type": "http.request", "body": b"", "more_body": more}
                if not more and all(name != b"content-length" for name, _ in headers):
                    headers.append((b"content-length", str(taken).encode()))
            has_ended = not more
            return message

        return bounded

"""How large a body may be: MAX_BODY_BYTES, by its length under WSGI, and by what comes under ASGI.

There Django keeps a whole body, if need be in a file, before any middleware.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from common import errors
from common.api.problems import is_api, plain_page, problem_response

DRAIN_MAX_BYTES = 16 * 1024 * 1024


class BodyLimitMiddleware:
    """Answers bodies larger than MAX_BODY_BYTES with 413, and those without a length with 411.

    Up to 16 MiB are read first: a client that is still sending would see a broken connection
    instead of the answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            self._check(request)
        except errors.DomainError as error:
            if is_api(request):
                return problem_response(request, error)
            return plain_page(error.title, error.message, status=error.status)
        return self.get_response(request)

    def _check(self, request: HttpRequest) -> None:
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            raise errors.LengthRequired("Send the body with a Content-Length, not chunked.")
        try:
            byte_size = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise errors.LengthRequired("Content-Length is not a number.") from None
        if byte_size <= settings.MAX_BODY_BYTES:
            return
        if byte_size <= DRAIN_MAX_BYTES:
            while request.read(1024 * 1024):
                pass
        raise errors.PayloadTooLarge(
            f"The body has {byte_size} bytes; at most {settings.MAX_BODY_BYTES} are taken.",
            max_bytes=settings.MAX_BODY_BYTES,
        )


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

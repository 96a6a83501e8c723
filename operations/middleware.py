"""Around every request: its id, its line in the log, its place in the metrics."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.middleware import common

from access import actors
from access.staff import client_ip
from common import request_context
from common.api.problems import note_fault
from common.request_context import RequestContext
from operations import metrics, traces

logger = logging.getLogger("operations.requests")

HEADER = "X-Request-ID"
UNMATCHED = "unmatched"
# Asked for by probes, which know a machine's address and no name.
PROBED = ("/health/", "/metrics")


class RequestMiddleware:
    """Before all others, so that it sees their answers.

    A streamed answer is written down when it has ended, with all its statements; one that is
    streamed asynchronously when it begins, since a wrapper would stand between it and its client.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        context = RequestContext(
            request_context.request_id_of(request.META.get("HTTP_X_REQUEST_ID"))
        )
        request_context.current.set(context)
        traces.begin(context)
        metrics.IN_FLIGHT.inc()
        response = self.get_response(request)
        response[HEADER] = context.request_id
        content: Any = response
        is_wrapped = response.streaming and not isinstance(response, FileResponse)
        if is_wrapped and not content.is_async:
            content.streaming_content = self._streamed(content, request, context, begun)
            # Not where it is written down: a client that goes before the first byte ends no stream.
            content._resource_closers.append(metrics.IN_FLIGHT.dec)
        else:
            metrics.IN_FLIGHT.dec()
            self._finish(request, response, context, begun)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> None:
        context = request_context.current.get()
        if context is not None and "conversation_id" in kwargs:
            context.conversation_id = str(kwargs["conversation_id"])

    def _streamed(
        self, response: Any, request: HttpRequest, context: RequestContext, begun: float
    ) -> Iterator[bytes]:
        content = response.streaming_content

        def noted() -> Iterator[bytes]:
            request_context.current.set(context)
            try:
                yield from content
            finally:
                note_fault(sys.exc_info()[1])
                self._finish(request, response, context, begun)

        return noted()

    def _finish(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        context: RequestContext,
        begun: float,
    ) -> None:
        seconds = time.perf_counter() - begun
        match = request.resolver_match
        route = UNMATCHED
        if match is not None and match.url_name != UNMATCHED:
            route = _shown(match.route)
        status = response.status_code
        method = request.method or ""
        metrics.note_request(method, route, status, seconds, context)
        traces.note_request(
            method=method,
            route=route,
            status=status,
            parent=request.META.get("HTTP_TRACEPARENT"),
            seconds=seconds,
            context=context,
        )
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            "statements": context.statements,
            "remote": client_ip(request) or "",
        }
        if context.actor is None:
            context.actor = _staff_of(request)
        level = logging.ERROR if status >= 500 else logging.INFO
        if logger.isEnabledFor(level):
            # By hand: finding out which line of code logs takes a quarter of the time.
            said = "%s %s %s", (method, route, status)
            record = logging.LogRecord(logger.name, level, __file__, 0, *said, None)
            record.fields = fields
            logger.handle(record)
        request_context.current.set(None)


def _staff_of(request: Any) -> str | None:
    """Who of the staff asked, where the view has looked: finding out costs a statement else."""
    user = getattr(request, "_cached_user", None)
    return actors.staff_actor(user) if user is not None and user.is_authenticated else None


@cache
def _shown(route: str) -> str:
    """`api/v1/x/<uid:x_id>` as the documents write it: `/api/v1/x/{x_id}`."""
    parts = []
    for part in route.split("<"):
        name, closing, rest = part.partition(">")
        parts.append(f"{{{name.rpartition(':')[2]}}}{rest}" if closing else part)
    return "/" + "".join(parts)


class CommonMiddleware(common.CommonMiddleware):
    """Django's, which lets probes ask by address: they are told nothing that depends on a name."""

    def process_request(self, request: HttpRequest) -> Any:
        if request.path.startswith(PROBED):
            return None
        return super().process_request(request)

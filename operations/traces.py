"""Traces for an OpenTelemetry collector, and faults for Sentry, each where a setting names it.

Their packages are none of Steward's own: operations/checks.py refuses a start without those that a
setting needs. What is sent has no text, id or parameter of a person, and no key: of a request its
route, of a statement its text with placeholders, of a fault its lines of code and what the log says
of it.
"""

import os
import time
from typing import Any

from django.conf import settings
from django.db import connection

from common import request_context
from common.api.problems import fault_listeners
from common.request_context import RequestContext
from operations import logs
from operations.release import release

# What a setting needs: the modules, and the packages that have them.
NEEDS: dict[str, tuple[tuple[str, ...], str]] = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"),
        "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http",
    ),
    "SENTRY_DSN": (("sentry_sdk",), "sentry-sdk"),
}
# Of one request; a command's or an export's thousands say no more than its first ones.
MOST_STATEMENTS = 100
LONGEST_STATEMENT = 1000

_tracer: Any = None


def connect() -> None:
    """From here on this process, and each of its forks, sends what the settings ask for."""
    global _tracer
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        _tracer = _exporting_tracer()
    if settings.SENTRY_DSN:
        _connect_sentry()


def begin(context: RequestContext) -> None:
    """Have the statements of this request noted, if anybody wants to see them."""
    if _tracer is not None:
        context.noted_statements = []


def note_request(
    *,
    method: str,
    route: str,
    status: int,
    parent: str | None,
    seconds: float,
    context: RequestContext,
) -> None:
    """Send the request that took so long until now, and its statements.

    `parent` is the caller's own `traceparent` (W3C Trace Context), of which it becomes a part.
    """
    if _tracer is None or context.noted_statements is None:
        return
    from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    ended = time.perf_counter()
    # Nanoseconds since 1970 at which the clock of the durations began.
    zero = time.time_ns() - int(ended * 1e9)
    carrier = {"traceparent": parent} if parent else {}
    span = _tracer.start_span(
        f"{method} {route}",
        context=TraceContextTextMapPropagator().extract(carrier),
        kind=SpanKind.SERVER,
        start_time=zero + int((ended - seconds) * 1e9),
        attributes={
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "steward.request_id": context.request_id,
            "steward.statements": context.statements,
        },
    )
    within = set_span_in_context(span)
    for sql, begun, took in context.noted_statements:
        statement = _tracer.start_span(
            sql.lstrip("( \n").split(maxsplit=1)[0].upper(),
            context=within,
            kind=SpanKind.CLIENT,
            start_time=zero + int(begun * 1e9),
            attributes={"db.system.name": connection.vendor, "db.query.text": sql},
        )
        statement.end(zero + int((begun + took) * 1e9))
    if status >= 500:
        span.set_status(StatusCode.ERROR)
    span.end(zero + int(ended * 1e9))


def note_statement(
    noted: list[tuple[str, float, float]], sql: str, begun: float, seconds: float
) -> None:
    """Add the statement to those of its request, with its time by `time.perf_counter`."""
    if len(noted) < MOST_STATEMENTS:
        noted.append((sql[:LONGEST_STATEMENT], begun, seconds))


def _exporting_tracer() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "steward")
    resource = Resource.create({"service.name": name, "service.version": release()})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("steward", release())


def _connect_sentry() -> None:
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=release(),
        # Those of the package send requests, statements and log lines along.
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        send_default_pii=False,
        before_send=_without_values,
    )
    fault_listeners.append(_send_fault)


def _send_fault(error: Exception) -> None:
    import sentry_sdk

    context = request_context.current.get()
    tags = {"request_id": context.request_id} if context is not None else {}
    sentry_sdk.capture_exception(error, tags=tags)


def _without_values(event: Any, hint: dict[str, Any]) -> Any:
    """An exception's own words may quote a person's row."""
    *causes, last = event["exception"]["values"]
    for cause in causes:
        cause["value"] = logs.LEFT_OUT
    last["value"] = logs.text_of(hint["exc_info"][1])
    return event

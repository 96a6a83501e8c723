"""One problem body (RFC 9457) for every fault."""

import http
import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from common import errors, metrics
from common.api.wire import OrjsonRenderer

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

# Django's and DRF's own errors, by their class: the code that our problem bodies give them.
CODES: dict[type[Exception], str] = {
    exceptions.ValidationError: "invalid_request",
    exceptions.ParseError: "malformed_json",
    exceptions.AuthenticationFailed: "unauthenticated",
    exceptions.NotAuthenticated: "unauthenticated",
    exceptions.PermissionDenied: "permission_denied",
    PermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    Http404: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    OperationalError: "database_unavailable",
    InterfaceError: "database_unavailable",
}
# Told of every fault of ours that keeps an answer from its client.
fault_listeners: list[Callable[[Exception], None]] = []
# PostgreSQL calls these internal errors: a database that takes no writes, as a standby, and the
# end of a session that sat in its transaction for too long.
UNAVAILABLE_STATES = frozenset({"25006", "25P03"})
DJANGOS_STATUSES: dict[type[Exception], int] = {
    PermissionDenied: 403,
    Http404: 404,
    OperationalError: 503,
    InterfaceError: 503,
}
COUNTED_REFUSALS = frozenset({402, 429})
SERVER_ERROR = "internal_error"
BAD_REQUEST = "bad_request"


def problem_codes() -> dict[str, int]:
    """Every code that a problem body may have, with its status.

    Raises ValueError where one code has two statuses.
    """
    for app in apps.get_app_configs():
        if importlib.util.find_spec(f"{app.name}.errors"):
            importlib.import_module(f"{app.name}.errors")
    found = [(error.code, error.status) for error in _domain_errors(errors.DomainError)]
    for error, code in CODES.items():
        if issubclass(error, exceptions.APIException):
            found.append((code, error.status_code))
        else:
            found.append((code, DJANGOS_STATUSES[error]))
    found += [(SERVER_ERROR, 500), (BAD_REQUEST, 400)]
    codes = dict(found)
    if len(codes) != len(set(found)):
        raise ValueError("A code of a problem has two statuses.")
    return codes


def _domain_errors(of: type[errors.DomainError]) -> Iterator[type[errors.DomainError]]:
    for error in of.__subclasses__():
        if "code" in vars(error):
            yield error
        yield from _domain_errors(error)


def is_api(request: HttpRequest) -> bool:
    """Whether its faults are problem bodies, and no pages."""
    return request.path in ("/api", "/health", "/metrics") or request.path.startswith(
        ("/api/", "/health/")
    )


def problem(
    request: HttpRequest, *, status: int, code: str, title: str, detail: str, **details: Any
) -> dict[str, Any]:
    """A problem body (RFC 9457): what went wrong, for a program (`code`) and for a person."""
    return {
        "type": f"urn:steward:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.path,
        **details,
    }


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The one place where an exception becomes an answer; what it does not know becomes a 500."""
    request = context["request"]
    if isinstance(error, errors.DomainError):
        error = error.as_answered()
        if error.status in COUNTED_REFUSALS:
            metrics.REFUSALS.inc(code=error.code)
        return _response(request, _domain_problem(request, error), error.headers)
    if is_unavailable(error):
        logger.warning("The database is unavailable: %s", str(error).partition("\n")[0])
        return _response(request, *_unavailable(request))
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, exceptions.NotAuthenticated):
        error = exceptions.NotAuthenticated("Send `Authorization: Bearer <key>`.")
    if not isinstance(error, exceptions.APIException):
        return None
    details: dict[str, Any] = {}
    detail = str(error.detail)
    if isinstance(error, exceptions.ValidationError):
        given = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
        details["errors"] = _with_text_keys(given)
        detail = "Some fields are not as they should be; see `errors`."
    code = CODES.get(type(error), getattr(error, "default_code", BAD_REQUEST))
    status = http.HTTPStatus(error.status_code)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    body = problem(
        request, status=int(status), code=code, title=status.phrase, detail=detail, **details
    )
    return _response(request, body, headers)


def _with_text_keys(detail: Any) -> Any:
    """Field errors as JSON: DRF counts the items of a list with integer keys."""
    if isinstance(detail, dict):
        return {str(key): _with_text_keys(item) for key, item in detail.items()}
    return [_with_text_keys(item) for item in detail] if isinstance(detail, list) else detail


def _response(request: Any, body: dict[str, Any], headers: dict[str, str]) -> Response:
    # Where a page or YAML was asked for as well.
    request.accepted_renderer = OrjsonRenderer()
    request.accepted_media_type = OrjsonRenderer.media_type
    return Response(body, status=body["status"], headers=headers, content_type=PROBLEM_TYPE)


def _domain_problem(request: HttpRequest, error: errors.DomainError) -> dict[str, Any]:
    return problem(
        request,
        status=error.status,
        code=error.code,
        title=error.title,
        detail=error.message,
        **error.details,
    )


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the database is to blame, and the same request may pass a little later."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "pgcode", None) in UNAVAILABLE_STATES
    return isinstance(error, (OperationalError, InterfaceError))


def note_fault(error: BaseException | None) -> None:
    """Count what kept an answer from its client, and tell of it, when the fault is ours."""
    if isinstance(error, Exception) and not is_unavailable(error):
        metrics.UNHANDLED.inc(kind=type(error).__name__)
        for hear in fault_listeners:
            hear(error)


def _unavailable(request: HttpRequest) -> tuple[dict[str, Any], dict[str, str]]:
    body = problem(
        request,
        status=503,
        code="database_unavailable",
        title="Database unavailable",
        detail="The database does not answer just now. Try again, with the same Idempotency-Key.",
    )
    return body, {"Retry-After": str(RETRY_AFTER_SECONDS)}


def problem_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """The same answer outside of REST framework, for middleware and plain views.

    What the handler does not know is raised again.
    """
    response: Any = exception_handler(error, {"request": request})
    if response is None:
        raise error
    response.accepted_renderer = OrjsonRenderer()
    response.accepted_media_type = OrjsonRenderer.media_type
    response.renderer_context = {}
    return response.render()


def _http_response(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), status=body["status"], content_type=PROBLEM_TYPE)


# Django's own error pages: problem bodies below /api/, the usual pages elsewhere.


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if not is_api(request):
        return defaults.page_not_found(request, exception or Http404())
    # With an exception it is one that a view raised, such as one of an app of your own.
    detail = "Not found." if exception else "No such address; /api/v1/docs shows them all."
    return _http_response(
        problem(request, status=404, code="not_found", title="Not Found", detail=detail)
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_api(request):
        return defaults.bad_request(request, exception)
    return _http_response(
        problem(
            request,
            status=400,
            code=BAD_REQUEST,
            title="Bad Request",
            detail="The request cannot be read: check its host, headers and encoding.",
        )
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not is_api(request):
        return defaults.permission_denied(request, exception)
    return _http_response(
        problem(
            request,
            status=403,
            code="permission_denied",
            title="Forbidden",
            detail="This is not allowed.",
        )
    )


def server_error(request: HttpRequest) -> HttpResponse:
    # Django calls this while it handles the exception, whoever raised it.
    error = sys.exc_info()[1]
    if is_unavailable(error):
        body, headers = _unavailable(request)
        response = _http_response(body) if is_api(request) else _unavailable_page()
        for name, value in headers.items():
            response[name] = value
        return response
    note_fault(error)
    if not is_api(request):
        return defaults.server_error(request)
    return _http_response(
        problem(
            request,
            status=500,
            code=SERVER_ERROR,
            title="Internal Server Error",
            detail="Something went wrong on our side; it has been logged.",
        )
    )


def _unavailable_page() -> HttpResponse:
    return plain_page("The database does not answer just now", "Try again in a moment.", status=503)


def plain_page(title: str, sentence: str, *, status: int) -> HttpResponse:
    """A fault as a page, for a browser outside of the API."""
    return HttpResponse(
        f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{sentence}</p>", status=status
    )

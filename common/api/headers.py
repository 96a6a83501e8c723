"""Headers: those of a request that stand for one thing, and what every answer tells a browser.

SecurityMiddleware and XFrameOptionsMiddleware add the rest. A view's own header is left as it is.
"""

from collections.abc import Callable, Iterable
from typing import Any

from corsheaders import middleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from common.api.problems import problem_response
from common.errors import HeaderRepeated

# Sent twice, nobody can say which one counts. WSGI joins them with a comma, and a comma may stand
# in each of them; so whoever takes the request from the wire says that there were two.
SINGLE = frozenset({"authorization", "idempotency-key", "x-user-id", "x-user-tier"})
REPEATED = "STEWARD-REPEATED-HEADERS"

NOTHING_ELSE = "frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

# By the beginning of the path; the first that fits. Pages of your own apps keep the last one.
POLICIES = (
    # Swagger UI sets style attributes and has images in its style sheet.
    (
        "/api/v1/docs",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none';"
        " base-uri 'none'",
    ),
    (
        "/api",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    # Alpine, which unfold is made with, evaluates the expressions in its attributes.
    (
        "/admin",
        "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'",
    ),
    ("", NOTHING_ELSE),
)
MAY_BE_STORED = ("/api/v1/docs", "/api/v1/schema")
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "usb",
    )
)  # fmt: skip


def repeated(names: Iterable[str]) -> list[str]:
    """Which of a request's headers, by their names, came more than once and must not."""
    found = [name for name in map(str.lower, names) if name in SINGLE]
    return sorted({name for name in found if found.count(name) > 1})


def mark_repeated(headers: list[tuple[str, str]]) -> None:
    """For gunicorn, before it joins them: say in a header of our own which ones came twice."""
    names = [name for name, _ in headers]
    if REPEATED in names:
        headers[:] = [header for header in headers if header[0] != REPEATED]
    if twice := repeated(names):
        headers.append((REPEATED, ", ".join(twice)))


class SingleHeadersMiddleware:
    """Refuses a request in which a header came twice that may come once.

    Under ASGI it sees by itself; under gunicorn `mark_repeated` has seen (config/gunicorn.py).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scope = getattr(request, "scope", None)
        if scope is None:
            names = request.META.get("HTTP_STEWARD_REPEATED_HEADERS", "")
        else:
            names = ", ".join(repeated(name.decode("latin-1") for name, _ in scope["headers"]))
        if names:
            error = HeaderRepeated(f"These headers may come once: {names}.")
            return problem_response(request, error)
        return self.get_response(request)


class SecurityHeadersMiddleware:
    """Adds Content-Security-Policy, Permissions-Policy, Cross-Origin-Resource-Policy and,
    below /api/ and /admin/, `Cache-Control: no-store`: those answers are one person's matter.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        path = request.path_info
        headers = response.headers
        policy = next(policy for beginning, policy in POLICIES if path.startswith(beginning))
        headers.setdefault("Content-Security-Policy", policy)
        headers.setdefault("Permissions-Policy", PERMISSIONS)
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if path.startswith(("/api", "/admin")) and not path.startswith(MAY_BE_STORED):
            headers.setdefault("Cache-Control", "no-store")
        return response


class CorsMiddleware(middleware.CorsMiddleware):
    """The package's, below /api/v1/: for what no page of another origin sends it has but `Vary`."""

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS":
            return super().__call__(request)
        response: Any = self.get_response(request)
        if "Vary" in response:
            patch_vary_headers(response, ("origin",))
        else:
            response["Vary"] = "origin"
        return response


class ApiAnswerMiddleware:
    """What CommonMiddleware and XFrameOptionsMiddleware do, as far as the API needs it.

    A request for another host is refused; an answer says how long it is, and is for no frame.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.known_host = ""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host = request.META.get("HTTP_HOST", "")
        if not host or host != self.known_host:
            request.get_host()
            self.known_host = host
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("X-Frame-Options", "DENY")
        if isinstance(response, HttpResponse):
            headers.setdefault("Content-Length", str(len(response.content)))
        return response

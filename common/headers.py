"""What every answer tells a browser: where scripts may come from, and that nothing is kept.

SecurityMiddleware and XFrameOptionsMiddleware add the rest. A view's own header is left as it is.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

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
OPEN_TO_ALL = ("/api/v1/docs", "/api/v1/schema")
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "usb",
    )
)  # fmt: skip


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
        if path.startswith(("/api", "/admin")) and not path.startswith(OPEN_TO_ALL):
            headers.setdefault("Cache-Control", "no-store")
        return response

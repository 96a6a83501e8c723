"""A scan of a running server from outside: which headers and cookie flags are missing.

`python -m tests.outside_scan https://steward.example` prints each problem and exits with 1 if there
is any. Nothing is sent but GET, OPTIONS and a log-in that fails.
"""

import re
import sys
import urllib.error
import urllib.request
from email.message import Message

PATHS = (
    "/", "/admin/", "/admin/login/", "/api/v1/docs", "/api/v1/schema?format=json",
    "/api/v1/conversations", "/api/v1/nowhere", "/nowhere", "/favicon.ico",
)  # fmt: skip
# What must be in the header's value, whatever its case.
EVERYWHERE = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}
COOKIE_FLAGS = ("Secure", "HttpOnly", "SameSite=Lax")
TELLTALES = ("X-Powered-By", "X-AspNet-Version")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *given: object) -> None:  # type: ignore[override]
        return None


class Scan:
    """The problems of one server. `behind_proxy` says what a proxy would, to a server without."""

    def __init__(self, address: str, *, host: str = "", behind_proxy: bool = False) -> None:
        self.address = address.rstrip("/")
        self.headers = {"Host": host} if host else {}
        if behind_proxy:
            self.headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"}
        self.problems: list[str] = []

    def run(self) -> list[str]:
        for path in PATHS:
            self._check_page(path, *self._get(path))
        self._check_log_in()
        self._check_other_origin()
        return self.problems

    def _get(
        self, path: str, data: bytes | None = None, method: str | None = None, **headers: str
    ) -> tuple[int, Message, str]:
        opener = urllib.request.build_opener(NoRedirect)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            self.address + path, data=data, method=method, headers=self.headers | named
        )
        try:
            with opener.open(request, timeout=30) as response:
                return response.status, response.headers, response.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode("utf-8", "replace")

    def _check_page(self, path: str, status: int, headers: Message, body: str) -> None:
        if status >= 500:
            self.problems.append(f"{path}: answers {status}")
        for name, wanted in EVERYWHERE.items():
            if wanted.lower() not in (headers.get(name) or "").lower():
                self.problems.append(f"{path}: {name} is {headers.get(name)!r}, without {wanted!r}")
        if re.search(r"\d", headers.get("Server") or ""):
            self.problems.append(f"{path}: Server names a version")
        self.problems += [f"{path}: {name} is told" for name in TELLTALES if name in headers]
        if "Traceback" in body or "DEBUG = True" in body:
            self.problems.append(f"{path}: shows internals")
        is_private = path.startswith(("/admin", "/api")) and not path.endswith(("docs", "json"))
        if is_private and "no-store" not in (headers.get("Cache-Control") or ""):
            self.problems.append(f"{path}: may be kept by caches")
        script = re.search(r"script-src ([^;]*)", headers.get("Content-Security-Policy") or "")
        if script and ("unsafe-inline" in script[1] or "*" in script[1]):
            self.problems.append(f"{path}: scripts may come from {script[1]}")
        self._check_cookies(path, headers)

    def _check_cookies(self, path: str, headers: Message) -> None:
        for cookie in headers.get_all("Set-Cookie") or []:
            flags = {flag.strip().lower() for flag in cookie.split(";")}
            missing = [flag for flag in COOKIE_FLAGS if flag.lower() not in flags]
            if missing:
                self.problems.append(f"{path}: the cookie {cookie[:20]}… lacks {missing}")

    def _check_log_in(self) -> None:
        """A form without its token is refused, and so is one from another origin."""
        status, headers, _ = self._get("/admin/login/", data=b"username=a&password=b")
        if status != 403:
            self.problems.append(f"/admin/login/: a form without its token is answered {status}")
        self._check_cookies("/admin/login/", headers)

    def _check_other_origin(self) -> None:
        origin = "https://evil.example"
        asked = {"Origin": origin, "Access_Control_Request_Method": "GET"}
        for method in ("GET", "OPTIONS"):
            _, headers, _ = self._get("/api/v1/conversations", method=method, **asked)
            if headers.get("Access-Control-Allow-Origin") in (origin, "*"):
                self.problems.append(f"/api/v1/: {method} is allowed to any origin")


if __name__ == "__main__":
    found = Scan(sys.argv[1]).run()
    print("\n".join(found) or "Nothing is missing.")
    sys.exit(1 if found else 0)

"""What gunicorn refuses before Steward sees it, as problem bodies; it would write a page of HTML.

Which address was meant may not be known by then, so that all of them are answered so.
"""

from typing import Any

import orjson
from gunicorn import util

from operations import errors

# What gunicorn answers with: the code, and a sentence that says what to do.
REFUSALS = {
    400: ("bad_request", "The request is not HTTP as it should be: mend its line or headers."),
    403: ("permission_denied", "The server takes no such request from this address."),
    414: (
        errors.UriTooLong.code,
        "The address is too long: send at most 8,190 bytes in the first line.",
    ),
    417: (errors.ExpectationFailed.code, "Send no Expect header but 100-continue."),
    431: (errors.HeadersTooLarge.code, "Send at most 100 headers of at most 8,190 bytes each."),
    500: ("internal_error", "Something went wrong on our side; it has been logged."),
    501: (
        errors.NotImplementedHere.code,
        "Send the body with a Content-Length and no other coding.",
    ),
}
SAID_MAX_LENGTH = 200


def write(sock: Any, status: int, reason: str, message: str) -> None:
    """In place of gunicorn.util.write_error, which has the same arguments."""
    code, advice = REFUSALS.get(status, REFUSALS[400 if status < 500 else 500])
    problem = {
        "type": f"urn:steward:problem:{code}",
        "title": reason,
        "status": status,
        "detail": f"{message[:SAID_MAX_LENGTH]}. {advice}" if message else advice,
        "code": code,
        "instance": "",
    }
    body = orjson.dumps(problem)
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"
        f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)

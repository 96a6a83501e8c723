"""The errors that callers can meet, whichever app they come from.

A domain error carries a `code` that programs may rely on (docs/errors.md lists all), the HTTP
status it becomes, a sentence that says what to do next, and details as JSON values.
"""

from typing import Any, ClassVar


class DomainError(Exception):
    """Something the caller can understand and act upon; nothing was written."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    title: ClassVar[str]

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.headers: dict[str, str] = {}

    def as_answered(self) -> "DomainError":
        """The refusal that a caller is told: this one, unless a setting asks for another form."""
        return self


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = "Not Found"


class InvalidCursor(DomainError):
    code = "invalid_cursor"
    title = "Invalid cursor"


class HeaderRepeated(DomainError):
    code = "header_repeated"
    title = "Header repeated"


class PayloadTooLarge(DomainError):
    code = "payload_too_large"
    status = 413
    title = "Request body too large"


class TooManyValues(DomainError):
    code = "too_many_values"
    status = 413
    title = "Too many JSON values"


class LengthRequired(DomainError):
    code = "length_required"
    status = 411
    title = "Content-Length required"


class IdempotencyKeyInvalid(DomainError):
    code = "idempotency_key_invalid"
    title = "Invalid Idempotency-Key"


class IdempotencyKeyRequired(DomainError):
    code = "idempotency_key_required"
    title = "Idempotency-Key required"


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 422
    title = "Idempotency-Key reused"

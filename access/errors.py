"""What is wrong with a caller's credentials, or with the person they act for."""

from typing import Any

from common.errors import DomainError

RETRY_AFTER_SECONDS = 5


class TokenInvalid(DomainError):
    code = "invalid_token"
    status = 401
    title = "Invalid token"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **details)
        # RFC 6750, section 3; the sentences have no quotes in them.
        self.headers["WWW-Authenticate"] = (
            f'Bearer error="invalid_token", error_description="{message}"'
        )


class PersonMismatch(DomainError):
    code = "person_mismatch"
    status = 403
    title = "Another person's id"


class IdentityProviderUnavailable(DomainError):
    code = "identity_provider_unavailable"
    status = 503
    title = "Identity provider unavailable"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)


class MissingScope(DomainError):
    code = "missing_scope"
    status = 403
    title = "Missing scope"


class RateLimited(DomainError):
    code = "rate_limited"
    status = 429
    title = "Too many requests"


class UserIdRequired(DomainError):
    code = "user_id_required"
    title = "X-User-Id required"


class UserIdInvalid(DomainError):
    code = "user_id_invalid"
    title = "Invalid X-User-Id"


class KeyNameTaken(DomainError):
    code = "key_name_taken"
    status = 409
    title = "Key name taken"


class KeyNotFound(DomainError):
    code = "key_not_found"
    status = 404
    title = "Key not found"


class KeyInvalid(DomainError):
    code = "key_invalid"
    title = "Invalid key description"


class PersonExists(DomainError):
    code = "person_exists"
    status = 409
    title = "Person exists"


class TooManyReferences(DomainError):
    code = "too_many_references"
    status = 422
    title = "Too many references"

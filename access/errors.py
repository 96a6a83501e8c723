"""What is wrong with a caller's credentials, or with the person they act for."""

from common.errors import DomainError


class MissingScope(DomainError):
    code = "missing_scope"
    status = 403
    title = "Missing scope"


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

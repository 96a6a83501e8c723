"""What can be wrong with an act on a conversation."""

from common.errors import DomainError, NotFound


class IdTaken(DomainError):
    code = "id_taken"
    status = 409
    title = "Id taken"


class LegalHold(DomainError):
    code = "legal_hold"
    status = 409
    title = "On legal hold"


class QueryWithoutWords(DomainError):
    code = "query_without_words"
    title = "Nothing to search for"


def no_such_conversation() -> NotFound:
    """The same answer whether it never existed or belongs to another person."""
    return NotFound("There is no such conversation.")

"""What is known of the request that is being answered, for every log line that it causes.

Whoever finds something out notes it here: the middleware the id, the authentication the caller.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass

import uuid_utils

# Visible ASCII: what a header can carry, and no log or terminal misreads.
REQUEST_ID = re.compile(r"[!-~]{1,128}")


@dataclass(slots=True)
class RequestContext:
    """One request. `statements` counts those it has sent; times are in seconds.

    `noted_statements` has those that its trace shows (text, beginning, duration), while anybody
    wants to see it.
    """

    request_id: str
    actor: str | None = None
    user_id: str | None = None
    conversation_id: str | None = None
    statements: int = 0
    slow_statements: int = 0
    noted_statements: list[tuple[str, float, float]] | None = None


current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def request_id_of(given: str | None) -> str:
    """The caller's own X-Request-ID where it is fit for a log, else a new one."""
    if given is not None and REQUEST_ID.fullmatch(given):
        return given
    return str(uuid_utils.uuid7())


def note_caller(*, actor: str, user_id: str | None) -> None:
    """The request that is being answered comes from `actor`, for this person."""
    context = current.get()
    if context is not None:
        context.actor, context.user_id = actor, user_id

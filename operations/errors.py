"""What an operator's probe can meet."""

from common.errors import DomainError


class NotReady(DomainError):
    """Requests would fail just now. `failing` names the components, and no more than that."""

    code = "not_ready"
    status = 503
    title = "Not ready"

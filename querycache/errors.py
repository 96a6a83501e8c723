"""What stands in the way of storing an answer."""

from common.errors import DomainError


class LeaseLost(DomainError):
    code = "lease_lost"
    status = 409
    title = "Lease lost"


class TooManyNamespaces(DomainError):
    """Names are made at their first use, and never removed: one caller must not fill the table."""

    code = "too_many_namespaces"
    status = 409
    title = "Too many namespaces"


class NotCacheable(DomainError):
    """The member `reason` says why: empty, finish_reason or too_large."""

    code = "not_cacheable"
    status = 422
    title = "Not cacheable"

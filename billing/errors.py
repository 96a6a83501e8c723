"""What stands in the way of an act on usage or credits."""

import datetime
from typing import Any

from django.conf import settings

from billing.headers import quota_headers
from billing.models import Usage
from common.errors import DomainError


class InsufficientCredits(DomainError):
    """The account has too little; `until_refill` is how long it has to wait, if it is refilled."""

    code = "insufficient_credits"
    status = 402
    title = "Insufficient credits"

    def __init__(
        self, message: str, *, until_refill: datetime.timedelta | None = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.until_refill = until_refill

    def as_answered(self) -> DomainError:
        if settings.CREDITS_EXHAUSTED_STATUS != 429:
            return self
        exhausted = CreditsExhausted(self.message, **self.details)
        if self.until_refill is not None:
            exhausted.headers["Retry-After"] = _seconds_past(self.until_refill)
        return exhausted


class CreditsExhausted(DomainError):
    """The same refusal for clients of the original (CREDITS_EXHAUSTED_STATUS=429)."""

    code = "credits_exhausted"
    status = 429
    title = "Credits exhausted"


class QuotaExceeded(DomainError):
    """More calls than a limit lets through; `usage` is what is counted `at` that time."""

    code = "quota_exceeded"
    status = 429
    title = "Quota exceeded"

    def __init__(
        self,
        message: str,
        *,
        usage: Usage,
        at: datetime.datetime,
        resets_at: datetime.datetime,
        **details: Any,
    ) -> None:
        super().__init__(message, **details, resets_at=resets_at)
        self.headers = quota_headers(usage, at) | {"Retry-After": _seconds_past(resets_at - at)}


def _seconds_past(wait: datetime.timedelta) -> str:
    return str(max(int(wait.total_seconds()) + 1, 1))


class AccountFrozen(DomainError):
    code = "account_frozen"
    status = 409
    title = "Account frozen"


class CostInvalid(DomainError):
    """The function that gives a paid view's cost failed on this call, or gave no cost."""

    code = "cost_invalid"
    title = "Cost invalid"


class HoldResolved(DomainError):
    code = "hold_resolved"
    status = 409
    title = "Hold resolved"


class CaptureExceedsHold(DomainError):
    code = "capture_exceeds_hold"
    status = 422
    title = "Capture exceeds hold"


class RefundExceedsOriginal(DomainError):
    code = "refund_exceeds_original"
    status = 422
    title = "Refund exceeds original"


class NotRefundable(DomainError):
    code = "not_refundable"
    status = 422
    title = "Not refundable"


class UnknownTier(DomainError):
    code = "unknown_tier"
    status = 400
    title = "Unknown tier"


class TierInUse(DomainError):
    """Staff meet it in the admin; no route deletes tiers."""

    code = "tier_in_use"
    status = 409
    title = "Tier in use"


class UsageFileInvalid(DomainError):
    code = "usage_file_invalid"
    title = "Invalid usage file"


class AmountTooLarge(DomainError):
    code = "amount_too_large"
    status = 422
    title = "Amount too large"

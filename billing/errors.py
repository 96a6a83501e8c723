"""What stands in the way of an act on usage or credits."""

from common.errors import DomainError


class InsufficientCredits(DomainError):
    """The account has too little; with CREDITS_EXHAUSTED_STATUS=429 as the original answered."""

    code = "insufficient_credits"
    status = 402
    title = "Insufficient credits"


class CreditsExhausted(DomainError):
    """The same refusal for clients of the original (CREDITS_EXHAUSTED_STATUS=429)."""

    code = "credits_exhausted"
    status = 429
    title = "Credits exhausted"


class QuotaExceeded(DomainError):
    code = "quota_exceeded"
    status = 429
    title = "Quota exceeded"


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

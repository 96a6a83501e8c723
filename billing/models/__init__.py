"""Usage quotas by tier, and prepaid credits in a ledger whose numbers the database proves.

Usage rows count; the ledger records. Balances move only through entries (triggers.py), entries are
never changed, and all is written by billing/services/.
"""

# In the order in which a writer locks their rows, which is that of the erasure (common/privacy.py).
# ruff: isort: off
from billing.models.tiers import AMOUNT_MAX, GUEST_TIER, LIMIT_MAX, Tier
from billing.models.usage import Usage, UsageIncrement, UsageOverride, day_of, month_of
from billing.models.accounts import CreditAccount, CreditAccountQuerySet
from billing.models.holds import CreditHold, CreditHoldQuerySet, is_open, is_overdue
from billing.models.ledger import (
    TRANSACTION_COLUMNS,
    CreditTransaction,
    CreditTransactionQuerySet,
    LedgerCheckpoint,
    LedgerSeal,
)

__all__ = [
    "AMOUNT_MAX",
    "CreditAccount",
    "CreditAccountQuerySet",
    "CreditHold",
    "CreditHoldQuerySet",
    "CreditTransaction",
    "CreditTransactionQuerySet",
    "GUEST_TIER",
    "LIMIT_MAX",
    "LedgerCheckpoint",
    "LedgerSeal",
    "TRANSACTION_COLUMNS",
    "Tier",
    "Usage",
    "UsageIncrement",
    "UsageOverride",
    "day_of",
    "is_open",
    "is_overdue",
    "month_of",
]

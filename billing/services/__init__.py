"""Every write to usage and credits, one function per act."""

from billing.services.accounts import (
    account_of,
    change_usage,
    expire_all_holds,
    expire_holds,
    freeze_account,
    open_account,
    refuse_erasure_of_frozen,
    settle,
    unfreeze_account,
)
from billing.services.archive import (
    entries_to_archive,
    people_with_entries,
    replace_by_checkpoint,
)
from billing.services.credits import (
    NewTransaction,
    add_transaction,
    add_transactions,
    refund_transaction,
)
from billing.services.holds import (
    Captured,
    capture_hold,
    place_hold,
    release_hold,
)
from billing.services.imports import import_usage
from billing.services.tiers import delete_tier, ensure_tiers, save_tier
from billing.services.usage import forget_increments, increment_usage, open_usage

__all__ = [
    "Captured",
    "NewTransaction",
    "account_of",
    "add_transaction",
    "add_transactions",
    "capture_hold",
    "change_usage",
    "delete_tier",
    "ensure_tiers",
    "entries_to_archive",
    "expire_all_holds",
    "expire_holds",
    "forget_increments",
    "freeze_account",
    "import_usage",
    "increment_usage",
    "open_account",
    "open_usage",
    "people_with_entries",
    "place_hold",
    "refund_transaction",
    "refuse_erasure_of_frozen",
    "release_hold",
    "replace_by_checkpoint",
    "save_tier",
    "settle",
    "unfreeze_account",
]

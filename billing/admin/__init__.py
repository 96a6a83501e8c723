"""Usage and credits as staff see them: accounts, the ledger, holds and tiers.

Rows are read; what staff do to an account is a named action (actions.py), a form with a reason.
Only tiers, which are templates, are edited.
"""

from billing.admin import accounts, holds, ledger, tiers, usage

__all__ = ["accounts", "holds", "ledger", "tiers", "usage"]

"""What `class Privacy` of the tables cannot say: see PrivacyHooks (common/privacy.py)."""

from billing.services import accounts
from common.privacy import PrivacyHooks

HOOKS = PrivacyHooks(refuse_unless_overruled=accounts.refuse_erasure_of_frozen)

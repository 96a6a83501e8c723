"""What `class Privacy` of the tables cannot say: see PrivacyHooks (common/privacy.py)."""

from access.services import mentions
from common.privacy import PrivacyHooks

HOOKS = PrivacyHooks(count_mentions=mentions.count_mentions, erase_mentions=mentions.erase_mentions)

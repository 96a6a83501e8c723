"""What `class Privacy` of the tables cannot say: see PrivacyHooks (common/privacy.py)."""

from common.privacy import PrivacyHooks
from querycache.services import mentions

HOOKS = PrivacyHooks(
    also_export=mentions.names_for,
    count_mentions=mentions.count_mentions,
    erase_mentions=mentions.erase_mentions,
)

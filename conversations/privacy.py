"""What `class Privacy` of the tables cannot say: see PrivacyHooks (common/privacy.py)."""

from functools import partial

from common.privacy import PrivacyHooks
from conversations.models import Conversation, Message
from conversations.services import legal_hold
from conversations.triggers import purge_deleted_terms

HOOKS = PrivacyHooks(
    refuse_erasure=legal_hold.refuse_erasure,
    after_erasure=partial(purge_deleted_terms, [Conversation, Message]),
)

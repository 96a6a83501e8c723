"""What `class Privacy` of the tables cannot say: see PrivacyHooks (common/privacy.py)."""

from common.privacy import PrivacyHooks
from consent import reports

HOOKS = PrivacyHooks(also_export=reports.texts_agreed_to)

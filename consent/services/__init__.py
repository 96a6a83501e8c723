"""Every write to consent, one function per act."""

from consent.services.answers import ConsentDecision, Recorded, record_answers
from consent.services.expiry import record_expired
from consent.services.imports import ImportedConsent, store_imported
from consent.services.texts import delete_purpose, ensure_purposes, normalised, publish_policy

__all__ = [
    "ConsentDecision",
    "ImportedConsent",
    "delete_purpose",
    "ensure_purposes",
    "normalised",
    "publish_policy",
    "Recorded",
    "record_answers",
    "record_expired",
    "store_imported",
]

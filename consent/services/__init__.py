"""Every write to consent, one function per act."""

from consent.services.answers import Answer, Recorded, record_answers
from consent.services.expiry import record_expired
from consent.services.imports import ImportedConsent, store_imported
from consent.services.texts import delete_purpose, ensure_purposes, normalised, publish_policy

__all__ = [
    "Answer",
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

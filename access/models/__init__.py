"""Persons, who may call for them, and what staff read and did."""

from access.models.keys import ApiKey, RequestRate
from access.models.persons import (
    PERSON_NAME,
    REFERENCE_NAME_MAX_LENGTH,
    REFERENCE_VALUE_MAX_LENGTH,
    REFERENCES_MAX,
    ErasedPerson,
    Person,
    PersonalQuerySet,
    PersonField,
    PersonKey,
    PersonMove,
    PersonReference,
)
from access.models.staff import StaffAction, StaffActionMention, StaffReading

__all__ = [
    "PERSON_NAME",
    "REFERENCES_MAX",
    "REFERENCE_NAME_MAX_LENGTH",
    "REFERENCE_VALUE_MAX_LENGTH",
    "ApiKey",
    "ErasedPerson",
    "Person",
    "PersonField",
    "PersonKey",
    "PersonMove",
    "PersonReference",
    "PersonalQuerySet",
    "RequestRate",
    "StaffAction",
    "StaffActionMention",
    "StaffReading",
]

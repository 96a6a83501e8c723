"""The events that are attacked with raw SQL, and the attacks by the trigger that keeps each off."""

from typing import Any

from django.db import connection

from access.models import Person
from consent.models import (
    ConsentChain,
    ConsentEvent,
    ConsentState,
    PolicyVersion,
)
from tests.consent.answers import DAY, MOMENT, publish, say

SQLITE = connection.vendor == "sqlite"
TRUE, FALSE = ("1", "0") if SQLITE else ("true", "false")
EVENT, CHAIN, STATE, TEXT = (
    model._meta.db_table for model in (ConsentEvent, ConsentChain, ConsentState, PolicyVersion)
)
# What refuses as well, since TRUNCATE … CASCADE reaches these tables, too.
BEHIND = {
    "consent_consentevent_no_replace": ["consent_consentstate_no_replace"],
    "consent_policyversion_no_replace": [
        "consent_consentevent_no_replace",
        "consent_consentstate_no_replace",
    ],
}
UID = "'0190a0b000007000800000000000000f'" if SQLITE else "'0190a0b0-0000-7000-8000-00000000000f'"
TIME = "'2026-03-12 12:00:00'"


def is_of(name: str) -> str:
    """The condition for the rows of somebody, who may have been erased since."""
    return f"person_id = {person(name)}"


def person(name: str) -> str:
    return f"(SELECT id FROM access_person WHERE '{name}' IN (user_id, erased_as))"


LAST_HASH = f"(SELECT last_hash FROM {CHAIN} WHERE {is_of('ann')})"
ZEROES = f"'{'0' * 64}'"
HASH = f"'{'a' * 64}'"
MARKETING = f"(SELECT id FROM {TEXT} WHERE purpose = 'marketing')"
TRAINING = f"(SELECT id FROM {TEXT} WHERE purpose = 'training_use')"


def write_events() -> None:
    """Ann's three events, of two purposes, and Bob's one; two texts."""
    Person.objects.get_or_create(user_id="eve")
    publish()
    publish("training_use", 2)
    say("terms", evidence={"a": 1}, reason="asked")
    say("marketing", version=1, evidence={"a": 1})
    say("marketing", granted=False, at=MOMENT + DAY)
    say("terms", user_id="bob")
    # PostgreSQL: a table whose foreign keys still wait to be checked is not truncated anyhow.
    connection.check_constraints()


def insert(table: str, values: dict[str, Any], how: str = "") -> str:
    told = ", ".join(str(value) for value in values.values())
    return f"INSERT {how} INTO {table} ({', '.join(values)}) VALUES ({told})"


def event(how: str = "", **values: Any) -> str:
    """Ann's next event as the database would take it, but for `values`."""
    right = {
        "uid": UID, "person_id": person("ann"), "sequence": 4, "purpose": "'marketing'",
        "action": "'given'", "granted": TRUE, "policy_version_id": "NULL", "text_sha256": "''",
        "source": "'api'", "method": "''", "actor": "'eve'", "reason": "''", "evidence": "'{}'",
        "details_hmac": "''", "recorded_at": TIME, "expires_at": "NULL",
        "previous_hash": LAST_HASH, "hash": HASH,
    }  # fmt: skip
    return insert(EVENT, right | values, how)


def chain(how: str = "", **values: Any) -> str:
    right = {
        "person_id": person("eve"), "salt": HASH, "reference": HASH, "last_sequence": 0,
        "last_hash": ZEROES,
    }  # fmt: skip
    return insert(CHAIN, right | values, how)


def state(how: str = "", **values: Any) -> str:
    right = {
        "person_id": person("ann"), "purpose": "'privacy'", "granted": TRUE,
        "event_id": f"(SELECT id FROM {EVENT} WHERE {is_of('ann')} AND sequence = 2)",
        "policy_version_id": "NULL", "since": TIME, "expires_at": "NULL",
    }  # fmt: skip
    return insert(STATE, right | values, how)


def text(how: str = "", **values: Any) -> str:
    right = {
        "purpose": "'marketing'", "version": 2, "locale": "'en'", "text": "'a text'",
        "text_sha256": HASH, "material": FALSE, "published_at": TIME,
    }  # fmt: skip
    return insert(TEXT, right | values, how)


def change(table: str, what: str, where: str = is_of("ann"), how: str = "") -> str:
    return f"UPDATE {how} {table} SET {what} WHERE {where}"


def remove(table: str, where: str = is_of("ann")) -> str:
    return f"DELETE FROM {table} WHERE {where}"


SECOND = f"{is_of('ann')} AND sequence = 2"
ATTACKS: dict[str, dict[str, str]] = {
    "consent_consentevent_apply": {
        "a gap": event(sequence=5),
        "a sequence that stands": event(sequence=0),
        "a wrong link": event(previous_hash=ZEROES),
        "the link of an event before": event(
            previous_hash=f"(SELECT hash FROM {EVENT} WHERE {SECOND})"
        ),
        "another's link": event(
            previous_hash=f"(SELECT last_hash FROM {CHAIN} WHERE {is_of('bob')})"
        ),
        "a person's without a chain": event(
            person_id=person("eve"), sequence=1, previous_hash=ZEROES
        ),
        "a text of another purpose": event(
            policy_version_id=TRAINING,
            text_sha256=f"(SELECT text_sha256 FROM {TEXT} WHERE purpose = 'training_use')",
        ),
        "a text with another's hash": event(policy_version_id=MARKETING, text_sha256=HASH),
        "a text that is not": event(policy_version_id=999_999, text_sha256=HASH),
    },
    "consent_consentevent_no_update": {
        "action": change(EVENT, "action = 'withdrawn', granted = " + FALSE, SECOND),
        "sequence": change(EVENT, "sequence = sequence + 100"),
        "time": change(EVENT, "recorded_at = '2020-01-01 00:00:00'"),
        "text": change(EVENT, "policy_version_id = NULL, text_sha256 = ''", SECOND),
        "purpose": change(EVENT, "purpose = 'shared_cache'"),
        "actor": change(EVENT, "actor = 'another'"),
        "reason": change(EVENT, "reason = ''"),
        "evidence": change(EVENT, "evidence = '{}'"),
        "hash": change(EVENT, f"hash = {HASH}", SECOND),
        "previous hash": change(EVENT, f"previous_hash = {HASH}", SECOND),
        "person": change(EVENT, f"person_id = {person('eve')}"),
        "nothing at all": change(EVENT, "actor = actor"),
    },
    "consent_consentevent_no_delete": {
        # Where no state leans on it, so that it is the trigger that refuses.
        "one": remove(EVENT, SECOND),
        "all": remove(EVENT, "id > 0 AND sequence = 2"),
    },
    "consent_policyversion_no_update": {
        "text": change(TEXT, "text = 'another'", "version = 1"),
        "locale": change(TEXT, "locale = 'de'", "version = 1"),
        "hash": change(TEXT, f"text_sha256 = {HASH}", "version = 1"),
        "version": change(TEXT, "version = 9", "version = 1"),
        "purpose": change(TEXT, "purpose = 'terms'", "version = 1"),
        "material": change(TEXT, "material = " + TRUE, "version = 1"),
        "time": change(TEXT, "published_at = '2020-01-01 00:00:00'", "version = 1"),
    },
    "consent_policyversion_no_delete": {"a text nobody agreed to": remove(TEXT, "version = 2")},
    "consent_consentchain_born": {
        "with a sequence": chain(last_sequence=3),
        "with a hash": chain(last_hash=HASH),
    },
    "consent_consentchain_moved": {
        "sequence up": change(CHAIN, "last_sequence = 4"),
        "sequence down": change(CHAIN, "last_sequence = 2"),
        "back to the event before": change(
            CHAIN, f"last_sequence = 2, last_hash = (SELECT hash FROM {EVENT} WHERE {SECOND})"
        ),
        "hash": change(CHAIN, f"last_hash = {HASH}"),
        "salt": change(CHAIN, f"salt = {HASH}"),
        "reference": change(CHAIN, f"reference = {HASH}"),
        "person": change(CHAIN, f"person_id = {person('eve')}"),
        "id": change(CHAIN, "id = id + 1000"),
    },
    "consent_consentchain_no_delete": {"one": remove(CHAIN), "all": remove(CHAIN, "id > 0")},
    "consent_consentstate_born": {
        "of no event": state(),
        "a person's own": state(person_id=person("eve")),
    },
    "consent_consentstate_true": {
        "granted": change(STATE, f"granted = {TRUE}", "purpose = 'marketing'"),
        "not granted": change(STATE, f"granted = {FALSE}", "purpose = 'terms'"),
        "an earlier event": change(
            STATE,
            f"event_id = (SELECT id FROM {EVENT} WHERE {SECOND}), granted = {TRUE},"
            f" policy_version_id = {MARKETING}, since = (SELECT recorded_at FROM {EVENT}"
            f" WHERE {SECOND})",
            "purpose = 'marketing'",
        ),
        "since": change(STATE, "since = '2020-01-01 00:00:00'"),
        "an end": change(STATE, "expires_at = '2036-01-01 00:00:00'"),
        "text": change(STATE, f"policy_version_id = {MARKETING}", "purpose = 'terms'"),
        "purpose": change(STATE, "purpose = 'shared_cache'", "purpose = 'marketing'"),
        "person": change(STATE, f"person_id = {person('eve')}"),
        "id": change(STATE, "id = id + 1000"),
    },
    "consent_consentstate_no_delete": {"one": remove(STATE), "all": remove(STATE, "id > 0")},
}

if SQLITE:
    ATTACKS |= {
        "consent_consentevent_no_replace": {
            "by id": event("OR REPLACE", id=f"(SELECT id FROM {EVENT} WHERE {SECOND})"),
            "by uid": event("OR REPLACE", uid=f"(SELECT uid FROM {EVENT} WHERE {SECOND})"),
        },
        "consent_policyversion_no_replace": {
            "by version": text("OR REPLACE", purpose="'training_use'"),
            "by id": text(
                "OR REPLACE",
                id=f"(SELECT id FROM {TEXT} WHERE purpose = 'training_use')",
                version=7,
            ),
        },
        "consent_consentchain_no_replace": {
            "by person": chain("OR REPLACE", person_id=person("ann")),
            "by id": chain("OR REPLACE", id=f"(SELECT id FROM {CHAIN} LIMIT 1)"),
        },
        "consent_consentstate_no_replace": {
            "by purpose": state(
                "OR REPLACE",
                purpose="'terms'",
                event_id=f"(SELECT id FROM {EVENT} WHERE {is_of('ann')} AND sequence = 1)",
                since=f"(SELECT recorded_at FROM {EVENT} WHERE {is_of('ann')} AND sequence = 1)",
            ),
        },
    }
    ATTACKS["consent_consentevent_no_update"] |= {
        "or replace": change(EVENT, "sequence = 1", SECOND, "OR REPLACE"),
        "or ignore": change(EVENT, "actor = 'x'", SECOND, "OR IGNORE"),
    }
else:
    for table in (EVENT, CHAIN, STATE, TEXT):
        ATTACKS[f"{table}_no_replace"] = {
            "truncate": f"TRUNCATE {table}",
            "truncate cascade": f"TRUNCATE {table} CASCADE",
            "truncate restart": f"TRUNCATE {table} RESTART IDENTITY CASCADE",
        }
    ATTACKS["consent_consentevent_no_update"] |= {
        "upsert": event(sequence=2)
        + " ON CONFLICT (person_id, sequence) DO UPDATE SET actor = 'another'",
    }

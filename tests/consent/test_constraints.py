"""Each CHECK and UNIQUE of consent is met, with the triggers out of the way."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from consent.models import Purpose
from tests.asserts import stored
from tests.consent.answers import execute
from tests.consent.attacks import (
    CHAIN,
    EVENT,
    FALSE,
    HASH,
    STATE,
    TEXT,
    chain,
    change,
    event,
    is_of,
    person,
    state,
    text,
    write_events,
)

pytestmark = pytest.mark.django_db

PAST = "'2020-01-01 00:00:00'"
MET: dict[str, list[str | Callable[[], Any]]] = {
    "consent_purpose_has_a_key_of_its_own": [
        lambda: Purpose.objects.create(key="history", title="x"),
        lambda: Purpose.objects.create(key="", title="x"),
    ],
    "consent_purpose_validity_from_one_day": [
        lambda: Purpose.objects.create(key="x", title="x", default_validity_days=0),
        lambda: Purpose.objects.create(key="x", title="x", default_validity_days=36_501),
    ],
    "consent_policyversion_unique": [text(version=1)],
    "consent_policyversion_from_one": [text(version=0)],
    "consent_policyversion_has_a_text": [text(text="''")],
    "consent_policyversion_hash_is_sha256": [text(text_sha256="'abc'")],
    "consent_chain_one_for_a_person": [chain(person_id=person("ann"))],
    "consent_chain_sequence_not_negative": [chain(last_sequence=-1)],
    "consent_event_sequence_unique": [event(sequence=1)],
    "consent_event_id_unique": [
        event(uid=f"(SELECT uid FROM consent_consentevent WHERE {is_of('ann')} AND sequence = 1)")
    ],
    "consent_event_key_unique_for_caller": [
        f"UPDATE {EVENT} SET idempotency_key = 'k', actor = 'key:tests' WHERE {is_of('ann')}"
    ],
    "consent_event_sequence_from_one": [event(sequence=0)],
    "consent_event_action_says_what_is_granted": [
        event(granted=FALSE),
        event(action="'withdrawn'"),
        event(action="'refused'"),
        event(action="'agreed'"),
    ],
    "consent_event_expires_after_it_was_given": [
        event(expires_at=PAST),
        event(action="'expired'", granted=FALSE),
        event(action="'refused'", granted=FALSE, expires_at=PAST),
        event(action="'expired'", granted=FALSE, expires_at="'2036-01-01 00:00:00'"),
    ],
    "consent_event_names_its_text_by_hash": [
        event(text_sha256=HASH),
        event(policy_version_id=f"(SELECT id FROM {TEXT} WHERE purpose = 'marketing')"),
        event(text_sha256="'abc'"),
    ],
    "consent_event_has_source_and_actor": [event(source="'mail'"), event(actor="''")],
    "consent_event_hashes_are_sha256": [event(hash="'a'"), event(previous_hash="''")],
    "consent_state_one_for_a_purpose": [
        state(purpose="'terms'", event_id="(SELECT MAX(id) FROM consent_consentevent) - 2")
    ],
}


@pytest.fixture(autouse=True)
def unguarded() -> None:
    write_events()
    database_triggers.drop(all_triggers("consent"))


@pytest.mark.parametrize("name", MET)
def test_a_constraint_refuses(name: str) -> None:
    for act in MET[name]:
        before = stored()

        with pytest.raises(IntegrityError) as error, transaction.atomic():
            execute(act) if isinstance(act, str) else act()

        columns = name.endswith(
            ("unique", "purpose", "for_caller", "a_person")
        )  # SQLite names the columns of a key
        assert name in str(error.value) or (columns and "UNIQUE" in str(error.value))
        assert stored() == before


def test_every_constraint_is_met() -> None:
    declared = {
        constraint.name
        for model in apps.get_app_config("consent").get_models()
        for constraint in model._meta.constraints
    }

    assert declared == set(MET)


def test_a_second_state_of_an_event_is_refused() -> None:
    with pytest.raises(IntegrityError):
        execute(change(STATE, f"event_id = (SELECT MAX(event_id) FROM {STATE})", "id > 0"))


def test_a_purpose_or_text_that_is_used_stays() -> None:
    for sql in ("DELETE FROM consent_purpose WHERE key = 'terms'", f"DELETE FROM {TEXT}"):
        with pytest.raises(IntegrityError), transaction.atomic():
            execute(sql)
            execute(f"UPDATE {CHAIN} SET id = id WHERE id < 0")
            transaction.get_connection().check_constraints()

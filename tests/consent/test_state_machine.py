"""After any order of acts: state = fold of the events, now and as of every time."""

import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from access.models import Person
from common.errors import DomainError
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from consent import reports
from consent.models import ConsentEvent, ConsentState, Purpose
from consent.services import answers as consent_answers
from consent.services import expiry, imports
from tests.consent.answers import DAY, MOMENT, drift, execute, fold, publish, states

PURPOSES = st.sampled_from(["terms", "marketing", "training_use"])
PERSONS = st.sampled_from(["ann", "bob"])
BOTH = ("ann", "bob")


def shown(folded: dict[str, Any], at: datetime.datetime) -> Any:
    """What counts at that time by the fold, in the shape of `told`."""
    return {
        purpose: (granted and (expires_at is None or expires_at > at), expires_at)
        for purpose, (granted, _, _, _, expires_at) in folded.items()
    }


def told(items: list[dict[str, Any]]) -> Any:
    answered = [one for one in items if one["action_needed"] != "accept"]
    return {one["purpose"]: (one["granted"], one["expires_at"]) for one in answered}


class Consent(RuleBasedStateMachine):
    """Everything that can be said, published, changed and tidied, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.at = MOMENT
        self.said: dict[tuple[str, str], bool] = {}

    def teardown(self) -> None:
        try:
            self.check_every_time()
            assert drift() == []
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @rule(
        user_id=PERSONS,
        answers=st.dictionaries(PURPOSES, st.booleans(), min_size=1, max_size=3),
        stale=st.sampled_from([0, 0, 0, 1]),
    )
    def say(self, user_id: str, answers: dict[str, bool], stale: int) -> None:
        texts = reports.purposes(at=self.at)
        is_bad = answers.get("terms") is False or (stale and any(answers.values()))
        try:
            consent_answers.record_answers(
                user_id=user_id,
                answers=[
                    consent_answers.ConsentDecision(
                        purpose=purpose,
                        granted=granted,
                        version=(texts[purpose]["text_version"] or 0) + stale or None,
                        evidence={"n": len(answers)} if granted else {},
                    )
                    for purpose, granted in answers.items()
                ],
                source="api",
                actor="self",
                at=self.at,
            )
        except DomainError:
            assert is_bad
        else:
            assert not is_bad
            self.said |= {(user_id, purpose): granted for purpose, granted in answers.items()}

    @rule(purpose=PURPOSES, material=st.booleans())
    def publish(self, purpose: str, material: bool) -> None:
        current = reports.purposes(at=self.at)[purpose]["text_version"] or 0
        publish(purpose, current + 1, material=material, at=self.at)

    @rule(purpose=PURPOSES, days=st.sampled_from([None, 1, 30]))
    def change_the_term(self, purpose: str, days: int | None) -> None:
        Purpose.objects.filter(key=purpose).update(default_validity_days=days)

    @rule(limit=st.sampled_from([1, 100]))
    def tidy(self, limit: int) -> None:
        expiry.record_expired(at=self.at, limit=limit)

    @rule(user_id=PERSONS, terms=st.booleans(), marketing=st.booleans())
    def import_(self, user_id: str, terms: bool, marketing: bool) -> None:
        row = imports.ImportedConsent(
            user_id=user_id,
            terms_accepted=terms,
            marketing_consent=marketing,
            said_at=MOMENT - 9 * DAY,
            changed_at=MOMENT - 8 * DAY,
            row_sha256="0" * 64,
        )
        imports.store_imported([row], at=self.at)
        for purpose, answer in (("terms", terms), ("marketing", marketing)):
            self.said.setdefault((user_id, purpose), answer)

    @rule(hours=st.sampled_from([0, 1, 24, 24 * 31]))
    def move_the_clock(self, hours: int) -> None:
        self.at += datetime.timedelta(hours=hours, microseconds=1)

    @invariant()
    def the_state_is_the_fold(self) -> None:
        for user_id in BOTH:
            folded = fold(user_id)
            items = reports.consent_of(user_id, at=self.at)
            assert states(user_id) == folded
            assert told(items) == shown(folded, self.at)
            # A yes was said, and not taken back.
            agreed = [one["purpose"] for one in items if one["granted"]]
            assert all(self.said[user_id, purpose] is True for purpose in agreed)

    def check_every_time(self) -> None:
        """As-of is the fold up to then, at each event's time and at each end."""
        for user_id in BOTH:
            rows = ConsentEvent.objects.filter(person__user_id=user_id)
            ends = rows.exclude(expires_at=None).values_list("expires_at", flat=True)
            for at in {*rows.values_list("recorded_at", flat=True), *ends, self.at}:
                assert told(reports.consent_as_of(user_id, at=at)) == shown(fold(user_id, at), at)


@pytest.mark.django_db
def test_the_state_is_the_fold_of_the_events() -> None:
    bounds = settings(
        max_examples=14,
        stateful_step_count=14,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    run(Consent, settings=bounds)


@pytest.mark.django_db
def test_a_projection_built_from_nothing_is_the_stored_one() -> None:
    publish()
    for user_id in BOTH:
        for step, (purpose, granted) in enumerate(
            [("marketing", True), ("terms", True), ("marketing", False), ("training_use", True)]
        ):
            consent_answers.record_answers(
                user_id=user_id,
                answers=[
                    consent_answers.ConsentDecision(
                        purpose=purpose,
                        granted=granted,
                        version=1 if purpose == "marketing" and granted else None,
                    )
                ],
                source="api",
                actor="self",
                at=MOMENT + step * DAY,
            )
    before = {user_id: states(user_id) for user_id in BOTH}

    database_triggers.drop(all_triggers("consent"))
    execute("DELETE FROM consent_consentstate")
    for user_id in BOTH:
        for purpose, (granted, event, text, since, expires_at) in fold(user_id).items():
            ConsentState.objects.create(
                person=Person.objects.get(user_id=user_id),
                purpose_id=purpose,
                granted=granted,
                event_id=event,
                policy_version_id=text,
                since=since,
                expires_at=expires_at,
            )

    assert {user_id: states(user_id) for user_id in BOTH} == before
    assert drift() == []

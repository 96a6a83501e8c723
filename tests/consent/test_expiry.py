"""A consent ends at its very second, whether or not a job has written it down."""

import datetime

import pytest
from django.utils import timezone

from access.models import Person
from consent import errors, gates, reports
from consent.maintenance import TASKS
from consent.models import ConsentChain, ConsentEvent
from consent.services import expiry
from operations.services import erase_person
from tests.client import ApiClient
from tests.consent.answers import (
    DAY,
    MOMENT,
    SECOND,
    drift,
    events,
    fold,
    item,
    publish,
    say,
    states,
    valid_for,
)
from tests.processes import at_once

pytestmark = pytest.mark.django_db

END = MOMENT + 30 * DAY


@pytest.fixture
def given() -> None:
    """Ann's consent of 30 days."""
    valid_for(30)
    publish()
    say(version=1)


@pytest.mark.usefixtures("given")
class TestAConsent:
    def test_ends_at_its_second(self) -> None:
        before = item(reports.consent_of("ann", at=END - datetime.timedelta(microseconds=1)))
        after = item(reports.consent_of("ann", at=END))

        assert (before["granted"], before["action_needed"]) == (True, "none")
        assert (after["granted"], after["action_needed"]) == (False, "renew")
        assert (before["expires_at"], after["expires_at"], after["since"]) == (END, END, END)

    def test_ends_for_gates_at_its_second(self, settings: object) -> None:
        settings.CONSENT_GATES = ["marketing"]  # type: ignore[attr-defined]
        gates.require_consent("marketing", user_id="ann", at=END - SECOND)

        with pytest.raises(errors.ConsentRequired):
            gates.require_consent("marketing", user_id="ann", at=END)

    def test_ends_for_queries_and_totals(self, person: ApiClient) -> None:
        say("training_use", user_id="bob")
        body = {"user_ids": ["ann"], "purpose": "marketing"}

        [told] = person.post("/consent/query", body).json()["results"]

        assert timezone.now() > END
        assert (told["granted"], told["since"]) == (False, "2026-04-09T12:00:00.123456Z")
        assert item(reports.totals(at=END))["agreeing"] == 0
        assert item(reports.totals(at=END - SECOND))["agreeing"] == 1

    def test_is_given_anew_for_another_term(self) -> None:
        again = say(version=1, at=END + DAY)

        assert (again["granted"], again["expires_at"]) == (True, END + 31 * DAY)
        assert events() == [("marketing", "given"), ("marketing", "given")]

    def test_that_ended_is_refused_not_withdrawn(self) -> None:
        after = say(granted=False, at=END)

        assert events()[-1] == ("marketing", "refused")
        assert (after["expires_at"], after["action_needed"]) == (None, "none")

    def test_keeps_its_end_when_the_purposes_term_changes(self) -> None:
        valid_for(1)

        assert item(reports.consent_of("ann", at=END - SECOND))["granted"] is True


@pytest.mark.usefixtures("given")
class TestTheJob:
    def test_changes_no_answer(self) -> None:
        moments = [MOMENT, END - SECOND, END, END + DAY, END + 400 * DAY]
        before = [reports.consent_of("ann", at=at) for at in moments]
        before_as_of = [reports.consent_as_of("ann", at=at) for at in moments]

        assert expiry.record_expired(at=END + 2 * DAY, limit=10) == 1

        assert [reports.consent_of("ann", at=at) for at in moments[2:]] == before[2:]
        assert [reports.consent_as_of("ann", at=at) for at in moments] == before_as_of
        assert before == before_as_of

    def test_adds_an_event_that_names_the_end_and_the_text(self) -> None:
        expiry.record_expired(at=END + DAY, limit=10)

        event = ConsentEvent.objects.get(sequence=2)
        assert (event.action, event.granted, event.actor, event.source) == (
            "expired", False, "system", "system",
        )  # fmt: skip
        assert (event.recorded_at, event.expires_at) == (END + DAY, END)
        assert event.policy_version is not None and len(event.text_sha256) == 64
        assert states("ann") == fold("ann")
        assert drift() == []

    def test_has_nothing_to_do_a_second_time_or_before_the_end(self) -> None:
        assert expiry.record_expired(at=END - SECOND, limit=10) == 0
        assert expiry.record_expired(at=END, limit=10) == 1
        assert expiry.record_expired(at=END, limit=10) == 0
        assert events() == [("marketing", "given"), ("marketing", "expired")]

    def test_leaves_what_was_withdrawn_or_renewed(self) -> None:
        say(granted=False, at=MOMENT + DAY)
        say(user_id="bob", version=1)
        say(user_id="bob", version=1, at=MOMENT + 20 * DAY)

        assert expiry.record_expired(at=END, limit=10) == 0

    def test_is_registered_and_counts_what_waits(self) -> None:
        [task] = TASKS

        assert (task.waiting(END - SECOND), task.waiting(END)) == (0, 1)
        assert task.tidy(END, 10) == 1
        assert task.waiting(END) == 0

    def test_does_no_more_than_it_is_told(self) -> None:
        valid_for(30, "training_use")
        valid_for(30, "shared_cache")
        for user_id in ("ann", "bob"):
            say("training_use", user_id=user_id)
            say("shared_cache", user_id=user_id)

        counts = [expiry.record_expired(at=END, limit=2) for _ in range(4)]

        assert counts == [2, 2, 1, 0]
        assert drift() == []

    def test_leaves_erased_persons_alone_and_does_the_others(self) -> None:
        say(user_id="bob", version=1)
        person = Person.objects.get(user_id="ann")
        erase_person(user_id="ann", actor="staff:x", at=MOMENT)

        assert TASKS[0].waiting(END) == 1
        assert expiry.record_expired(at=END, limit=10) == 1

        [event] = ConsentEvent.objects.filter(person=person)
        assert event.action == "given"
        assert events("bob")[-1] == ("marketing", "expired")
        assert ConsentChain.objects.count() == 2
        assert drift() == []


@pytest.mark.django_db(transaction=True)
class TestTheJobBesideOthers:
    def test_writes_each_end_once(self) -> None:
        valid_for(30)
        for number in range(12):
            say(user_id=f"person {number}")

        counts = at_once(lambda _: expiry.record_expired(at=END, limit=100), 4)

        assert sum(counts) == 12
        assert ConsentEvent.objects.filter(action="expired").count() == 12
        assert drift() == []

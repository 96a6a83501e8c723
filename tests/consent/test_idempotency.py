"""An answer that is sent again with its key: no second event, whatever was said in between."""

from typing import Any

import pytest
from django.utils import timezone

from access.services import keys
from consent.models import ConsentEvent, ConsentState
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.consent.answers import drift, events, execute, item, publish, say
from tests.processes import CLIENTS, at_once

PATH = "/consent/marketing"
# Each writing route with a body, and what undoes it.
ACTS: dict[str, tuple[str, str, Any]] = {
    "give": ("PUT", PATH, {"method": "checkbox", "evidence": {"form": "a"}}),
    "answers": ("PUT", "/consent", {"purposes": {"marketing": True, "training_use": False}}),
    "withdraw": ("DELETE", PATH, None),
}


def send(client: ApiClient, act: str, key: str = "k") -> Any:
    method, path, body = ACTS[act]
    return client.request(method, path, body, idempotency_key=key)


@pytest.mark.django_db
class TestARetry:
    @pytest.mark.parametrize("act", ACTS)
    def test_gets_the_first_answer_and_writes_nothing(self, person: ApiClient, act: str) -> None:
        say("marketing")
        first = send(person, act)
        before = stored()

        again = send(person, act, '"k"')

        assert (again.status_code, again.json()) == (200, first.json())
        assert again["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first
        assert stored() == before

    @pytest.mark.parametrize("act", ["give", "answers"])
    def test_does_not_undo_a_later_withdrawal(self, person: ApiClient, act: str) -> None:
        first = send(person, act)
        person.delete(PATH)
        before = stored()

        again = send(person, act)

        assert again.json() == first.json()
        assert again["Idempotency-Replayed"] == "true"
        assert stored() == before
        assert item(person.get("/consent").json()["purposes"])["granted"] is False
        assert drift() == []

    def test_of_a_withdrawal_does_not_undo_a_later_consent(self, person: ApiClient) -> None:
        first = send(person, "withdraw")
        person.put(PATH)

        assert send(person, "withdraw").json() == first.json()

        assert events()[-1] == ("marketing", "given")
        assert ConsentState.objects.get().granted

    def test_gets_the_answer_of_then_after_a_newer_text(self, person: ApiClient) -> None:
        publish(version=1)
        body = {"policy_version": 1}
        first = person.put(PATH, body, idempotency_key="k")
        publish(version=2, material=True, text="Newer.", at=timezone.now())

        again = person.put(PATH, body, idempotency_key="k")

        assert (again.status_code, again.json()) == (200, first.json())
        assert item(person.get("/consent").json()["purposes"])["action_needed"] == "update"

    def test_without_a_key_makes_another_event(self, person: ApiClient) -> None:
        person.put(PATH)
        person.put(PATH)

        assert len(events()) == 2


@pytest.mark.django_db
class TestAKey:
    @pytest.mark.parametrize("act", ACTS)
    def test_with_another_request_is_refused(self, person: ApiClient, act: str) -> None:
        person.put(PATH, {"method": "other"}, idempotency_key="k")
        before = stored()

        assert_problem(send(person, act), 422, "idempotency_key_reused")

        assert stored() == before

    @pytest.mark.parametrize("sent", ["", "a b", "x" * 256, "\u00e4"])
    @pytest.mark.parametrize("act", ACTS)
    def test_that_is_none_is_refused(self, person: ApiClient, act: str, sent: str) -> None:
        before = stored()

        assert_problem(send(person, act, sent), 400, "idempotency_key_invalid")

        assert stored() == before

    def test_of_a_refused_answer_stays_free(self, person: ApiClient) -> None:
        publish(version=2)
        refused = person.put(PATH, {"policy_version": 1}, idempotency_key="k")
        assert_problem(refused, 409, "policy_outdated")

        given = person.put(PATH, {"policy_version": 2}, idempotency_key="k")

        assert given.status_code == 200
        assert "Idempotency-Replayed" not in given

    def test_belongs_to_a_caller_and_a_person(self, person: ApiClient, stranger: ApiClient) -> None:
        other = keys.create_key(
            name="other", scopes=["consent:write"], actor="system", at=timezone.now()
        ).key

        for client in (person, stranger, ApiClient(other, "ann")):
            assert "Idempotency-Replayed" not in send(client, "give")

        assert ConsentEvent.objects.count() == 3

    def test_is_never_required(self, person: ApiClient, settings: Any) -> None:
        settings.IDEMPOTENCY_KEY_REQUIRED = True

        assert person.put(PATH).status_code == 200
        assert person.delete(PATH).status_code == 200

    def test_is_in_no_hash_and_no_history(self, person: ApiClient) -> None:
        send(person, "give")
        history = person.get("/consent/history").json()

        assert "idempotency_key" not in history["results"][0]
        assert drift() == []

    def test_goes_with_an_erasure(self, person: ApiClient) -> None:
        send(person, "give")

        person.post("/privacy/erase", {"confirm": "ann"})

        assert list(ConsentEvent.objects.values_list("idempotency_key")) == [(None,)]
        assert "Idempotency-Replayed" not in send(person, "give")
        assert drift() == []

    def test_cannot_be_changed_by_raw_sql(self, person: ApiClient) -> None:
        send(person, "give")

        with pytest.raises(Exception, match="kept as they were made"):
            execute("UPDATE consent_consentevent SET idempotency_key = 'other'")

    def test_costs_one_statement(self, person: ApiClient) -> None:
        person.put(PATH)
        with assert_statements(4):
            person.put(PATH)
        with assert_statements(5):
            person.put(PATH, idempotency_key="k")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first_contact", [True, False])
def test_16_retries_at_once_make_one_event(key: str, is_first_contact: bool) -> None:
    if not is_first_contact:
        say("terms")

    answers = at_once(lambda _: send(ApiClient(key, "ann"), "give"))

    assert [answer.status_code for answer in answers] == [200] * CLIENTS
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer for answer in answers) == CLIENTS - 1
    assert ConsentEvent.objects.filter(purpose="marketing").count() == 1
    assert drift() == []

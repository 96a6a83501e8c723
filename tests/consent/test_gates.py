"""Acts that need consent: services, Django's views, REST framework's views; in every process."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import run_checks

from consent import errors
from consent.checks import check_default_locale, check_gates
from tests import processes
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.consent import gated_urls
from tests.consent.answers import publish, say
from tests.consent.gated_urls import done, keep, nobodys, train

pytestmark = pytest.mark.django_db

ROUTES = ["/api/gated/plain", "/api/gated/class", "/api/gated/viewset"]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = gated_urls.__name__
    done.clear()
    yield


@pytest.fixture
def gates_on(settings: Any) -> None:
    settings.CONSENT_GATES = ["history_storage", "training_use"]


class TestByDefault:
    def test_every_gate_is_open_and_costs_nothing(self) -> None:
        with assert_statements(0):
            assert (keep(user_id="ann"), train(user_id="ann")) == ("kept", "trained")

    @pytest.mark.parametrize("route", ROUTES)
    def test_views_are_open(self, person: ApiClient, route: str) -> None:
        assert person.get(route).status_code == 200

    def test_a_view_of_djangos_own_costs_nothing(self, person: ApiClient) -> None:
        with assert_statements(0):
            assert person.get("/api/gated/plain").content == b"plain"


@pytest.mark.usefixtures("gates_on")
class TestAGatedService:
    def test_is_refused_without_consent_and_does_nothing(self) -> None:
        publish("history_storage", 3)
        before = stored()

        with pytest.raises(errors.ConsentRequired) as refusal:
            train(user_id="ann")

        assert refusal.value.details == {
            "purposes": [
                {"purpose": "history_storage", "policy_version": 3},
                {"purpose": "training_use", "policy_version": None},
            ]
        }
        assert done == []
        assert stored() == before

    def test_runs_with_consent_at_one_statement(self) -> None:
        say("history_storage")

        with assert_statements(1):
            assert keep(user_id="ann") == "kept"

    def test_of_two_purposes_needs_both_at_one_statement(self) -> None:
        say("history_storage")
        with pytest.raises(errors.ConsentRequired) as refusal:
            train(user_id="ann")
        say("training_use")

        with assert_statements(1):
            train(user_id="ann")

        assert [one["purpose"] for one in refusal.value.details["purposes"]] == ["training_use"]

    def test_asks_only_for_what_is_switched_on(self, settings: Any) -> None:
        settings.CONSENT_GATES = ["history_storage"]
        say("history_storage")

        assert train(user_id="ann") == "trained"

    @pytest.mark.parametrize("last", [False, None])
    def test_is_refused_after_a_withdrawal_or_a_refusal(self, last: bool | None) -> None:
        if last is not None:
            say("history_storage")
        say("history_storage", granted=False)

        with pytest.raises(errors.ConsentRequired):
            keep(user_id="ann")

    def test_does_not_take_another_persons_consent(self) -> None:
        say("history_storage", user_id="bob")

        with pytest.raises(errors.ConsentRequired):
            keep(user_id="ann")

    def test_does_not_take_consent_to_another_purpose(self) -> None:
        say("training_use")

        with pytest.raises(errors.ConsentRequired):
            keep(user_id="ann")

    def test_keeps_an_old_consent_when_a_material_text_is_newer(self) -> None:
        publish("history_storage", 1)
        say("history_storage", version=1)
        publish("history_storage", 2, material=True)

        assert keep(user_id="ann") == "kept"

    def test_without_a_person_is_a_mistake_of_ours(self) -> None:
        say("history_storage", user_id="None")

        with pytest.raises(TypeError):
            nobodys()
        with pytest.raises(TypeError):
            keep(user_id=None)

        assert done == []


@pytest.mark.usefixtures("gates_on")
class TestAGatedView:
    @pytest.mark.parametrize("route", ROUTES)
    def test_answers_with_a_problem_without_consent(self, person: ApiClient, route: str) -> None:
        publish("history_storage", 2)
        before = stored()

        problem = assert_problem(person.get(route), 403, "consent_required")

        assert problem["purposes"] == [{"purpose": "history_storage", "policy_version": 2}]
        assert done == []
        assert stored() == before

    @pytest.mark.parametrize("route", ROUTES)
    def test_answers_with_consent_at_one_statement_more(
        self, person: ApiClient, route: str
    ) -> None:
        say("history_storage")

        with assert_statements(2):
            assert person.get(route).status_code == 200

    def test_takes_the_person_of_the_key_and_not_of_the_address(self, person: ApiClient) -> None:
        say("history_storage", user_id="bob")

        assert_problem(person.get("/api/gated/plain/bob"), 403, "consent_required")

    @pytest.mark.parametrize("route", ROUTES)
    def test_needs_credentials_and_a_person(self, key: str, route: str) -> None:
        assert_problem(ApiClient(None, "ann").get(route), 401, "unauthenticated")
        assert_problem(ApiClient("stw_no", "ann").get(route), 401, "unauthenticated")
        assert_problem(ApiClient(key, None).get(route), 400, "user_id_required")
        assert done == []

    @pytest.mark.parametrize("route", ROUTES)
    def test_says_no_in_the_very_next_request(self, person: ApiClient, route: str) -> None:
        person.put("/consent/history_storage")
        assert person.get(route).status_code == 200

        person.delete("/consent/history_storage")

        assert person.get(route).status_code == 403


@pytest.mark.django_db(transaction=True)
class TestAnotherProcess:
    def test_says_no_in_the_very_next_request(self, person: ApiClient) -> None:
        process = processes.child("tests.consent.asker")
        assert process.stdin is not None and process.stdout is not None
        said = [process.stdout.readline()]

        def ask() -> None:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("ann\n")
            process.stdin.flush()
            said.append(process.stdout.readline())

        ask()
        for _ in range(3):
            person.put("/consent/history_storage")
            ask()
            person.delete("/consent/history_storage")
            ask()
        process.communicate(timeout=60)

        assert [line.strip() for line in said] == ["ready", "no", *["yes", "no"] * 3]


class TestTheSystemChecks:
    def test_are_silent_when_all_is_right(self, settings: Any) -> None:
        settings.CONSENT_GATES = ["history_storage", "shared_cache", "training_use"]

        assert check_gates(None) == [] and check_default_locale(None) == []
        assert not [one for one in run_checks() if (one.id or "").startswith("consent.")]

    def test_name_a_gate_that_nothing_asks_for(self, settings: Any) -> None:
        settings.CONSENT_GATES = ["history_storage", "histroy"]

        [problem] = [one for one in run_checks() if one.id == "consent.E001"]

        assert "histroy" in problem.msg and "history_storage," not in problem.msg
        assert "history_storage" in (problem.hint or "")

    @pytest.mark.parametrize("locale", ["", "e", "english!", "en_US", "EN", "pt-br"])
    def test_name_a_default_locale_that_is_none(self, settings: Any, locale: str) -> None:
        settings.CONSENT_DEFAULT_LOCALE = locale

        assert [one.id for one in run_checks() if one.id == "consent.E002"] == ["consent.E002"]

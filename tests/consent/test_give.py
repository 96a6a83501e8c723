"""Giving, withdrawing and refusing over the API: each makes an event, or is refused whole."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from consent.models import ConsentChain, ConsentEvent
from tests.asserts import assert_problem, stored
from tests.client import ApiClient
from tests.consent.answers import DAY, drift, events, fold, item, publish, say, states, valid_for

pytestmark = pytest.mark.django_db

NEVER = {
    "granted": False,
    "since": None,
    "expires_at": None,
    "policy_version": None,
    "action_needed": "accept",
}


def moment(text: str) -> datetime.datetime:
    assert text.endswith("Z")
    return datetime.datetime.fromisoformat(text)


class TestGiving:
    def test_answers_with_the_item_and_writes_an_event(self, person: ApiClient) -> None:
        text = publish(version=3)
        body = {"policy_version": 3, "method": "checkbox", "evidence": {"form": "Anmeldung ü"}}

        answer = person.put("/consent/marketing", body)

        assert answer.status_code == 200
        given = answer.json()
        assert list(given) == [
            "purpose", "required", "granted", "since", "expires_at", "policy_version",
            "action_needed",
        ]  # fmt: skip
        assert given | {"since": None} == {
            "purpose": "marketing",
            "required": False,
            "granted": True,
            "since": None,
            "expires_at": None,
            "policy_version": 3,
            "action_needed": "none",
        }
        event = ConsentEvent.objects.get()
        assert (event.person.user_id, event.action, event.policy_version) == ("ann", "given", text)
        assert (event.source, event.method, event.actor) == ("api", "checkbox", "key:application")
        assert event.evidence == {"form": "Anmeldung ü"}
        assert moment(given["since"]) == event.recorded_at
        assert item(person.get("/consent").json()["purposes"]) == given

    def test_needs_no_body_where_no_text_is_published(self, person: ApiClient) -> None:
        given = person.put("/consent/training_use").json()

        assert (given["granted"], given["policy_version"]) == (True, None)

    def test_again_makes_another_event(self, person: ApiClient) -> None:
        person.put("/consent/terms")
        person.put("/consent/terms")

        assert events() == [("terms", "given")] * 2
        assert ConsentChain.objects.get().last_sequence == 2

    def test_is_for_a_term_where_the_purpose_has_one(self, person: ApiClient) -> None:
        valid_for(30)

        given = person.put("/consent/marketing").json()

        assert moment(given["expires_at"]) - moment(given["since"]) == 30 * DAY

    @pytest.mark.parametrize("version", [None, 1, 3])
    def test_to_another_text_than_the_current_one_is_refused(
        self, person: ApiClient, version: int | None
    ) -> None:
        publish(version=1)
        text = publish(version=2)
        before = stored()

        answer = person.put("/consent/marketing", {"policy_version": version})

        problem = assert_problem(answer, 409, "policy_outdated")
        assert (problem["purpose"], problem["current_version"]) == ("marketing", 2)
        assert (problem["locale"], problem["text_sha256"]) == ("en", text.text_sha256)
        assert stored() == before

    def test_to_a_text_where_none_is_published_is_refused(self, person: ApiClient) -> None:
        problem = assert_problem(
            person.put("/consent/marketing", {"policy_version": 1}), 409, "policy_outdated"
        )

        assert problem["current_version"] is None
        assert not ConsentChain.objects.exists()

    @pytest.mark.parametrize("purpose", ["unknown", "MARKETING", "42"])
    def test_to_an_unknown_purpose_is_refused(self, person: ApiClient, purpose: str) -> None:
        assert_problem(person.put(f"/consent/{purpose}"), 404, "purpose_unknown")
        assert_problem(person.delete(f"/consent/{purpose}"), 404, "purpose_unknown")
        assert_problem(
            person.put("/consent", {"purposes": {purpose: True}}), 404, "purpose_unknown"
        )
        assert not ConsentChain.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            {"version": 1},
            {"policy_version": "1"},
            {"policy_version": 0},
            {"policy_version": 2**31},
            {"policy_version": True},
            {"policy_version": 1.0},
            {"method": ""},
            {"method": None},
            {"method": 5},
            {"method": "a b"},
            {"method": "button\n"},
            {"method": "ü"},
            {"method": "a" * 51},
            {"evidence": None},
            {"evidence": []},
            {"evidence": "seen"},
            {"evidence": {"a": "x" * 8192}},
            {"evidence": {"a": "ü" * 4096}},
            [],
            "marketing",
        ],
        ids=str,
    )
    def test_with_a_wrong_body_is_refused(self, person: ApiClient, body: Any) -> None:
        assert_problem(person.put("/consent/marketing", body), 400, "invalid_request")
        assert not ConsentChain.objects.exists()

    def test_takes_evidence_up_to_8_kib(self, person: ApiClient) -> None:
        evidence = {"a": "x" * (8192 - len('{"a":""}'))}

        assert person.put("/consent/terms", {"evidence": evidence}).status_code == 200
        assert ConsentEvent.objects.get().evidence == evidence

    @pytest.mark.parametrize("query", ["?locale=e", "?locale=en_US", "?lang=en", "?x"])
    def test_with_a_wrong_query_is_refused(self, person: ApiClient, query: str) -> None:
        for method, path in [
            ("PUT", "/consent/terms"),
            ("DELETE", "/consent/marketing"),
            ("GET", "/consent"),
            ("GET", "/consent/policies"),
        ]:
            assert_problem(person.request(method, path + query), 400, "invalid_request")
        assert not ConsentChain.objects.exists()


class TestWithdrawing:
    def test_holds_at_once(self, person: ApiClient) -> None:
        publish(version=1)
        person.put("/consent/marketing", {"policy_version": 1})

        taken = person.delete("/consent/marketing")

        assert taken.status_code == 200
        assert taken.json() | {"since": None} == {
            "purpose": "marketing", "required": False, **NEVER, "action_needed": "none",
        }  # fmt: skip
        assert taken.json()["since"] is not None
        assert events() == [("marketing", "given"), ("marketing", "withdrawn")]
        assert item(person.get("/consent").json()["purposes"]) == taken.json()

    def test_of_what_was_never_given_is_a_refusal(self, person: ApiClient) -> None:
        person.delete("/consent/marketing")
        person.delete("/consent/marketing")

        assert events() == [("marketing", "refused")] * 2

    def test_keeps_the_consent_in_the_history(self, person: ApiClient) -> None:
        # The original overwrote its one row.
        person.put("/consent/marketing")
        given = person.get("/consent/history").json()["results"]

        person.delete("/consent/marketing")

        assert person.get("/consent/history").json()["results"][:1] == given

    @pytest.mark.parametrize("purpose", ["terms", "privacy"])
    def test_of_a_required_purpose_is_refused_with_what_ends_it(
        self, person: ApiClient, purpose: str
    ) -> None:
        person.put(f"/consent/{purpose}")
        before = stored()

        problem = assert_problem(person.delete(f"/consent/{purpose}"), 422, "purpose_required")
        body = {"purposes": {"marketing": True, purpose: None}}
        assert_problem(person.put("/consent", body), 422, "purpose_required")

        assert "closing the account" in problem["detail"]
        assert problem["purpose"] == purpose
        assert stored() == before

    def test_takes_no_more_than_giving(self, key: str, person: ApiClient) -> None:
        """Requests, fields, headers and rights are counted; GDPR, Article 7(3)."""
        publish(version=1)
        give: dict[str, Any] = {"policy_version": 1}
        withdraw: dict[str, Any] = {}

        given = person.request("PUT", "/consent/marketing", give)
        taken = person.request("DELETE", "/consent/marketing", withdraw or None)

        from consent.api.views import ConsentViewSet

        scopes = ConsentViewSet.required_scopes
        assert (given.status_code, taken.status_code) == (200, 200)
        assert scopes["withdraw"] == scopes["give"]
        assert len(withdraw) <= len(give)
        assert taken.json()["granted"] is False
        assert set(given.json()) == set(taken.json())


class TestSeveral:
    def test_are_answered_in_one_act(self, person: ApiClient) -> None:
        publish("terms", 2)
        person.put("/consent/marketing")
        body = {
            "purposes": {
                "terms": 2, "privacy": True, "marketing": None, "training_use": False,
            },
            "method": "button",
            "evidence": {"form": "sign-up"},
        }  # fmt: skip

        answer = person.put("/consent", body)

        assert answer.status_code == 200
        assert answer.json() == person.get("/consent").json()
        assert answer.json()["user_id"] == "ann"
        granted = {one["purpose"]: one["granted"] for one in answer.json()["purposes"]}
        assert granted == {
            "terms": True,
            "privacy": True,
            "marketing": False,
            "history_storage": False,
            "shared_cache": False,
            "training_use": False,
        }
        assert events()[1:] == [
            ("terms", "given"),
            ("privacy", "given"),
            ("marketing", "withdrawn"),
            ("training_use", "refused"),
        ]
        rows = ConsentEvent.objects.filter(sequence__gt=1)
        assert {(row.method, str(row.evidence)) for row in rows} == {
            ("button", "{'form': 'sign-up'}")
        }
        assert states("ann") == fold("ann")
        assert drift() == []

    @pytest.mark.parametrize(
        ("bad", "status", "code"),
        [
            ({"unknown": True}, 404, "purpose_unknown"),
            ({"privacy": False}, 422, "purpose_required"),
            ({"terms": 1}, 409, "policy_outdated"),
            ({"terms": True}, 409, "policy_outdated"),
            ({"privacy": 1}, 409, "policy_outdated"),
        ],
    )
    def test_are_all_refused_with_one_that_is_bad(
        self, person: ApiClient, bad: dict[str, Any], status: int, code: str
    ) -> None:
        publish("terms", 2)
        before = stored()

        for purposes in ({"marketing": True, **bad}, {**bad, "marketing": True}):
            assert_problem(person.put("/consent", {"purposes": purposes}), status, code)

        assert stored() == before

    @pytest.mark.parametrize(
        "purposes",
        [
            {},
            None,
            [],
            ["marketing"],
            {"marketing": "1"},
            {"marketing": 0},
            {"marketing": -1},
            {"marketing": 1.0},
            {"marketing": 2**31},
            {"marketing": {}},
            {f"p{number}": True for number in range(51)},
        ],
        ids=lambda purposes: str(purposes)[:30],
    )
    def test_in_a_wrong_shape_are_refused(self, person: ApiClient, purposes: Any) -> None:
        problem = assert_problem(
            person.put("/consent", {"purposes": purposes}), 400, "invalid_request"
        )

        assert list(problem["errors"]) == ["purposes"]
        assert not ConsentChain.objects.exists()

    @pytest.mark.parametrize("body", [{}, {"purposes": {"terms": True}, "locale": "en"}, []])
    def test_in_a_wrong_body_are_refused(self, person: ApiClient, body: Any) -> None:
        assert_problem(person.put("/consent", body), 400, "invalid_request")
        assert not ConsentChain.objects.exists()


class TestAnotherPerson:
    def test_sees_and_changes_nothing(self, person: ApiClient, stranger: ApiClient) -> None:
        person.put("/consent/marketing", {"evidence": {"a": 1}})
        before = person.get("/consent").json(), person.get("/consent/history").json()

        theirs = item(stranger.get("/consent").json()["purposes"])
        stranger.put("/consent/marketing")
        stranger.delete("/consent/marketing")

        assert theirs == {"purpose": "marketing", "required": False, **NEVER}
        assert (person.get("/consent").json(), person.get("/consent/history").json()) == before
        assert [row[1] for row in events("bob")] == ["given", "withdrawn"]

    def test_gets_no_page_with_anothers_cursor(
        self, person: ApiClient, stranger: ApiClient
    ) -> None:
        person.put("/consent/terms")
        person.put("/consent/terms")
        stranger.put("/consent/privacy")
        following = person.get("/consent/history?limit=1").json()["next"]

        page = stranger.get(following.partition("/api/v1")[2]).json()

        assert [row["purpose"] for row in page["results"]] in ([], ["privacy"])
        assert page["reference"] != person.get("/consent/history").json()["reference"]

    @pytest.mark.parametrize("name", ["user_id", "userId", "person", "subject"])
    def test_cannot_be_named_in_a_body_or_query(self, person: ApiClient, name: str) -> None:
        say(user_id="bob")
        before = stored()

        answers = [
            person.put("/consent/marketing", {name: "bob"}),
            person.put("/consent", {"purposes": {"marketing": None}, name: "bob"}),
            person.delete(f"/consent/marketing?{name}=bob"),
            person.get(f"/consent?{name}=bob"),
            person.get(f"/consent/history?{name}=bob"),
            person.get(f"/consent/as-of?at=2026-01-01T00:00:00Z&{name}=bob"),
        ]

        assert [answer.status_code for answer in answers] == [400] * len(answers)
        assert stored() == before

    def test_that_was_erased_cannot_be_named(self, key: str) -> None:
        erased = ApiClient(key, "erased-0f63c050-e27d-485c-be80-48a12fdc445b")

        assert erased.get("/consent").status_code == 400
        assert erased.put("/consent/terms").status_code == 400


def test_times_are_in_utc_to_the_microsecond(person: ApiClient) -> None:
    before = timezone.now()

    since = person.put("/consent/terms").json()["since"]

    assert before <= moment(since) <= timezone.now()

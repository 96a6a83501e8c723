"""What is shown: the texts and locales, what is asked for, the history, as-of, and the query."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from access import actors, authentication
from access.scopes import SCOPES
from common.models import iso_time
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.consent.answers import DAY, MOMENT, SECOND, events, item, publish, say, valid_for

pytestmark = pytest.mark.django_db

KEY = 1


def shown(person: ApiClient, purpose: str = "marketing", query: str = "") -> dict[str, Any]:
    return item(person.get(f"/consent{query}").json()["purposes"], purpose)


def needed(person: ApiClient, query: str = "") -> tuple[bool, str]:
    one = shown(person, query=query)
    return one["granted"], one["action_needed"]


class TestActionNeeded:
    def test_is_accept_until_an_answer(self, person: ApiClient) -> None:
        assert {one["action_needed"] for one in person.get("/consent").json()["purposes"]} == {
            "accept"
        }
        person.delete("/consent/marketing")
        assert needed(person) == (False, "none")

    def test_is_update_with_a_newer_material_text_while_the_old_grant_holds(
        self, person: ApiClient
    ) -> None:
        publish(version=1)
        person.put("/consent/marketing", {"policy_version": 1})
        publish(version=2)
        after_a_small_change = needed(person)
        publish(version=3, material=True)
        after_a_material_one = needed(person)
        publish(version=4)
        after_another = needed(person)
        person.put("/consent/marketing", {"policy_version": 4})

        assert after_a_small_change == (True, "none")
        assert after_a_material_one == after_another == (True, "update")
        assert needed(person) == (True, "none")

    def test_is_none_for_a_newer_text_after_a_no(self, person: ApiClient) -> None:
        person.delete("/consent/marketing")
        publish(version=1, material=True)

        assert needed(person) == (False, "none")

    def test_is_update_for_the_first_material_text_after_consent_without_one(
        self, person: ApiClient
    ) -> None:
        person.put("/consent/marketing")
        publish(version=1, material=True)

        assert needed(person) == (True, "update")

    def test_is_renew_after_the_end(self, person: ApiClient) -> None:
        valid_for(30)
        say(at=MOMENT)

        assert needed(person) == (False, "renew")


class TestLocales:
    @pytest.fixture(autouse=True)
    def texts(self) -> None:
        publish(version=1, locale="en")
        publish(version=2, locale="en")
        publish(version=3, locale="de")
        publish(version=4, locale="pt-BR")
        publish("terms", 5, locale="fr")

    @pytest.mark.parametrize(
        ("locale", "version"),
        [
            ("en", 2),
            ("en-GB", 2),
            ("de-CH", 3),
            ("DE-ch", 3),
            ("pt-BR", 4),
            ("pt-br", 4),
            ("pt", 2),
            ("ja", 2),
        ],
    )
    def test_fall_back_to_the_language_then_to_the_default(
        self, person: ApiClient, locale: str, version: int
    ) -> None:
        texts = person.get(f"/consent/policies?locale={locale}").json()["results"]
        given = person.put(f"/consent/marketing?locale={locale}", {"policy_version": version})

        told = {text["purpose"]: (text["version"], text["locale"]) for text in texts}
        assert told["marketing"][0] == version
        assert told["terms"] == (5, "fr")
        assert given.json()["policy_version"] == version

    def test_without_one_are_the_default(self, person: ApiClient, settings: Any) -> None:
        settings.CONSENT_DEFAULT_LOCALE = "de"

        [text] = [
            text
            for text in person.get("/consent/policies").json()["results"]
            if text["purpose"] == "marketing"
        ]

        assert (text["version"], text["locale"]) == (3, "de")

    def test_of_another_text_are_told_on_a_refusal(self, person: ApiClient) -> None:
        answer = person.put("/consent/marketing?locale=de", {"policy_version": 2})

        problem = assert_problem(answer, 409, "policy_outdated")
        assert (problem["current_version"], problem["locale"]) == (3, "de")

    def test_have_one_name_each(self) -> None:
        text = publish("privacy", 1, locale="ZH-hant-tw")

        assert text.locale == "zh-Hant-TW"


class TestPolicies:
    def test_are_the_whole_texts_as_published(self, key: str) -> None:
        text = publish(version=2, text="Äöü\r\n日本\r", material=True)

        answer = ApiClient(key, None).get("/consent/policies")

        assert answer.json() == {
            "results": [
                {
                    "purpose": "marketing",
                    "version": 2,
                    "locale": "en",
                    "text": "Äöü\n日本\n",
                    "text_sha256": text.text_sha256,
                    "published_at": iso_time(MOMENT),
                    "material": True,
                }
            ]
        }

    def test_of_tomorrow_are_not_current_yet(self, person: ApiClient) -> None:
        publish(version=1)
        publish(version=2, at=timezone.now() + DAY)

        assert person.get("/consent/policies").json()["results"][0]["version"] == 1


class TestHistory:
    def test_is_empty_before_any_answer(self, person: ApiClient) -> None:
        answer = person.get("/consent/history").json()

        assert answer == {"reference": None, "results": [], "next": None}

    def test_shows_each_event_in_order_over_pages(self, person: ApiClient) -> None:
        for _ in range(3):
            person.put("/consent/marketing", {"evidence": {"secret": 1}, "method": "button"})
            person.delete("/consent/marketing")

        rows, url = [], "/consent/history?limit=4"
        while url:
            page = person.get(url).json()
            rows += page["results"]
            url = (page["next"] or "").partition("/api/v1")[2]

        assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]
        assert [row["action"] for row in rows] == ["given", "withdrawn"] * 3
        assert list(rows[0]) == [
            "id", "sequence", "purpose", "action", "granted", "policy_version", "text_sha256",
            "source", "method", "actor", "details_hmac", "recorded_at", "expires_at",
            "previous_hash", "hash",
        ]  # fmt: skip
        assert [row["previous_hash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
        assert "secret" not in str(rows)

    @pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?x=1", "?locale=en"])
    def test_refuses_a_wrong_query(self, person: ApiClient, query: str) -> None:
        assert_problem(person.get(f"/consent/history{query}"), 400, "invalid_request")


class TestAsOf:
    def test_tells_each_time_what_counted_then(self, person: ApiClient) -> None:
        publish(version=1)
        say(version=1)
        publish(version=2, material=True, at=MOMENT + DAY)
        say(granted=False, at=MOMENT + 2 * DAY)

        def told(at: datetime.datetime) -> tuple[Any, ...]:
            url = f"/consent/as-of?at={iso_time(at)}"
            one = item(person.get(url).json()["purposes"])
            return one["granted"], one["action_needed"], one["policy_version"]

        assert told(MOMENT - SECOND) == (False, "accept", None)
        assert told(MOMENT) == (True, "none", 1)
        assert told(MOMENT + DAY) == (True, "update", 1)
        assert told(MOMENT + 2 * DAY - SECOND) == (True, "update", 1)
        assert told(MOMENT + 2 * DAY) == (False, "none", None)
        assert told(timezone.now()) == told(MOMENT + 2 * DAY)

    def test_takes_a_time_of_any_zone(self, person: ApiClient) -> None:
        say()
        at = MOMENT.astimezone(datetime.timezone(datetime.timedelta(hours=9)))

        url = f"/consent/as-of?at={at.isoformat().replace('+', '%2B')}"

        assert item(person.get(url).json()["purposes"])["granted"] is True

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "?at=",
            "?at=yesterday",
            "?at=2026-03-10T12:00:00+01:00",
            "?at=2026-13-10T12:00:00Z",
            "?at=0001-01-01T00:00:00%2B14:00",
            "?at=9999-12-31T23:59:59-14:00",
            "?at=2026-03-10T12:00:00Z&x=1",
        ],
    )
    def test_refuses_a_wrong_query(self, person: ApiClient, query: str) -> None:
        assert_problem(person.get(f"/consent/as-of{query}"), 400, "invalid_request")


class TestQuery:
    def test_tells_of_each_person_in_the_order_asked(self, key: str) -> None:
        say(user_id="ann")
        say(user_id="bob", granted=False)
        say("terms", user_id="eve")
        body = {"user_ids": ["eve", "bob", "ann", "nobody", "ann"], "purpose": "marketing"}

        results = ApiClient(key, None).post("/consent/query", body).json()["results"]

        told = [(one["user_id"], one["granted"], one["since"]) for one in results]
        at = iso_time(MOMENT)
        assert told == [
            ("eve", False, None),
            ("bob", False, at),
            ("ann", True, at),
            ("nobody", False, None),
            ("ann", True, at),
        ]
        assert set(results[0]) == {"user_id", "granted", "since", "policy_version"}

    def test_of_1000_persons_is_one_call_and_of_more_is_refused(self, key: str) -> None:
        client = ApiClient(key, None)
        for count, status in ((1000, 200), (1001, 400)):
            body = {"user_ids": [f"u{n}" for n in range(count)], "purpose": "terms"}
            assert client.post("/consent/query", body).status_code == status

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"user_ids": [], "purpose": "terms"},
            {"user_ids": "ann", "purpose": "terms"},
            {"user_ids": [5], "purpose": "terms"},
            {"user_ids": [""], "purpose": "terms"},
            {"user_ids": ["a" * 129], "purpose": "terms"},
            {"user_ids": ["ann", "a\x01"], "purpose": "terms"},
            {"user_ids": ["erased-0f63c050-e27d-485c-be80-48a12fdc445b"], "purpose": "terms"},
            {"user_ids": ["ann"]},
            {"user_ids": ["ann"], "purpose": None},
            {"user_ids": ["ann"], "purpose": "terms", "locale": "en"},
        ],
        ids=str,
    )
    def test_in_a_wrong_shape_is_refused(self, key: str, body: Any) -> None:
        answer = ApiClient(key, None).post("/consent/query", body)

        assert_problem(answer, 400, "invalid_request")

    def test_of_an_unknown_purpose_is_refused(self, key: str) -> None:
        body = {"user_ids": ["ann"], "purpose": "unknown"}

        assert_problem(ApiClient(key, None).post("/consent/query", body), 404, "purpose_unknown")

    def test_is_not_for_persons_with_their_own_token(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        say(user_id="bob")
        caller = authentication.Caller(actor=actors.SELF, scopes=frozenset(SCOPES))
        monkeypatch.setattr(authentication, "caller_of", lambda request: (caller, "ann"))
        body = {"user_ids": ["bob"], "purpose": "marketing"}

        assert_problem(person.post("/consent/query", body), 403, "permission_denied")

        assert person.get("/consent").status_code == 200
        assert person.put("/consent/terms").status_code == 200
        assert events("ann") == [("terms", "given")]


class TestStatements:
    """Fixed, whatever the number of rows; one of each is for the key."""

    @pytest.fixture(params=[1, 40])
    def rows(self, request: Any) -> int:
        for number in range(request.param):
            publish(version=number + 1)
            say(version=number + 1)
            say("terms", user_id=f"person {number}")
        return int(request.param)

    def test_of_a_read_and_of_a_query(self, person: ApiClient, rows: int) -> None:
        costs = {"": 1, "/history": 2, "/as-of?at=2030-01-01T00:00:00Z": 2, "/policies": 2}
        for path, cost in costs.items():
            with assert_statements(KEY + cost):
                assert person.get(f"/consent{path}").status_code == 200, path
        ids = ["ann", *(f"person {number}" for number in range(rows))]
        with assert_statements(KEY + 2):
            person.post("/consent/query", {"user_ids": ids, "purpose": "terms"})

    def test_of_giving_and_withdrawing(self, person: ApiClient, rows: int) -> None:
        with assert_statements(KEY + 3):
            assert person.put("/consent/marketing", {"policy_version": rows}).status_code == 200
        with assert_statements(KEY + 4):
            assert person.delete("/consent/marketing").status_code == 200

    def test_of_a_first_contact(self, key: str) -> None:
        with assert_statements(KEY + 4):
            assert ApiClient(key, "new").put("/consent/marketing").status_code == 200
        with assert_statements(KEY + 4):
            assert ApiClient(key, "newer").delete("/consent/marketing").status_code == 200

    @pytest.mark.parametrize(
        "purposes",
        [
            {"terms": True},
            {
                "terms": True,
                "privacy": True,
                "marketing": None,
                "history_storage": True,
                "shared_cache": None,
                "training_use": True,
            },
        ],
        ids=len,
    )
    def test_of_several(self, person: ApiClient, purposes: dict[str, Any]) -> None:
        person.put("/consent/terms")
        cost = 4 + (None in purposes.values())

        with assert_statements(KEY + cost):
            assert person.put("/consent", {"purposes": purposes}).status_code == 200

    def test_of_a_refusal_write_nothing(self, person: ApiClient) -> None:
        before = stored()

        with assert_statements(KEY + 3):
            person.put("/consent/unknown")

        assert stored() == before

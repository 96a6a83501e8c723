import datetime
import time
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Usage, UsageIncrement
from tests.asserts import assert_problem, stored
from tests.client import ApiClient

pytestmark = pytest.mark.django_db

FIELDS = {
    "user_id", "tier", "daily_used", "daily_limit", "monthly_used", "monthly_limit",
    "total_queries", "daily_resets_at", "monthly_resets_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def within_one_day() -> None:
    """What is counted is forgotten at midnight: no test begins just before it."""
    while midnight() - timezone.now() < datetime.timedelta(seconds=30):
        time.sleep(0.1)


def midnight() -> datetime.datetime:
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=1)


def next_month() -> datetime.datetime:
    first = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + datetime.timedelta(days=32)).replace(day=1)


def as_time(text: str) -> datetime.datetime:
    assert text.endswith("Z")
    return datetime.datetime.fromisoformat(text)


class TestGet:
    def test_opens_the_default_tier_at_first_contact(self, person: ApiClient) -> None:
        answer = person.get("/usage")

        usage = answer.json()
        assert answer.status_code == 200
        assert set(usage) == FIELDS
        assert usage["user_id"] == "ann"
        assert (usage["tier"], usage["daily_limit"], usage["monthly_limit"]) == ("free", 10, 100)
        assert (usage["daily_used"], usage["monthly_used"], usage["total_queries"]) == (0, 0, 0)
        assert as_time(usage["daily_resets_at"]) == midnight()
        assert as_time(usage["monthly_resets_at"]) == next_month()

    def test_shows_what_was_counted(self, person: ApiClient) -> None:
        counted = person.post("/usage/increment", {"amount": 3}).json()

        assert person.get("/usage").json() == counted

    def test_says_null_for_the_unlimited(self, person: ApiClient) -> None:
        answer = person.get("/usage", x_user_tier="enterprise")

        assert (answer.json()["daily_limit"], answer.json()["monthly_limit"]) == (None, None)
        assert "RateLimit" not in answer
        assert "RateLimit-Policy" not in answer

    def test_says_the_rate_limit(self, person: ApiClient) -> None:
        person.post("/usage/increment", {"amount": 3})

        answer = person.get("/usage")

        assert answer["RateLimit-Policy"] == '"daily";q=10;w=86400, "monthly";q=100;w=2592000'
        daily, monthly = answer["RateLimit"].split(", ")
        assert daily.startswith('"daily";r=7;t=')
        assert monthly.startswith('"monthly";r=97;t=')
        assert 0 <= int(daily.rpartition("=")[2]) <= 86_400
        assert 0 <= int(monthly.rpartition("=")[2]) <= 31 * 86_400

    def test_shows_nobody_elses(self, person: ApiClient, stranger: ApiClient) -> None:
        person.post("/usage/increment", {})

        assert stranger.get("/usage").json()["daily_used"] == 0


class TestCheck:
    def test_says_that_calls_are_allowed_and_counts_nothing(self, person: ApiClient) -> None:
        usage = person.get("/usage").json()
        before = stored()

        answer = person.get("/usage/check?amount=10")

        assert answer.json() == usage | {"allowed": True, "reason": None}
        assert "RateLimit" in answer
        assert stored() == before

    def test_asks_for_one_call_by_itself(self, person: ApiClient) -> None:
        person.post("/usage/increment", {"amount": 9})
        assert person.get("/usage/check").json()["allowed"] is True

        person.post("/usage/increment", {})

        assert person.get("/usage/check").json()["allowed"] is False

    def test_names_the_limit_that_is_in_the_way_for_longer(self, person: ApiClient) -> None:
        answer = person.get("/usage/check?amount=101").json()

        assert (answer["allowed"], answer["reason"]) == (False, "monthly")

    def test_names_the_monthly_limit(self, person: ApiClient) -> None:
        person.patch("/usage", {"daily_limit": None, "reason": "a test"})

        answer = person.get("/usage/check?amount=101").json()

        assert (answer["allowed"], answer["reason"]) == (False, "monthly")

    @pytest.mark.parametrize(
        "query",
        ["amount=0", "amount=-1", "amount=a", "amount=1.5", "more=1"]
        + [f"amount={2**31}", f"amount={2**63}", f"amount={10**30}"],
    )
    def test_refuses_another_query(self, person: ApiClient, query: str) -> None:
        answer = person.get(f"/usage/check?{query}")

        problem = assert_problem(answer, 400, "invalid_request")
        assert list(problem["errors"]) == [query.partition("=")[0]]
        assert not Usage.objects.exists()


class TestIncrement:
    def test_counts_one_by_itself(self, person: ApiClient) -> None:
        answer = person.post("/usage/increment")

        usage = answer.json()
        assert answer.status_code == 200
        assert set(usage) == FIELDS
        assert (usage["daily_used"], usage["monthly_used"], usage["total_queries"]) == (1, 1, 1)
        assert answer["RateLimit"].startswith('"daily";r=9;')

    def test_counts_an_amount(self, person: ApiClient) -> None:
        person.post("/usage/increment", {"amount": 4})

        assert person.post("/usage/increment", {"amount": 6}).json()["daily_used"] == 10

    def test_refuses_what_passes_the_daily_limit(self, person: ApiClient) -> None:
        person.post("/usage/increment", {"amount": 9})
        before = stored()

        answer = person.post("/usage/increment", {"amount": 2})

        problem = assert_problem(answer, 429, "quota_exceeded")
        assert (problem["window"], problem["limit"], problem["used"]) == ("daily", 10, 9)
        assert as_time(problem["resets_at"]) == midnight()
        left = (midnight() - timezone.now()).total_seconds()
        assert left <= int(answer["Retry-After"]) <= left + 10
        assert stored() == before

    def test_refuses_what_passes_the_monthly_limit(self, person: ApiClient) -> None:
        person.patch("/usage", {"daily_limit": None, "monthly_limit": 3, "reason": "a test"})
        before = stored()

        answer = person.post("/usage/increment", {"amount": 4})

        problem = assert_problem(answer, 429, "quota_exceeded")
        assert (problem["window"], problem["limit"], problem["used"]) == ("monthly", 3, 0)
        assert as_time(problem["resets_at"]) == next_month()
        assert stored() == before

    def test_refused_at_first_contact_counts_nothing(self, person: ApiClient) -> None:
        for key in ({}, {"idempotency_key": "k"}):
            answer = person.post("/usage/increment", {"amount": 11}, **key)
            assert_problem(answer, 429, "quota_exceeded")

        assert person.get("/usage").json()["total_queries"] == 0
        assert not UsageIncrement.objects.exists()

    def test_counts_without_end_for_the_unlimited(self, person: ApiClient) -> None:
        person.get("/usage", x_user_tier="enterprise")

        for _ in range(3):
            answer = person.post("/usage/increment", {"amount": 2**31 - 1})

        assert answer.json()["total_queries"] == 3 * (2**31 - 1)

    @pytest.mark.parametrize(
        "amount", [0, -1, "1", 1.0, True, None, [1], 2**31, 2**31 + 1, 10**15, 2**63 - 1]
    )
    def test_refuses_another_amount(self, person: ApiClient, amount: Any) -> None:
        answer = person.post("/usage/increment", {"amount": amount})

        problem = assert_problem(answer, 400, "invalid_request")
        assert list(problem["errors"]) == ["amount"]
        assert not Usage.objects.exists()

    def test_refuses_an_amount_beyond_64_bits(self, person: ApiClient) -> None:
        answer = person.post("/usage/increment", raw=b'{"amount": %d}' % 2**64)

        assert_problem(answer, 400, "malformed_json")

    @pytest.mark.parametrize("body", [[], "a", 1, {"amount": 1, "more": 1}, {"at": "2020-01-01"}])
    def test_refuses_another_body(self, person: ApiClient, body: Any) -> None:
        assert_problem(person.post("/usage/increment", body), 400, "invalid_request")
        assert not Usage.objects.exists()


class TestPatch:
    def test_changes_the_tier_and_keeps_the_counters(self, person: ApiClient) -> None:
        person.post("/usage/increment", {"amount": 7})

        answer = person.patch("/usage", {"tier": "pro", "reason": "upgrade"})

        usage = answer.json()
        assert answer.status_code == 200
        assert (usage["tier"], usage["daily_limit"], usage["monthly_limit"]) == ("pro", 100, 3000)
        assert (usage["daily_used"], usage["total_queries"]) == (7, 7)
        assert person.get("/usage").json() == usage

    def test_lowers_a_limit_below_what_is_used(self, person: ApiClient) -> None:
        person.post("/usage/increment", {"amount": 7})

        answer = person.patch("/usage", {"daily_limit": 5, "reason": "abuse"})

        assert (answer.json()["daily_limit"], answer.json()["daily_used"]) == (5, 7)
        assert person.get("/usage")["RateLimit"].startswith('"daily";r=0;')
        refused = person.post("/usage/increment", {})
        assert assert_problem(refused, 429, "quota_exceeded")["used"] == 7

    def test_takes_a_limit_over_the_tiers(self, person: ApiClient) -> None:
        body = {"tier": "pro", "daily_limit": 0, "reason": "paused"}

        usage = person.patch("/usage", body).json()

        assert (usage["daily_limit"], usage["monthly_limit"]) == (0, 3000)
        assert_problem(person.post("/usage/increment", {}), 429, "quota_exceeded")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "reason"),
            ({"tier": "pro"}, "reason"),
            ({"tier": "pro", "reason": ""}, "reason"),
            ({"tier": "pro", "reason": "  "}, "reason"),
            ({"tier": "pro", "reason": 1}, "reason"),
            ({"reason": "r"}, "tier"),
            ({"tier": None, "reason": "r"}, "tier"),
            ({"tier": 1, "reason": "r"}, "tier"),
            ({"daily_limit": -1, "reason": "r"}, "daily_limit"),
            ({"daily_limit": "5", "reason": "r"}, "daily_limit"),
            ({"daily_limit": 1.5, "reason": "r"}, "daily_limit"),
            ({"monthly_limit": 2**31, "reason": "r"}, "monthly_limit"),
            ({"monthly_limit": -1, "reason": "r"}, "monthly_limit"),
            ({"daily_used": 0, "tier": "pro", "reason": "r"}, "daily_used"),
        ],
    )
    def test_refuses_another_body(self, person: ApiClient, body: Any, field: str) -> None:
        problem = assert_problem(person.patch("/usage", body), 400, "invalid_request")

        assert field in problem["errors"]
        assert not Usage.objects.exists()

    def test_refuses_an_unknown_tier(self, person: ApiClient) -> None:
        person.get("/usage")
        before = stored()

        answer = person.patch("/usage", {"tier": "gold", "reason": "r"})

        problem = assert_problem(answer, 400, "unknown_tier")
        assert "pro" in problem["detail"]
        assert stored() == before

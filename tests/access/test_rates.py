"""Request rates: how many requests pass, who is told what, and what it costs."""

import datetime
import logging

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from access import rates
from access.checks import check_rates
from access.models import RequestRate
from access.scopes import SCOPES
from access.services import keys
from common import declarations
from conversations.models import Conversation
from tests.access.issuer import public_pem, rsa_key, token, trusting
from tests.asserts import assert_problem, assert_statements
from tests.client import ApiClient

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def later(seconds: float) -> datetime.datetime:
    return NOON + datetime.timedelta(seconds=seconds)


def of_person(text: str, user_id: str = "ann") -> rates.Bucket:
    rate = rates.rate_of(text)
    assert rate is not None
    return rates.Bucket("person", user_id, 0, rate)


def of_key(text: str, key_id: int = 7) -> rates.Bucket:
    rate = rates.rate_of(text)
    assert rate is not None
    return rates.Bucket("key", "", key_id, rate)


def passing(buckets: list[rates.Bucket], seconds: float, tries: int = 50) -> int:
    """How many requests pass at that time."""
    return sum(rates.count(buckets, at=later(seconds)) is not None for _ in range(tries))


@pytest.mark.django_db
class TestARate:
    @pytest.mark.parametrize("text", ["1/s", "7/s", "10/min", "13/hour", "3/day"])
    def test_lets_its_number_pass_at_once_and_none_more(self, text: str) -> None:
        assert passing([of_person(text)], 0) == int(text.partition("/")[0])

    def test_fills_up_evenly(self) -> None:
        bucket = [of_person("6/min")]
        passing(bucket, 0)

        assert [passing(bucket, at) for at in (9.9, 10, 19.9, 40, 100, 3600)] == [0, 1, 0, 3, 6, 6]

    def test_is_each_persons_and_each_keys_own(self) -> None:
        passing([of_person("3/min"), of_key("5/min")], 0)

        assert passing([of_person("3/min", "bob"), of_key("5/min", 8)], 0) == 3
        assert passing([of_key("5/min")], 0) == 2

    def test_of_a_refused_person_takes_nothing_from_their_key(self) -> None:
        both = [of_key("10/min"), of_person("1/min")]

        assert passing(both, 0, tries=100) == 1
        assert passing([of_key("10/min")], 0) == 9

    def test_of_a_used_up_key_takes_nothing_from_the_person(self) -> None:
        passing([of_key("1/min")], 0)

        assert passing([of_key("1/min"), of_person("4/min")], 0) == 0
        assert passing([of_person("4/min")], 0) == 4

    def test_that_is_used_up_writes_nothing(self) -> None:
        bucket = [of_person("1/min")]
        passing(bucket, 0)
        before = list(RequestRate.objects.values())

        with assert_statements(1):
            assert rates.count(bucket, at=later(1)) is None

        assert list(RequestRate.objects.values()) == before

    def test_keeps_to_its_number_when_a_clock_goes_back(self) -> None:
        bucket = [of_person("5/min")]
        passing(bucket, 0)

        assert passing(bucket, -30) == 0

    @pytest.mark.parametrize("text", ["600", "0/min", "-1/min", "1.5/s", "600/week", " 1/s", "1/"])
    def test_that_is_none_is_named_before_the_start(self, text: str) -> None:
        with override_settings(RATE_LIMIT_KEY=text):
            assert [message.id for message in check_rates(None)] == ["access.E007"]

    def test_that_is_full_again_is_tidied(self) -> None:
        passing([of_person("6/min")], 0, tries=1)
        passing([of_person("6/min", "bob")], 20, tries=1)
        [task] = [
            task for task in declarations.maintenance_tasks() if task.name == "access.request_rates"
        ]

        assert (task.waiting(later(10)), task.tidy(later(10), 100)) == (1, 1)
        assert (task.waiting(later(10)), task.tidy(later(10), 100)) == (0, 0)
        assert RequestRate.objects.get().user_id == "bob"


@pytest.fixture
def ann(key: str) -> ApiClient:
    return ApiClient(key, "ann")


class TestACaller:
    @override_settings(RATE_LIMIT_PERSON="3/hour")
    def test_is_refused_past_the_rate(self, ann: ApiClient, key: str) -> None:
        answers = [ann.post("/conversations", {}) for _ in range(5)]

        assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 2
        problem = assert_problem(answers[-1], 429, "rate_limited")
        told = (problem["limited_by"], problem["limit"], problem["window_seconds"])
        assert told == ("person", 3, 3600)
        assert 1195 <= int(answers[-1]["Retry-After"]) <= 1200
        assert Conversation.objects.count() == 3
        assert ApiClient(key, "bob").get("/conversations").status_code == 200

    @override_settings(RATE_LIMIT_KEY="600/min", RATE_LIMIT_PERSON="3/hour")
    def test_is_told_what_is_left(self, ann: ApiClient) -> None:
        fields = [
            (answer["RateLimit-Policy"], answer["RateLimit"])
            for answer in [ann.get("/conversations") for _ in range(4)]
        ]

        assert {policy for policy, _ in fields} == {'"key";q=600;w=60, "person";q=3;w=3600'}
        assert fields[0][1] == '"key";r=599;t=1, "person";r=2;t=1200'
        assert [state.partition('"person";r=')[2][0] for _, state in fields] == list("2100")

    @override_settings(RATE_LIMIT_PERSON="3/hour")
    def test_is_told_of_quotas_as_well(self, ann: ApiClient) -> None:
        policy = ann.get("/usage")["RateLimit-Policy"]

        assert policy.startswith('"daily";q=10;w=86400, ') and policy.endswith(
            '"person";q=3;w=3600'
        )

    @override_settings(RATE_LIMIT_KEY="2/hour")
    def test_is_counted_by_key_whoever_it_acts_for(self, key: str) -> None:
        statuses = [ApiClient(key, f"p{n}").get("/conversations").status_code for n in range(3)]
        other = keys.create_key(name="other", scopes=SCOPES, actor="system", at=timezone.now()).key

        assert statuses == [200, 200, 429]
        assert ApiClient(other, "ann").get("/conversations").status_code == 200

    @override_settings(RATE_LIMIT_KEY="1/hour", RATE_LIMIT_PERSON="3/hour")
    def test_with_their_own_token_is_counted_as_the_person_alone(self, ann: ApiClient) -> None:
        with trusting(public_pem(rsa_key("one"))):
            own = ApiClient(token(), None)
            statuses = [own.get("/conversations").status_code for _ in range(4)]

        assert statuses == [200, 200, 200, 429]
        # And the same person through an application meets the same rate.
        assert assert_problem(ann.get("/conversations"), 429, "rate_limited")

    def test_takes_no_statement_more_while_rates_are_off(self, ann: ApiClient) -> None:
        with assert_statements(2):
            response = ann.get("/conversations")

        assert "RateLimit" not in response
        assert not RequestRate.objects.exists()

    @override_settings(RATE_LIMIT_KEY="9/hour", RATE_LIMIT_PERSON="1/hour")
    def test_takes_one_statement_more_and_two_when_refused(self, ann: ApiClient) -> None:
        with assert_statements(3):
            ann.get("/conversations")
        with assert_statements(3):
            assert_problem(ann.get("/conversations"), 429, "rate_limited")

    @override_settings(RATE_LIMIT_KEY="1/hour", RATE_LIMIT_PERSON="1/hour")
    def test_who_is_unknown_is_not_counted(self, db: None) -> None:
        for _ in range(3):
            response = ApiClient("stw_unknown_key", "ann").get("/conversations")
            assert_problem(response, 401, "unauthenticated")

        assert not RequestRate.objects.exists()

    @override_settings(RATE_LIMIT_KEY="1/hour")
    def test_reads_the_description_without_a_rate(self, db: None) -> None:
        anybody = ApiClient(None, None)

        assert [anybody.get("/schema").status_code for _ in range(3)] == [200] * 3


@pytest.mark.django_db(transaction=True)
@override_settings(RATE_LIMIT_KEY="1/hour", RATE_LIMIT_PERSON="1/hour")
def test_a_store_that_is_away_stops_nobody(
    ann: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_requestrate RENAME TO gone")
    try:
        with caplog.at_level(logging.WARNING):
            statuses = [ann.get("/conversations").status_code for _ in range(3)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO access_requestrate")

    assert statuses == [200] * 3
    assert "Requests are let through uncounted" in caplog.text


@pytest.mark.django_db
def test_on_postgresql_the_rates_need_not_wait_for_the_log() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = %s", [rates.TABLE])
            assert cursor.fetchone() == ("u",)

"""Days and months of usage, with the clock passed. All in UTC."""

import datetime

import pytest

from billing.errors import QuotaExceeded
from billing.models import CreditAccount, Usage, UsageIncrement, UsageOverride
from billing.services import accounts
from billing.services import usage as billing_usage
from common.errors import IdempotencyKeyReused
from common.idempotency import RequestKey
from tests.asserts import stored
from tests.billing.books import MOMENT, keyed

pytestmark = pytest.mark.django_db

TICK = datetime.timedelta(microseconds=1)


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def count(
    amount: int = 1,
    *,
    at: datetime.datetime = MOMENT,
    tier: str | None = None,
    key: RequestKey | None = None,
) -> Usage:
    return billing_usage.increment_usage(
        user_id="ann", amount=amount, actor="key:tests", at=at, tier=tier, request_key=key
    ).row


def change(**changes: object) -> Usage:
    return accounts.change_usage(
        user_id="ann", changes=changes, reason="a wish", actor="staff:eve", at=MOMENT
    )


def counters() -> tuple[int, int, int]:
    usage = Usage.objects.get(person__user_id="ann")
    return usage.daily_used, usage.monthly_used, usage.total_queries


class TestADay:
    @pytest.mark.parametrize(
        "midnight",
        [
            "2026-03-11T00:00:00",
            "2026-03-29T00:00:00",  # a day on which Europe's clocks change
            "2028-02-29T00:00:00",
            "2028-03-01T00:00:00",
            "2026-03-01T00:00:00",
            "2026-05-01T00:00:00",
            "2027-01-01T00:00:00",
        ],
    )
    def test_begins_at_midnight_in_utc(self, midnight: str) -> None:
        at = utc(midnight)
        count(10, at=at - TICK)
        with pytest.raises(QuotaExceeded) as refusal:
            count(at=at - TICK)

        usage = count(at=at)

        assert refusal.value.details["resets_at"] == at
        assert refusal.value.headers["Retry-After"] == "1"
        assert (usage.daily_used, usage.total_queries) == (1, 11)
        assert usage.last_daily_reset == at.date()

    @pytest.mark.parametrize("hours", [-12, -3.5, 5.75, 14])
    def test_is_the_same_in_every_zone(self, hours: float) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=hours))
        midnight = utc("2026-03-11T00:00:00")
        count(10, at=(midnight - TICK).astimezone(zone))

        usage = Usage.objects.get()

        assert usage.used_today(at=(midnight - TICK).astimezone(zone)) == 10
        assert usage.used_today(at=midnight.astimezone(zone)) == 0
        assert count(10, at=midnight.astimezone(zone)).daily_used == 10

    def test_is_read_as_begun_before_anything_is_counted(self) -> None:
        count(10, at=utc("2026-03-10T23:00:00"))
        usage = Usage.objects.get()

        at = utc("2026-03-11T01:00:00")

        assert (usage.used_today(at=at), usage.used_this_month(at=at)) == (0, 10)
        assert usage.refusing_window(10, at=at) is None
        assert usage.refusing_window(11, at=at) == "daily"

    def test_does_not_come_again_when_the_clock_steps_back(self) -> None:
        count(10, at=utc("2026-03-10T23:59:00"))
        count(4, at=utc("2026-03-11T00:00:01"))

        usage = count(6, at=utc("2026-03-10T23:59:59"))

        assert (usage.daily_used, usage.monthly_used) == (10, 20)
        assert usage.last_daily_reset == datetime.date(2026, 3, 11)
        with pytest.raises(QuotaExceeded) as refusal:
            count(at=utc("2026-03-10T23:59:59"))
        assert refusal.value.details["resets_at"] == utc("2026-03-12T00:00:00")


class TestBothWindows:
    def test_full_name_the_one_that_begins_anew_later(self) -> None:
        change(daily_limit=10, monthly_limit=10)
        at = utc("2026-03-10T12:00:00")
        count(10, at=at)

        with pytest.raises(QuotaExceeded) as refusal:
            count(at=at)

        told = refusal.value.details
        assert (told["window"], told["limit"], told["used"]) == ("monthly", 10, 10)
        assert told["resets_at"] == utc("2026-04-01T00:00:00")
        assert refusal.value.headers["Retry-After"] == str(21 * 86_400 + 12 * 3600 + 1)
        assert Usage.objects.get().refusing_window(1, at=at) == "monthly"
        assert count(at=utc("2026-04-01T00:00:00")).monthly_used == 1

    def test_full_name_the_day_when_the_clock_has_stepped_back(self) -> None:
        change(daily_limit=10, monthly_limit=10)
        count(10, at=utc("2026-03-10T12:00:00"))
        Usage.objects.update(last_daily_reset=datetime.date(2026, 5, 2))

        with pytest.raises(QuotaExceeded) as refusal:
            count(at=utc("2026-03-10T12:00:00"))

        assert refusal.value.details["resets_at"] == utc("2026-05-03T00:00:00")


class TestAMonth:
    @pytest.mark.parametrize(
        ("last", "first"),
        [
            ("2026-01-31", "2026-02-01"),
            ("2026-02-28", "2026-03-01"),
            ("2028-02-29", "2028-03-01"),
            ("2026-04-30", "2026-05-01"),
            ("2026-12-31", "2027-01-01"),
        ],
    )
    def test_begins_on_the_first(self, last: str, first: str) -> None:
        change(daily_limit=None, monthly_limit=100)
        end, begin = utc(f"{last}T23:59:59.999999"), utc(f"{first}T00:00:00")
        Usage.objects.update(
            last_daily_reset=end.date(), last_monthly_reset=end.date().replace(day=1)
        )
        count(100, at=end)
        with pytest.raises(QuotaExceeded) as refusal:
            count(at=end)

        usage = count(at=begin)

        assert refusal.value.details["window"] == "monthly"
        assert refusal.value.details["resets_at"] == begin
        assert (usage.daily_used, usage.monthly_used, usage.total_queries) == (1, 1, 101)

    def test_does_not_begin_on_a_28th(self) -> None:
        count(at=utc("2028-02-28T23:59:59"))

        assert count(at=utc("2028-02-29T00:00:00")).monthly_used == 2

    def test_is_told_from_the_same_month_of_another_year(self) -> None:
        count(5, at=utc("2026-03-10T12:00:00"))

        usage = count(1, at=utc("2027-03-10T12:00:00"))

        assert (usage.daily_used, usage.monthly_used) == (1, 1)

    def test_does_not_come_again_when_the_clock_steps_back(self) -> None:
        change(daily_limit=None, monthly_limit=10)
        count(10, at=utc("2026-04-01T00:00:00"))

        with pytest.raises(QuotaExceeded) as refusal:
            count(at=utc("2026-03-31T23:59:59"))
        assert refusal.value.details["window"] == "monthly"
        assert refusal.value.details["resets_at"] == utc("2026-05-01T00:00:00")

    @pytest.mark.parametrize(
        ("at", "day", "month"),
        [
            ("2026-03-10T12:00:00", "2026-03-11", "2026-04-01"),
            ("2026-12-31T23:59:59", "2027-01-01", "2027-01-01"),
            ("2028-02-28T00:00:00", "2028-02-29", "2028-03-01"),
            ("2026-01-31T00:00:00", "2026-02-01", "2026-02-01"),
        ],
    )
    def test_ends_on_the_next_first(self, at: str, day: str, month: str) -> None:
        usage = count(at=utc(at))

        assert usage.resets_at("daily", at=utc(at)) == utc(f"{day}T00:00:00")
        assert usage.resets_at("monthly", at=utc(at)) == utc(f"{month}T00:00:00")


class TestALimit:
    def test_is_reached_and_not_passed(self) -> None:
        for _ in range(10):
            count()
        before = stored()

        with pytest.raises(QuotaExceeded):
            count()
        assert counters() == (10, 10, 10)
        assert stored() == before

    def test_of_the_month_is_reached_in_ten_days(self) -> None:
        for day in range(1, 11):
            count(10, at=utc(f"2026-03-{day:02}T12:00:00"))

        with pytest.raises(QuotaExceeded) as refusal:
            count(at=utc("2026-03-11T12:00:00"))
        assert refusal.value.details["window"] == "monthly"
        assert counters() == (10, 100, 100)

    def test_of_none_is_no_limit(self) -> None:
        assert count(2**31 - 1, tier="enterprise").daily_used == 2**31 - 1

    def test_of_zero_lets_nothing_pass(self) -> None:
        change(daily_limit=0)

        with pytest.raises(QuotaExceeded):
            count()

    def test_refuses_more_than_a_whole_new_day(self) -> None:
        count(1, at=utc("2026-03-10T12:00:00"))
        before = stored()

        with pytest.raises(QuotaExceeded):
            count(11, at=utc("2026-03-11T12:00:00"))
        assert stored() == before


class TestAChange:
    def test_of_tier_keeps_the_counters(self) -> None:
        count(7)

        usage = change(tier="enterprise")

        assert (usage.tier, usage.daily_limit, usage.monthly_limit) == ("enterprise", None, None)
        assert counters() == (7, 7, 7)

    def test_is_kept_with_reason_and_actor(self) -> None:
        change(tier="pro")
        change(daily_limit=5)
        change(monthly_limit=None)

        rows = UsageOverride.objects.order_by("pk").values_list(
            "tier", "daily_limit", "monthly_limit", "reason", "actor", "created_at"
        )
        assert list(rows) == [
            ("pro", 100, 3000, "a wish", "staff:eve", MOMENT),
            ("pro", 5, 3000, "a wish", "staff:eve", MOMENT),
            ("pro", 5, None, "a wish", "staff:eve", MOMENT),
        ]

    def test_of_limits_opens_no_account(self) -> None:
        change(daily_limit=5)

        assert not CreditAccount.objects.exists()

    def test_holds_for_the_next_call(self) -> None:
        count(10)

        change(daily_limit=11)

        assert count().daily_used == 11
        with pytest.raises(QuotaExceeded):
            count()


class TestAKeyedCall:
    def test_counts_once(self) -> None:
        for _ in range(3):
            count(4, key=keyed("k"))

        assert counters() == (4, 4, 4)
        assert UsageIncrement.objects.count() == 1

    def test_is_replayed_when_the_limit_is_reached(self) -> None:
        count(10, key=keyed("k"))

        assert count(10, key=keyed("k")).daily_used == 10

    def test_is_replayed_on_another_day(self) -> None:
        count(4, key=keyed("k"))

        count(4, at=MOMENT + datetime.timedelta(days=40), key=keyed("k"))

        assert counters() == (4, 4, 4)

    def test_that_is_refused_may_be_tried_again(self) -> None:
        count(10)
        with pytest.raises(QuotaExceeded):
            count(key=keyed("k"))
        assert not UsageIncrement.objects.exists()

        usage = count(at=MOMENT + datetime.timedelta(days=1), key=keyed("k"))

        assert usage.daily_used == 1

    def test_of_another_request_is_refused(self) -> None:
        count(1, key=keyed("k", "one"))

        with pytest.raises(IdempotencyKeyReused):
            count(2, key=keyed("k", "two"))
        assert counters() == (1, 1, 1)

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from billing.models import CreditAccount, Usage
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.importing import run

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()
YESTERDAY = TODAY - datetime.timedelta(days=1)


def usage(**fields: Any) -> dict[str, Any]:
    """A usage file as the original writes it, of a person who used up today."""
    return {
        "user_id": "ann",
        "daily_count": 10,
        "monthly_count": 30,
        "last_daily_reset": TODAY.isoformat(),
        "last_monthly_reset": TODAY.replace(day=1).isoformat(),
        "total_queries": 70,
        "tier": "free",
    } | fields


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    return root


class TestAUsageFile:
    def test_brings_counters_and_their_days(self, tree: Path, person: ApiClient) -> None:
        trees.write(tree, "usage/ann/usage.json", usage())

        code, output, report = run(tree)

        assert (code, report[0]["status"], report[0]["user_id"]) == (0, "created", "ann")
        assert "Usage files among them: 1." in output
        shown = person.get("/usage").json()
        assert (shown["daily_used"], shown["monthly_used"], shown["total_queries"]) == (10, 30, 70)
        assert person.post("/usage/increment", {}).status_code == 429

    def test_of_yesterday_does_not_block_today(self, tree: Path, person: ApiClient) -> None:
        trees.write(tree, "usage/ann/usage.json", usage(last_daily_reset=YESTERDAY.isoformat()))

        run(tree)

        assert person.get("/usage").json()["daily_used"] == 0
        assert person.post("/usage/increment", {}).status_code == 200

    def test_of_last_month_does_not_count_this_month(self, tree: Path, person: ApiClient) -> None:
        file = usage(
            monthly_count=100, last_daily_reset="2025-11-03", last_monthly_reset="2025-11-01"
        )
        trees.write(tree, "usage/ann/usage.json", file)

        run(tree)

        assert person.get("/usage").json()["monthly_used"] == 0

    def test_may_have_the_keys_of_the_design(self, tree: Path, person: ApiClient) -> None:
        file = {
            "user_id": "ann",
            "tier": "pro",
            "daily_used": 3,
            "daily_limit": 120,
            "monthly_used": 40,
            "monthly_limit": 3000,
            "last_reset_daily": TODAY.isoformat(),
            "last_reset_monthly": TODAY.isoformat(),
        }
        trees.write(tree, "usage/ann/usage.json", file)

        run(tree)

        shown = person.get("/usage").json()
        assert (shown["tier"], shown["daily_used"], shown["daily_limit"]) == ("pro", 3, 120)
        assert (shown["monthly_used"], shown["total_queries"]) == (40, 40)

    @pytest.mark.parametrize("limits", [{}, {"daily_limit": 999_999, "monthly_limit": "unlimited"}])
    def test_of_an_enterprise_is_unlimited(
        self, tree: Path, person: ApiClient, limits: dict[str, Any]
    ) -> None:
        trees.write(tree, "usage/ann/usage.json", usage(tier="enterprise", **limits))

        run(tree)

        shown = person.get("/usage").json()
        assert (shown["daily_limit"], shown["monthly_limit"]) == (None, None)

    def test_with_the_text_unlimited_has_the_limits_of_its_tier(
        self, tree: Path, person: ApiClient
    ) -> None:
        limits = {"daily_limit": "unlimited", "monthly_limit": "unlimited"}
        trees.write(tree, "usage/ann/usage.json", usage(tier="pro", **limits))

        run(tree)

        shown = person.get("/usage").json()
        assert (shown["daily_limit"], shown["monthly_limit"]) == (100, 3000)

    @pytest.mark.parametrize(
        "fields",
        [
            {"tier": "gold"},
            {"daily_count": -1},
            {"daily_count": "3"},
            {"monthly_count": 2**40},
            {"last_daily_reset": "soon"},
            {"last_daily_reset": ""},
            {"last_daily_reset": True},
            {"last_daily_reset": ["2026-01-01"]},
            {"last_daily_reset": 20260131},
            {"last_daily_reset": 1e300},
            {"last_daily_reset": (TODAY + datetime.timedelta(days=1)).isoformat()},
            {"last_daily_reset": "2999-01-01T00:00:00Z"},
            {"last_monthly_reset": "2999-01-01"},
            {"daily_count": 3.5},
            {"daily_count": True},
            {"user_id": "bob"},
        ],
    )
    def test_that_makes_no_sense_is_refused(self, tree: Path, fields: dict[str, Any]) -> None:
        trees.write(tree, "usage/ann/usage.json", usage(**fields))

        code, _, report = run(tree)

        assert (code, report[0]["status"]) == (1, "failed")
        assert report[0]["reason"]
        assert not Usage.objects.exists()

    def test_imported_again_changes_nothing(self, tree: Path, person: ApiClient) -> None:
        trees.write(tree, "usage/ann/usage.json", usage(daily_count=1))
        run(tree)
        before = list(Usage.objects.values())

        assert run(tree)[2][0]["status"] == "unchanged"
        assert list(Usage.objects.values()) == before

    @pytest.mark.parametrize(
        ("choice", "status", "code", "used"),
        [("skip", "skipped", 0, 2), ("update", "updated", 0, 1), ("fail", "failed", 1, 2)],
    )
    def test_against_newer_numbers_is_treated_as_told(
        self, tree: Path, person: ApiClient, choice: str, status: str, code: int, used: int
    ) -> None:
        trees.write(tree, "usage/ann/usage.json", usage(daily_count=1))
        run(tree)
        person.post("/usage/increment", {})

        result, _, report = run(tree, "--on-conflict", choice)

        assert (result, report[0]["status"]) == (code, status)
        assert Usage.objects.get().daily_used == used

    def test_dry_run_reports_the_same_and_writes_nothing(self, tree: Path) -> None:
        trees.write(tree, "usage/ann/usage.json", usage())
        trees.write(tree, "usage/ann/usage2.json", usage(daily_count=5))

        dry = run(tree, "--dry-run")

        assert not Usage.objects.exists()
        assert run(tree)[2] == dry[2]
        assert json.dumps(dry[2])


class TestAReset:
    @pytest.mark.parametrize(
        "written",
        [
            "2025-11-03", "20251103", "2025-11-03T23:59:59", "2025-11-03T12:00:00Z",
            "2025-11-02T23:30:00-05:00", "2025-11-04T01:30:00+02:00", 1762171200, 1762171200.5,
            1762171200000,
        ],
    )  # fmt: skip
    def test_is_read_as_a_day_in_utc(self, tree: Path, written: Any) -> None:
        trees.write(tree, "usage/ann/usage.json", usage(last_daily_reset=written))

        code, _, report = run(tree)

        assert code == 0, report
        assert Usage.objects.get().last_daily_reset == datetime.date(2025, 11, 3)

    def test_of_a_month_is_brought_to_utc_before_its_first_is_taken(self, tree: Path) -> None:
        file = usage(last_monthly_reset="2025-10-31T23:30:00-05:00")
        trees.write(tree, "usage/ann/usage.json", file)

        run(tree)

        assert Usage.objects.get().last_monthly_reset == datetime.date(2025, 11, 1)


def test_a_count_may_be_written_as_a_whole_float(tree: Path) -> None:
    file = usage(daily_count=3.0, monthly_count=40.0, total_queries=70.0, daily_limit=999_999.0)
    trees.write(tree, "usage/ann/usage.json", file)

    assert run(tree)[0] == 0

    row = Usage.objects.get()
    assert (row.daily_used, row.monthly_used, row.total_queries) == (3, 40, 70)
    assert row.daily_limit is None


class TestTheTierOfAFile:
    def test_is_that_of_the_account_that_is_opened_later(
        self, tree: Path, person: ApiClient
    ) -> None:
        trees.write(tree, "usage/ann/usage.json", usage(tier="pro"))
        run(tree)

        assert person.get("/credits").json()["tier"] == "pro"
        assert person.get("/credits", x_user_tier="guest").json()["tier"] == "pro"

    def test_that_names_none_is_that_of_the_account(self, tree: Path, person: ApiClient) -> None:
        person.get("/credits", x_user_tier="pro")
        trees.write(tree, "usage/ann/usage.json", usage(tier=None))

        run(tree)

        assert (Usage.objects.get().tier, Usage.objects.get().monthly_limit) == ("pro", 3000)

    @pytest.mark.parametrize(
        ("choice", "statuses", "tiers"),
        [
            ("skip", ("created", "unchanged"), ["guest", "guest"]),
            ("update", ("created", "unchanged"), ["pro", "pro"]),
            ("fail", ("failed", "failed"), ["guest"]),
        ],
    )
    def test_beside_another_one_of_the_account_is_treated_as_told(
        self,
        tree: Path,
        person: ApiClient,
        choice: str,
        statuses: tuple[str, str],
        tiers: list[str],
    ) -> None:
        person.get("/credits", x_user_tier="guest")
        trees.write(tree, "usage/ann/usage.json", usage(tier="pro"))

        found = tuple(run(tree, "--on-conflict", choice)[2][0]["status"] for _ in range(2))

        assert found == statuses
        stored_tiers = [
            *CreditAccount.objects.values_list("tier", flat=True),
            *Usage.objects.values_list("tier", flat=True),
        ]
        assert stored_tiers == tiers

import re
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from access.models import StaffAction
from billing.models import (
    CreditAccount,
    Tier,
)
from billing.services import usage
from tests.billing import books
from tests.billing.pages import TIERS, staff

TIER = {"key": "gold", "name": "Gold", "credit_allowance": "70", "daily_limit": "5",
        "monthly_limit": "", "refill_interval_hours": "12"}  # fmt: skip


@pytest.mark.django_db
class TestTiers:
    @pytest.fixture
    def keeper(self) -> Client:
        return staff("view_tier", "add_tier", "change_tier", "delete_tier")

    def test_are_added_and_changed(self, keeper: Client, account: CreditAccount) -> None:
        standing = books.account()
        keeper.post(f"{TIERS}add/", TIER)
        gold = Tier.objects.get(key="gold")
        keeper.post(f"{TIERS}{gold.pk}/change/", TIER | {"daily_limit": "6", "key": "silver"})
        free = Tier.objects.get(key="free")
        keeper.post(f"{TIERS}{free.pk}/change/", TIER | {"name": "Free", "credit_allowance": "999"})

        gold.refresh_from_db()
        free.refresh_from_db()
        assert (gold.key, gold.daily_limit, gold.monthly_limit) == ("gold", 6, None)
        assert (free.credit_allowance, free.is_default) == (999, True)
        assert books.account().max_credits == standing.max_credits == 50

    def test_say_that_editing_changes_nobody(self, keeper: Client) -> None:
        page = keeper.get(f"{TIERS}{Tier.objects.get(key='pro').pk}/change/").content.decode()

        assert "changes nobody who is here already" in page

    def test_have_one_default_that_another_one_takes_over(self, keeper: Client) -> None:
        pro = Tier.objects.get(key="pro")
        data = TIER | {"key": "pro", "name": "Pro"}

        assert keeper.post(f"{TIERS}{pro.pk}/change/", data | {"make_default": "on"})
        assert [tier.key for tier in Tier.objects.filter(is_default=True)] == ["pro"]

        keeper.post(f"{TIERS}{pro.pk}/change/", data)
        assert [tier.key for tier in Tier.objects.filter(is_default=True)] == ["pro"]

    @pytest.mark.parametrize(
        ("key", "sentence"),
        [("free", "This is the default tier."), ("pro", "People have this tier.")],
    )
    def test_that_are_needed_are_not_deleted(self, keeper: Client, key: str, sentence: str) -> None:
        usage.open_usage(user_id="ann", tier="pro", at=books.MOMENT)
        tier = Tier.objects.get(key=key)

        response = keeper.post(f"{TIERS}{tier.pk}/delete/", {"post": "yes"}, follow=True)

        assert sentence in response.content.decode()
        assert Tier.objects.filter(key=key).exists()
        assert not LogEntry.objects.exists()
        assert not StaffAction.objects.exists()

    def test_that_nobody_has_are_deleted(self, keeper: Client) -> None:
        tier = Tier.objects.create(key="old", name="Old")

        keeper.post(f"{TIERS}{tier.pk}/delete/", {"post": "yes"})

        assert not Tier.objects.filter(key="old").exists()

    def test_are_changed_and_deleted_by_somebody_for_a_reason(self, keeper: Client) -> None:
        keeper.post(f"{TIERS}add/", TIER | {"reason": "A new plan"})
        pk = Tier.objects.get(key="gold").pk
        keeper.post(f"{TIERS}{pk}/delete/", {"post": "yes", "reason": "Nobody wants it"})

        done = StaffAction.objects.order_by("pk").values_list("actor", "action", "reason")
        assert list(done) == [
            ("staff:staff0", "billing.save_tier", "A new plan"),
            ("staff:staff0", "billing.delete_tier", "Nobody wants it"),
        ]
        assert set(StaffAction.objects.values_list("object_id", flat=True)) == {str(pk)}

    def test_change_once_for_one_form(self, keeper: Client) -> None:
        url = f"{TIERS}{Tier.objects.get(key='pro').pk}/change/"
        data = TIER | {"token": uuid.uuid4().hex, "name": "Professional"}
        assert "changed successfully" in keeper.post(url, data, follow=True).content.decode()
        Tier.objects.filter(key="pro").update(name="Pro again")

        again = keeper.post(url, data, follow=True)

        assert again.redirect_chain == [(TIERS, 302)]
        page = again.content.decode()
        assert "It has acted once." in page and "successfully" not in page
        assert Tier.objects.get(key="pro").name == "Pro again"
        assert StaffAction.objects.count() == 1

    @pytest.mark.parametrize("key", ["pro", "free"])
    def test_that_are_saved_as_they_are_leave_no_record(self, keeper: Client, key: str) -> None:
        tier = Tier.objects.get(key=key)
        names = ("daily_limit", "monthly_limit", "credit_allowance", "refill_interval_hours")
        data = {"name": tier.name} | {name: getattr(tier, name) for name in names}

        page = keeper.post(f"{TIERS}{tier.pk}/change/", data | {"reason": "?"}, follow=True)

        assert "Nothing was changed." in page.content.decode()
        assert not StaffAction.objects.exists()

    def test_are_deleted_by_a_page_that_asks_for_the_reason(self, keeper: Client) -> None:
        url = f"{TIERS}{Tier.objects.create(key='old', name='Old').pk}/delete/"
        page = keeper.get(url).content.decode()
        token = re.search(r'name="token" value="([^"]+)"', page)

        assert "Old" in page and 'name="reason"' in page and token
        assert 'name="post" value="yes"' in page and 'class="button danger"' in page
        keeper.post(url, {"post": "yes", "reason": "Nobody wants it", "token": token[1]})

        done = StaffAction.objects.get()
        assert (done.reason, done.token) == ("Nobody wants it", token[1].replace("-", ""))
        assert not Tier.objects.filter(key="old").exists()

    def test_are_not_deleted_many_at_once(self, keeper: Client) -> None:
        pk = Tier.objects.create(key="old", name="Old").pk
        keeper.post(TIERS, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})

        assert Tier.objects.filter(key="old").exists()

    def test_are_only_read_without_permission(self, viewer: Client) -> None:
        pk = Tier.objects.get(key="pro").pk

        assert viewer.get(f"{TIERS}{pk}/change/").status_code == 200
        assert viewer.post(f"{TIERS}{pk}/change/", TIER).status_code == 403
        assert viewer.post(f"{TIERS}add/", TIER).status_code == 403
        assert viewer.post(f"{TIERS}{pk}/delete/", {"post": "yes"}).status_code == 403

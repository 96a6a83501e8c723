import datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from access.models import Person, StaffAction
from access.services import persons
from querycache.models import CacheEntry, Namespace
from tests.browser.conftest import Door, staff

pytestmark = pytest.mark.django_db(transaction=True)

ENTRIES = "/admin/querycache/cacheentry/"
PHONE = {"viewport": {"width": 360, "height": 740}}
LONG = "x" * 120


@pytest.fixture
def keeper(live_server: object) -> User:
    """Staff who may expire and delete what is cached."""
    return staff("kim", "view_cacheentry", "change_cacheentry", "delete_cacheentry")


@pytest.fixture
def entries(live_server: object) -> list[CacheEntry]:
    """Twelve answers for somebody with a long id."""
    persons.meet_persons([LONG])
    now, hour = timezone.now(), datetime.timedelta(hours=1)
    person, namespace = Person.objects.get(), Namespace.objects.get()
    return CacheEntry.objects.bulk_create(
        CacheEntry(
            namespace=namespace, person=person, key_hash=f"{number:064x}", result='"a"',
            byte_size=3, ttl_seconds=3600, epoch=0, created_at=now, fresh_until=now + hour,
            stale_until=now + hour,
        )
        for number in range(12)
    )  # fmt: skip


class TestCachedAnswers:
    @pytest.mark.parametrize("options", [{}, PHONE, PHONE | {"color_scheme": "dark"}])
    def test_are_deleted_once_a_reason_is_given(
        self, door: Door, keeper: User, entries: list[CacheEntry], options: dict[str, object]
    ) -> None:
        visitor = door(keeper, **options)
        page = visitor.open(ENTRIES)
        page.locator("#action-toggle").check()
        page.locator("select[name=action]").select_option("remove")
        page.get_by_role("button", name="Run").click()

        expect(page.get_by_role("heading", name="Delete")).to_be_visible()
        expect(page.get_by_text("12 cache entries")).to_be_visible()
        assert not visitor.scrolls_sideways()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("This field is required.")).to_be_visible()
        page.get_by_label("Reason").fill("A new model")
        page.get_by_role("button", name="Delete").click()

        expect(page.get_by_text("Deleted 12 entries.")).to_be_visible()
        assert not CacheEntry.objects.exists()
        assert set(StaffAction.objects.values_list("actor", "reason")) == {
            ("staff:kim", "A new model")
        }
        assert StaffAction.objects.count() == len(entries)

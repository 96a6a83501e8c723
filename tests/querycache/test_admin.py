"""The cache as staff see it: numbers to set, entries to end, texts only with the permission."""

import re
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from access import staff_views
from access.models import StaffAction, StaffReading
from querycache.models import CacheEntry, Namespace
from querycache.services import counting
from tests.client import ApiClient
from tests.querycache import cache

pytestmark = pytest.mark.django_db

SECRET = "what only Ann was told"


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("meike", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="querycache", codename__in=permissions)
    )
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *arguments: Any) -> Any:
    return client.get(reverse(f"admin:querycache_{name}", args=arguments))


def act(client: Client, model: str, action: str, *pks: int, query: str = "", **values: Any) -> str:
    """Choose the rows, and send the form that is asked for, or these values in its place."""
    url = reverse(f"admin:querycache_{model}_changelist") + query
    asked = client.post(url, {"action": action, "_selected_action": pks} | values, follow=True)
    form = {
        name: re.findall(rf'name="{name}" value="([^"]*)"', asked.content.decode())
        for name in ("action", "select_across", "_selected_action", "token")
    }
    if not form["token"]:
        return asked.content.decode()
    done = client.post(url, form | {"reason": "a new model"} | values, follow=True)
    assert done.status_code == 200
    return done.content.decode()


@pytest.fixture(autouse=True)
def entry(person: ApiClient) -> CacheEntry:
    missed = cache.look_up(person, {"query": "my own words", "context": ["a fact"]})
    cache.store(person, missed["key"], SECRET, lease=missed["lease"]["token"], cost_credits=3,
                tags=["news"])  # fmt: skip
    cache.look_up(person, {"query": "my own words"})
    counting.counted.flush()
    return CacheEntry.objects.get()


class TestNamespaces:
    def test_show_their_numbers(self, entry: CacheEntry) -> None:
        client = staff("view_namespace")

        content = page(client, "namespace_changelist").content.decode()

        assert "1 of 100,000" in content
        assert "0.0 % of 2" in content
        assert page(client, "namespace_change", entry.namespace_id).status_code == 200

    def test_are_changed_by_who_may_and_recorded(self, entry: CacheEntry) -> None:
        client = staff("view_namespace", "change_namespace")
        url = reverse("admin:querycache_namespace_change", args=[entry.namespace_id])
        numbers = {
            "sharing": "private", "default_ttl_seconds": 60, "stale_seconds": 5,
            "max_entries": 10, "max_bytes": 1000, "max_entry_bytes": 100, "ignore_case": True,
        }  # fmt: skip
        once = {"reason": "a new model", "token": uuid.uuid4().hex}

        first = client.post(url, numbers | once, follow=True)
        again = client.post(url, numbers | once, follow=True).content.decode()
        same = client.post(url, numbers | {"reason": "?"}, follow=True).content.decode()

        assert "changed successfully" in first.content.decode()
        assert "It has acted once." in again and "successfully" not in again
        assert "Nothing was changed." in same and "successfully" not in same
        namespace = Namespace.objects.get()
        assert {name: getattr(namespace, name) for name in numbers} == numbers
        assert not LogEntry.objects.exists()
        record = StaffAction.objects.about(namespace).get()
        assert (record.actor, record.action) == ("staff:meike", "querycache.change")
        assert record.sentence.startswith("Changed ignore_case, default_ttl_seconds,")
        assert record.reason == "a new model"

    def test_are_not_changed_again_by_a_form_that_has_acted(self, entry: CacheEntry) -> None:
        client = staff("view_namespace", "change_namespace")
        url = reverse("admin:querycache_namespace_change", args=[entry.namespace_id])
        numbers = {
            "sharing": "private", "default_ttl_seconds": 60, "stale_seconds": 5, "max_entries": 10,
            "max_bytes": 1000, "max_entry_bytes": 100, "token": uuid.uuid4().hex,
        }  # fmt: skip
        client.post(url, numbers)

        page = client.post(url, numbers | {"max_entries": 11}, follow=True).content.decode()

        assert "This form has acted already, with other values." in page
        assert Namespace.objects.get().max_entries == 10
        assert StaffAction.objects.count() == 1

    def test_refuse_numbers_that_contradict_each_other(self, entry: CacheEntry) -> None:
        client = staff("view_namespace", "change_namespace")
        url = reverse("admin:querycache_namespace_change", args=[entry.namespace_id])
        numbers = {
            "sharing": "private", "default_ttl_seconds": 60, "stale_seconds": 5,
            "max_entries": 10, "max_bytes": 1000, "max_entry_bytes": 1001,
        }  # fmt: skip

        response = client.post(url, numbers)

        assert response.status_code == 200
        assert Namespace.objects.get().max_bytes == 1024**3
        assert not LogEntry.objects.exists()

    def test_are_invalidated_by_who_may_change_them(
        self, entry: CacheEntry, person: ApiClient
    ) -> None:
        client = staff("view_namespace", "change_namespace")

        page = act(client, "namespace", "invalidate", entry.namespace_id)

        assert person.get(cache.entry_path(entry.key_hash)).status_code == 404
        assert "Invalidated everything." in page
        record = StaffAction.objects.about(entry.namespace).get()
        assert (record.actor, record.action) == ("staff:meike", "querycache.invalidate")
        assert (record.sentence, record.reason) == ("Invalidated everything.", "a new model")

    def test_are_not_made_or_deleted_there(self, entry: CacheEntry) -> None:
        client = staff("view_namespace", "add_namespace", "delete_namespace")

        assert page(client, "namespace_add").status_code == 403
        assert page(client, "namespace_delete", entry.namespace_id).status_code == 403


class TestEntries:
    def test_are_listed_without_texts(self) -> None:
        client = staff("view_cacheentry", "read_texts")

        for query in ("", "?q=ann", "?namespace=default", "?created=7"):
            response = client.get(reverse("admin:querycache_cacheentry_changelist") + query)
            assert response.status_code == 200
            assert response.context["cl"].result_count == 1
            assert SECRET not in response.content.decode()
        assert not StaffReading.objects.exists()

    def test_are_found_by_whole_keys_and_ids_alone(self, entry: CacheEntry) -> None:
        client = staff("view_cacheentry")
        found = {}

        for term in (entry.key_hash, "ann", "an", entry.key_hash[:12]):
            response = client.get(reverse("admin:querycache_cacheentry_changelist"), {"q": term})
            found[term] = response.context["cl"].result_count

        assert list(found.values()) == [1, 1, 0, 0]

    def test_show_no_texts_without_the_permission(self, entry: CacheEntry) -> None:
        content = page(staff("view_cacheentry"), "cacheentry_change", entry.pk).content.decode()

        assert entry.key_hash in content
        assert "news" in content
        for text in (SECRET, "my own words", "a fact"):
            assert text not in content
        assert not StaffReading.objects.exists()

    def test_show_texts_with_the_permission_and_record_it(self, entry: CacheEntry) -> None:
        client = staff("view_cacheentry", "read_texts")

        content = page(client, "cacheentry_change", entry.pk).content.decode()

        for text in (SECRET, "my own words", "a fact"):
            assert text in content
        reading = StaffReading.objects.get()
        assert (reading.staff, reading.person) == ("staff:meike", entry.person)
        assert reading.what == f"cache entry {entry.key_hash} in default"

    def test_of_nobody_are_recorded_as_shared(self, person: ApiClient) -> None:
        cache.make_namespace("faq", sharing="shared")
        cache.store(person, namespace="faq")
        shared = CacheEntry.objects.get(person=None)

        response = page(staff("view_cacheentry", "read_texts"), "cacheentry_change", shared.pk)

        assert response.status_code == 200
        assert StaffReading.objects.get().kind == StaffReading.Kind.SHARED

    def test_escape_what_they_show(self, person: ApiClient) -> None:
        cache.store(person, result="<script>alert(1)</script>")
        latest = CacheEntry.objects.latest("pk")

        content = page(staff("view_cacheentry", "read_texts"), "cacheentry_change", latest.pk)

        assert "<script>alert(1)" not in content.content.decode()

    def test_texts_alone_open_no_page(self, entry: CacheEntry) -> None:
        response = page(staff("read_texts"), "cacheentry_change", entry.pk)

        assert response.status_code == 403
        assert not StaffReading.objects.exists()

    def test_expire_by_who_may_change_them(self, entry: CacheEntry, person: ApiClient) -> None:
        act(staff("view_cacheentry", "change_cacheentry"), "cacheentry", "expire", entry.pk)

        assert person.get(cache.entry_path(entry.key_hash)).status_code == 404
        assert CacheEntry.objects.count() == 1
        record = StaffAction.objects.about(entry).get()
        assert (record.action, record.person_id) == ("querycache.expire", entry.person_id)
        assert (record.sentence, record.reason) == ("Expired 1 of 1 entries.", "a new model")

    def test_that_have_ended_are_not_ended_again(self, entry: CacheEntry) -> None:
        client = staff("view_cacheentry", "change_cacheentry")
        act(client, "cacheentry", "expire", entry.pk)

        page = act(client, "cacheentry", "expire", entry.pk)

        assert "They have ended already." in page
        assert StaffAction.objects.count() == 1

    def test_beyond_the_most_at_once_are_said_to_stay(
        self, entry: CacheEntry, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.store(person, result="another")
        client = staff("view_cacheentry", "delete_cacheentry")
        url = reverse("admin:querycache_cacheentry_changelist")
        both = {
            "action": "remove",
            "_selected_action": [one.pk for one in CacheEntry.objects.all()],
        }
        rest = "The rest stays as it is."

        assert rest not in client.post(url, both).content.decode()
        monkeypatch.setattr(staff_views, "MOST_AT_ONCE", 1)
        asked = client.post(url, both).content.decode()
        done = act(client, "cacheentry", "remove", *both["_selected_action"])

        assert "1 cache entry" in asked and f"These are the first 1. {rest}" in asked
        assert "Deleted 1 entries." in done
        assert CacheEntry.objects.get() == entry

    def test_are_deleted_by_who_may(self, entry: CacheEntry, person: ApiClient) -> None:
        cache.store(person, result="another")
        entries = list(CacheEntry.objects.all())

        page = act(staff("view_cacheentry", "delete_cacheentry"), "cacheentry", "remove",
                   *(one.pk for one in entries))  # fmt: skip

        assert "Deleted 2 entries." in page
        assert not CacheEntry.objects.exists()
        for one in entries:
            assert StaffAction.objects.about(one).get().reason == "a new model"

    def test_of_the_whole_list_are_those_that_it_is_filtered_by(
        self, entry: CacheEntry, person: ApiClient
    ) -> None:
        cache.make_namespace("faq", sharing="shared")
        cache.store(person, namespace="faq")
        shown = CacheEntry.objects.get(namespace__name="faq")

        page = act(staff("view_cacheentry", "delete_cacheentry"), "cacheentry", "remove",
                   shown.pk, query="?namespace=faq", select_across="1")  # fmt: skip

        assert "Deleted 1 entries." in page
        assert CacheEntry.objects.get() == entry

    @pytest.mark.parametrize("reason", ["", " ", "x" * 2001])
    def test_stay_as_they_are_without_a_reason(self, entry: CacheEntry, reason: str) -> None:
        client = staff("view_cacheentry", "delete_cacheentry")

        page = act(client, "cacheentry", "remove", entry.pk, reason=reason)

        assert "1 cache entry" in page and 'name="reason"' in page
        assert CacheEntry.objects.exists() and not StaffAction.objects.exists()

    def test_are_asked_about_before_anything_is_done(self, entry: CacheEntry) -> None:
        client = staff("view_cacheentry", "delete_cacheentry")
        url = reverse("admin:querycache_cacheentry_changelist")

        client.post(url, {"action": "remove", "_selected_action": [entry.pk]})

        assert CacheEntry.objects.exists() and not StaffAction.objects.exists()

    def test_are_done_with_once_by_one_form(self, entry: CacheEntry, person: ApiClient) -> None:
        cache.store(person, result="another")
        other = CacheEntry.objects.latest("pk")
        client, token = staff("view_cacheentry", "delete_cacheentry"), uuid.uuid4().hex
        act(client, "cacheentry", "remove", entry.pk, token=token)

        again = act(client, "cacheentry", "remove", entry.pk, token=token)
        more = act(client, "cacheentry", "remove", entry.pk, other.pk, token=token)

        assert "It has acted once." in again
        assert "has acted already, with other values" in more
        assert CacheEntry.objects.get() == other
        assert StaffAction.objects.count() == 1

    def test_that_are_gone_by_now_are_not_recorded(self, entry: CacheEntry) -> None:
        client = staff("view_cacheentry", "delete_cacheentry")

        page = act(client, "cacheentry", "remove", 987654)

        assert "is there any more" in page
        assert not StaffAction.objects.exists()

    @pytest.mark.parametrize("action", ["expire", "remove", "delete_selected"])
    def test_stay_as_they_are_for_who_may_only_look(self, entry: CacheEntry, action: str) -> None:
        before = CacheEntry.objects.values().get()

        act(staff("view_cacheentry"), "cacheentry", action, entry.pk)

        assert CacheEntry.objects.values().get() == before
        assert not StaffAction.objects.exists()


def test_statistics_are_listed_by_hour() -> None:
    response = page(staff("view_cachestatistics"), "cachestatistics_changelist")

    assert response.status_code == 200
    assert "default" in response.content.decode()

import csv
import datetime
import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from consent.models import ConsentChain, ConsentEvent, PolicyVersion, Purpose
from tests.asserts import assert_statements
from tests.consent.pages import (
    CONSENT,
    DAY,
    EVENTS,
    PERSONS,
    VIEWS,
    page_of,
    publish,
    say,
    staff,
    stored,
    text_of,
)

pytestmark = pytest.mark.django_db
STATISTICS = f"{EVENTS}statistics/"


@pytest.fixture
def viewer() -> Client:
    return staff(*VIEWS)


def shown(client: Client, **query: str) -> list[str]:
    """The persons in the list of events."""
    page = client.get(EVENTS, query).content.decode()
    return re.findall(r"field-whose[^>]*>\s*([^<\s]+)", page)


def exported(client: Client, **query: str) -> list[dict[str, str]]:
    response: Any = client.get(f"{EVENTS}export.csv", query)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


class TestEvents:
    @pytest.fixture(autouse=True)
    def events(self) -> list[ConsentEvent]:
        now = timezone.now()
        publish(at=now - 50 * DAY)
        publish(purpose="terms", at=now - 50 * DAY)
        return [
            say(True, version=1, at=now - 40 * DAY),
            say(False, user_id="bob", at=now - 20 * DAY),
            say(True, purpose="terms", version=1, user_id="cem", at=now - 2 * DAY),
        ]

    @pytest.mark.parametrize(
        ("query", "persons"),
        [
            ({}, ["cem", "bob", "ann"]),
            ({"purpose": "marketing"}, ["bob", "ann"]),
            ({"purpose": "nothing"}, []),
            ({"action__exact": "given"}, ["cem", "ann"]),
            ({"source__exact": "api"}, ["cem", "bob", "ann"]),
            ({"source__exact": "admin"}, []),
            ({"recorded": "7"}, ["cem"]),
            ({"recorded": "30"}, ["cem", "bob"]),
            ({"q": "bob"}, ["bob"]),
            ({"q": "bo"}, []),
            ({"text": "nonsense"}, ["cem", "bob", "ann"]),
        ],
    )
    def test_are_found_by_what_they_say(
        self, viewer: Client, query: dict[str, str], persons: list[str]
    ) -> None:
        assert shown(viewer, **query) == persons

    def test_are_found_by_text_and_by_id(self, viewer: Client, events: list[ConsentEvent]) -> None:
        assert shown(viewer, text=str(events[0].policy_version_id)) == ["ann"]
        assert shown(viewer, q=str(events[1].uid)) == ["bob"]

    def test_can_be_had_as_csv(self, viewer: Client, events: list[ConsentEvent]) -> None:
        say(False, reason="A secret", evidence={"form": "hidden"})

        rows = exported(viewer, purpose="marketing")

        assert [row["user_id"] for row in rows] == ["ann", "bob", "ann"]
        first = rows[-1]
        assert (first["id"], first["hash"]) == (str(events[0].uid), events[0].hash)
        assert (first["action"], first["granted"]) == ("given", "true")
        assert (first["policy_version"], first["locale"], first["purpose"]) == (
            "1", "en", "marketing",
        )  # fmt: skip
        assert "A secret" not in str(rows) and "hidden" not in str(rows)

    def test_show_everything_on_a_page(self, viewer: Client) -> None:
        event = say(True, version=1, reason="Because & so", evidence={"form": "<i>ä</i>"})

        response = viewer.get(f"{EVENTS}{event.pk}/change/")

        page = text_of(response)
        for words in (str(event.uid), event.hash, event.previous_hash, event.text_sha256,
                      event.details_hmac, "Because &amp; so", "version 1 (en)"):  # fmt: skip
            assert words in page
        assert "&lt;i&gt;ä&lt;/i&gt;" in response.content.decode()
        assert f'href="{page_of()}"' in response.content.decode()


class TestStatistics:
    def test_say_how_many_agree_to_what(self, viewer: Client) -> None:
        for person in ("ann", "bob", "cem"):
            say(True, user_id=person)
        say(False, user_id="cem")
        say(True, purpose="terms", user_id="dee")

        page = text_of(viewer.get(STATISTICS))

        assert "4 persons" in page
        assert "Marketing messages 2 1 1 50.0 %" in page
        assert "Terms of use 1 0 3 25.0 %" in page
        assert "Privacy policy 0 0 4 0.0 %" in page

    def test_tell_the_changes_of_a_period_by_day(self, viewer: Client) -> None:
        now = timezone.now()
        say(True, at=now - 40 * DAY)
        say(True, user_id="bob", at=now - 8 * DAY)
        say(True, user_id="cem", at=now - 8 * DAY)
        say(False, user_id="cem", at=now - datetime.timedelta(microseconds=1))

        def days(query: dict[str, str]) -> list[str]:
            page = text_of(viewer.get(STATISTICS, query))
            return re.findall(r"(\d{4}-\d\d-\d\d marketing [\d–]+)", page)

        def line(ago: int, counts: str) -> str:
            return f"{now - ago * DAY:%Y-%m-%d} marketing {counts}"

        last = line(0, "––1––")
        assert days({"days": "7"}) == [last]
        assert days({"days": "30"}) == days({}) == [last, line(8, "2––––")]
        assert days({"days": "90"}) == [*days({}), line(40, "1––––")]
        assert days({"days": "3000"}) == days({"days": "x"}) == days({})

    def test_are_for_staff_who_may_see_events(self, viewer: Client) -> None:
        say(True)

        assert staff("view_consentchain").get(STATISTICS).status_code == 403
        assert Client().get(STATISTICS).status_code == 302
        assert STATISTICS in viewer.get(EVENTS).content.decode()
        assert STATISTICS in viewer.get(PERSONS).content.decode()
        assert STATISTICS not in staff("view_consentchain").get(PERSONS).content.decode()

    def test_cost_the_same_at_any_size(self, viewer: Client) -> None:
        # Session, user, two kinds of permissions; persons, two kinds of states, purposes, changes.
        viewer.get(STATISTICS)
        with assert_statements(9):
            viewer.get(STATISTICS)
        for number in range(20):
            say(number % 2 == 0, user_id=f"person-{number}", at=timezone.now() - number * DAY)

        with assert_statements(9):
            viewer.get(STATISTICS)

    def test_of_nothing_are_zero(self, viewer: Client) -> None:
        Purpose.objects.all().delete()

        assert "0 persons" in text_of(viewer.get(STATISTICS))


# Each list with its statements: session, user, two kinds of permissions, count and rows; the filter
# of purposes reads these, the one of texts those, and the list of purposes counts its few rows once
# more.
LISTS = {"consentchain": 6, "consentevent": 8, "policyversion": 7, "purpose": 7}


def make_rows(count: int, since: int = 0) -> None:
    """`count` texts, and as many persons who agree to them."""
    for number in range(since + 1, since + count + 1):
        publish(number, f"Text {number}.")
        say(True, version=number, user_id=f"person-{number}", evidence={"a": 1})


class TestEveryPage:
    @pytest.mark.parametrize(("name", "statements"), LISTS.items())
    def test_of_a_list_costs_the_same_at_any_length(
        self, viewer: Client, name: str, statements: int
    ) -> None:
        make_rows(1)
        with assert_statements(statements):
            viewer.get(f"{CONSENT}{name}/")
        make_rows(30, since=1)

        with assert_statements(statements) as sent:
            assert viewer.get(f"{CONSENT}{name}/").status_code == 200

        counts = [statement for statement in sent if "COUNT(*)" in statement]
        assert name == "purpose" or all("LIMIT 10001" in statement for statement in counts)
        assert all('"text"' not in statement for statement in sent)

    @pytest.mark.parametrize("permissions", [VIEWS, None])
    def test_opens(self, permissions: tuple[str, ...] | None) -> None:
        make_rows(1)
        if permissions is None:
            client = Client()
            client.force_login(User.objects.create_superuser("root"))
        else:
            client = staff(*permissions)

        for model in (ConsentChain, ConsentEvent, PolicyVersion, Purpose):
            url = f"{CONSENT}{model._meta.model_name}/"
            row = model._default_manager.order_by("pk").last()
            assert row is not None
            assert client.get(url).status_code == 200, url
            assert client.get(f"{url}{row.pk}/change/").status_code == 200, url
            assert client.get(f"{url}{row.pk}/history/").status_code == 200, url

    @pytest.mark.parametrize("name", [name for name in LISTS if name != "purpose"])
    def test_has_no_form_that_changes_rows(self, name: str) -> None:
        make_rows(1)
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        standing = stored()
        model: Any = {
            "consentchain": ConsentChain, "consentevent": ConsentEvent,
            "policyversion": PolicyVersion,
        }[name]  # fmt: skip
        pk = model.objects.get().pk

        assert client.get(f"{CONSENT}{name}/add/").status_code == 403
        for page in ("add", f"{pk}/change", f"{pk}/delete"):
            response = client.post(f"{CONSENT}{name}/{page}/", {"post": "yes"})
            assert response.status_code in (302, 403)
        assert stored() == standing

    @pytest.mark.parametrize("name", LISTS)
    def test_is_closed_without_its_permission(self, name: str) -> None:
        others = [view for view in VIEWS if view != f"view_{name}"]

        assert staff(*others).get(f"{CONSENT}{name}/").status_code == 403

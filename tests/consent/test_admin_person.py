import datetime
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from common.schema import database_triggers
from common.schema.triggers import all_triggers
from consent.admin import person_page
from consent.models import ConsentEvent, Purpose
from operations.services import erase_person
from tests.asserts import assert_statements
from tests.consent.pages import (
    DAY,
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
# Session, user, two kinds of permissions and the chain; answers, purposes, their titles and texts;
# the chain's events and two for the states; the timeline.
STATEMENTS = 13


@pytest.fixture
def viewer() -> Client:
    return staff(*VIEWS)


@pytest.fixture
def now() -> datetime.datetime:
    return timezone.now()


def rows(response: Any) -> dict[str, list[str]]:
    """The table of purposes: the cells of each by its title."""
    table = re.search(r"<tbody>(.*?)</tbody>", response.content.decode(), re.S)
    assert table is not None
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", table[1], re.S):
        cells = [
            re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
        ]
        found[cells[0].removesuffix(" required")] = cells[1:]
    return found


def without_triggers(sql: str, parameters: Any) -> None:
    """What nobody can do but who takes the triggers away."""
    database_triggers.drop(all_triggers())
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    database_triggers.create(all_triggers())


class TestTheState:
    def test_of_each_purpose_is_shown(self, viewer: Client, now: datetime.datetime) -> None:
        text = publish(at=now - 9 * DAY)
        say(True, version=1, at=now - 5 * DAY)
        say(True, purpose="history_storage", at=now - 4 * DAY)
        say(False, purpose="training_use", at=now - 3 * DAY)

        response = viewer.get(page_of())

        said = f"{now - 5 * DAY:%Y-%m-%d %H:%M}"
        shown = rows(response)
        assert shown["Marketing messages"] == ["granted", said, "–", "Version 1", "–"]
        assert shown["Keeping conversations"][0] == "granted"
        assert shown["Use of conversations for training"][0] == "not granted"
        assert shown["Terms of use"] == ["never answered", "–", "–", "–", "ask"]
        assert f'href="/admin/consent/policyversion/{text.pk}/change/"' in (
            response.content.decode()
        )

    def test_asks_again_after_a_material_change(
        self, viewer: Client, now: datetime.datetime
    ) -> None:
        publish(at=now - 9 * DAY)
        say(True, version=1, at=now - 5 * DAY)
        publish(2, "We send more mail.", material=True, at=now - DAY)

        cells = rows(viewer.get(page_of()))["Marketing messages"]

        assert (cells[0], cells[-1]) == ("granted", "ask again: the text has changed")

    def test_says_expired_at_that_very_second(self, viewer: Client, now: datetime.datetime) -> None:
        Purpose.objects.filter(key="marketing").update(default_validity_days=5)
        say(True, at=now - 5 * DAY)

        cells = rows(viewer.get(page_of()))["Marketing messages"]

        assert cells[0] == "expired"
        assert cells[-1] == "ask again: it has run out"

    def test_as_of_a_time_is_that_of_the_events_until_then(
        self, viewer: Client, now: datetime.datetime
    ) -> None:
        at = now.replace(microsecond=0) - 5 * DAY
        say(True, at=at)
        say(False, at=at + DAY)

        def state(moment: datetime.datetime) -> str:
            asked = {"at": f"{moment:%Y-%m-%dT%H:%M:%S}"}
            return rows(viewer.get(page_of(), asked))["Marketing messages"][0]

        second = datetime.timedelta(seconds=1)
        assert state(at - second) == "never answered"
        assert state(at) == "granted"
        assert state(at + DAY - second) == "granted"
        assert state(at + DAY) == "not granted"
        assert "not now" in text_of(viewer.get(page_of(), {"at": "2025-05-03T12:00"}))

    @pytest.mark.parametrize(
        "at", ["", "yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59-14:00"]
    )
    def test_as_of_no_time_is_that_of_now_with_a_word(
        self, viewer: Client, now: datetime.datetime, at: str
    ) -> None:
        say(True, at=now - DAY)

        response = viewer.get(page_of(), {"at": at})

        assert rows(response)["Marketing messages"][0] == "granted"
        assert 'class="refusal"' in response.content.decode()


class TestTheTimeline:
    def test_tells_each_event_the_newest_first(
        self, viewer: Client, now: datetime.datetime
    ) -> None:
        publish(at=now - 9 * DAY)
        given = say(True, version=1, method="checkbox", evidence={"form": "<b>sign-up</b>"},
                    at=now - 5 * DAY)  # fmt: skip
        say(False, reason="Too much mail", at=now - DAY)

        response = viewer.get(page_of())

        page = text_of(response)
        assert page.index("Withdrawn") < page.index("Given")
        assert "version 1 (en)" in page
        assert "by key:web · api, checkbox" in page
        assert "Too much mail" in page
        assert given.hash[:12] in page
        assert "<b>sign-up</b>" not in response.content.decode()
        assert "&lt;b&gt;sign-up&lt;/b&gt;" in response.content.decode()

    def test_comes_in_pages(self, viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(person_page, "SHOWN_EVENTS", 3)
        for number in range(7):
            say(number % 2 == 0)

        pages, query = [], ""
        while True:
            page = viewer.get(page_of() + query).content.decode()
            pages.append([int(number) for number in re.findall(r">Event (\d+)<", page)])
            older = re.search(r'href="(\?before=\d+)"', page)
            if older is None:
                break
            query = older[1]

        assert pages == [[7, 6, 5], [4, 3, 2], [1]]

    @pytest.mark.parametrize("before", ["", "x", "-1", "9" * 30, "٣"])
    def test_of_no_number_is_the_first_page(self, viewer: Client, before: str) -> None:
        say(True)

        assert "Event 1" in text_of(viewer.get(page_of(), {"before": before}))

    def test_is_for_staff_who_may_see_events(self) -> None:
        say(True, reason="A secret", evidence={"form": "hidden"})

        page = text_of(staff("view_consentchain").get(page_of()))

        assert "granted" in page and "The chain verifies" in page
        assert "A secret" not in page and "hidden" not in page and "Event 1" not in page


class TestTheChain:
    def test_verifies(self, viewer: Client) -> None:
        say(True)
        say(False)

        assert "The chain verifies: 2 events" in text_of(viewer.get(page_of()))

    @pytest.mark.parametrize(
        ("sql", "words"),
        [
            ("UPDATE consent_consentevent SET method = 'x' WHERE id = %s",
             "event 2 ({uid}): it is not what its hash says"),
            ("UPDATE consent_consentevent SET reason = 'x' WHERE id = %s",
             "event 2 ({uid}): its reason and evidence are not what their hash says"),
            ("UPDATE consent_consentevent SET sequence = 9 WHERE id = %s",
             "event 2 should stand here"),
            ("UPDATE consent_consentchain SET last_sequence = 2 WHERE %s > 0",
             "the chain ends at 2, its events at 4"),
            ("UPDATE consent_consentchain SET reference = salt WHERE %s > 0",
             "the chain's reference is not this person's"),
            ("UPDATE consent_consentstate SET granted = NOT granted WHERE %s > 0",
             "the state of marketing is not what its events say"),
        ],
    )  # fmt: skip
    def test_that_was_tampered_with_says_where(self, viewer: Client, sql: str, words: str) -> None:
        events = [say(number % 2 == 0) for number in range(4)]
        say(True, user_id="bob")
        event = events[1]
        without_triggers(sql, [event.pk])

        page = text_of(viewer.get(page_of())).replace("&#x27;", "'")

        assert "The chain does not verify" in page
        assert words.format(uid=event.uid) in page

    def test_of_many_events_is_checked_from_the_end(
        self, viewer: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(person_page, "CHECKED_EVENTS", 3)
        events = [say(number % 2 == 0) for number in range(6)]

        def tampered(event: ConsentEvent) -> str:
            without_triggers(
                "UPDATE consent_consentevent SET method = 'x' WHERE id = %s", [event.pk]
            )
            page = text_of(viewer.get(page_of()))
            without_triggers(
                "UPDATE consent_consentevent SET method = '' WHERE id = %s", [event.pk]
            )
            return page

        assert "The chain verifies: the last 3 of 6 events" in tampered(events[2])
        assert "event 4" in tampered(events[3])


class TestThePage:
    def test_costs_the_same_at_any_length(
        self, viewer: Client, now: datetime.datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish()
        say(True, version=1)
        url = page_of()
        viewer.get(url)  # the content type is looked up once in a process
        with assert_statements(STATEMENTS):
            viewer.get(url)
        for number in range(60):
            say(number % 2 == 0, version=None if number % 2 else 1)
            say(True, user_id=f"person-{number}", version=1)

        with assert_statements(STATEMENTS):
            assert "Older events" in text_of(viewer.get(url))
        with assert_statements(STATEMENTS):
            viewer.get(url, {"at": "2026-01-01T00:00"})

    def test_writes_nothing(self, viewer: Client, now: datetime.datetime) -> None:
        say(True, at=now - DAY)
        standing = stored()

        viewer.get(page_of())
        assert viewer.post(page_of(), {"user_id": "eve"}).status_code == 403

        assert stored() == standing

    def test_is_closed_to_strangers(self) -> None:
        say(True)

        assert Client().get(page_of()).status_code == 302
        assert staff("view_consentevent").get(page_of()).status_code == 403

    @pytest.mark.parametrize(("term", "found"), [("ann", 1), (" ann ", 1), ("an", 0), ("", 2)])
    def test_is_found_by_the_whole_id(self, viewer: Client, term: str, found: int) -> None:
        say(True)
        say(True, user_id="bob")

        page = viewer.get(PERSONS, {"q": term}).content.decode()

        assert page.count("field-whose") == found

    def test_of_an_erased_person_offers_no_act(self, now: datetime.datetime) -> None:
        say(True, reason="Her birthday", at=now - DAY)
        url, recorder = page_of(), staff(*VIEWS, "record_consent")
        erase_person(user_id="ann", actor="staff:x", at=now)

        page = text_of(recorder.get(url))

        assert "Erased" in page and "The chain verifies" in page
        assert "Record consent" not in page and "Her birthday" not in page

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from consent.models import ConsentEvent, ConsentState, PolicyVersion
from tests.browser.conftest import Door, staff
from tests.consent.pages import DAY, EVENTS, PERSONS, PURPOSES, TEXTS, page_of, publish, say

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 360, "height": 740}}
PERSON = f"auth0|{'x' * 120}"
LONG_LINE = "We keep " + "y" * 300 + " for {} days.\n"
VIEWS = ("view_consentchain", "view_consentevent", "view_policyversion", "view_purpose")


@pytest.fixture
def privacy(live_server: object) -> User:
    """Staff who may record for persons and publish texts."""
    return staff("pia", *VIEWS, "record_consent", "publish_policy", "change_purpose")


@pytest.fixture
def person(live_server: object) -> str:
    """Somebody with a long id and long texts, who agreed to a text that has changed since."""
    now = timezone.now()
    publish(text=LONG_LINE.format(3), at=now - 9 * DAY)
    say(True, version=1, user_id=PERSON, method="checkbox", evidence={"form": "z" * 300},
        reason="w" * 300, at=now - 5 * DAY)  # fmt: skip
    publish(2, LONG_LINE.format(30), material=True, at=now - DAY)
    say(False, purpose="training_use", user_id=PERSON, at=now - DAY)
    return PERSON


def fill_in(page: Page, button: str, purpose: str) -> None:
    page.get_by_label("Purpose").select_option(label=purpose)
    page.get_by_label("How they said it").select_option("phone")
    page.get_by_label("Reason").fill("Ticket 17")
    page.get_by_role("button", name=button).click()


class TestAPerson:
    def test_gets_consent_recorded(self, door: Door, privacy: User, person: str) -> None:
        page = door(privacy).open(page_of(person))

        page.get_by_role("link", name="Record consent").click()
        fill_in(page, "Record consent", "Marketing messages, version 2 (en)")

        expect(page.get_by_text("Recorded “Given” for marketing, version 2")).not_to_have_count(0)
        expect(page.locator(".timeline li").first).to_contain_text("by staff:pia")
        expect(page.locator(".answer.good")).to_contain_text("3 events")

    def test_who_is_new_is_asked_for_by_id(self, door: Door, privacy: User, person: str) -> None:
        page = door(privacy).open(PERSONS)

        page.get_by_role("link", name="Record for a person").click()
        page.get_by_role("button", name="Record consent").click()
        expect(page.get_by_text("This field is required.")).to_be_visible()
        page.get_by_label("User id").fill("new & one")
        page.get_by_role("button", name="Record refusal or withdrawal").click()
        expect(page.get_by_text("Nothing is recorded yet.")).to_be_visible()
        fill_in(page, "Record refusal or withdrawal", "Marketing messages")

        expect(page.locator(".who h1")).to_have_text("new & one")
        assert ConsentEvent.objects.get(person__user_id="new & one").action == "refused"

    def test_is_withdrawn_once_when_the_form_is_sent_twice(
        self, door: Door, privacy: User, person: str
    ) -> None:
        page = door(privacy).open(page_of(person))
        page.get_by_role("link", name="Record refusal or withdrawal").click()
        page.get_by_label("Purpose").select_option("marketing")
        page.get_by_label("How they said it").select_option("letter")
        page.get_by_label("Reason").fill("Ticket 17")

        page.locator(".act form").evaluate(
            "it => fetch(location.href, {method: 'POST', body: new FormData(it)})"
        )
        page.get_by_role("button", name="Record refusal or withdrawal").click()

        expect(page.get_by_text("It has acted once.")).to_be_visible()
        assert ConsentEvent.objects.filter(action="withdrawn").count() == 1

    def test_is_shown_as_of_a_time(self, door: Door, privacy: User, person: str) -> None:
        page = door(privacy).open(page_of(person))
        expect(page.get_by_role("row", name="Marketing messages")).to_contain_text("granted")

        page.get_by_label("As of").fill(f"{timezone.now() - 6 * DAY:%Y-%m-%dT%H:%M:%S}")
        page.get_by_role("button", name="Show that time").click()

        expect(page.get_by_text("not now")).to_be_visible()
        expect(page.get_by_role("row", name="Marketing messages")).to_contain_text("never")
        page.get_by_role("link", name="Now", exact=True).click()
        expect(page.get_by_role("row", name="Marketing messages")).to_contain_text("granted")


class TestAText:
    def test_is_published_after_a_look_at_what_changes(
        self, door: Door, privacy: User, person: str
    ) -> None:
        text = '\nFirst.\n\n"Öfter" & <b>more</b>.\n'
        page = door(privacy).open(TEXTS)
        page.get_by_role("link", name="Publish a text").click()
        page.get_by_label("Purpose").select_option("marketing")
        page.get_by_label("Text").fill(text)
        page.get_by_role("button", name="Preview").click()

        expect(page.locator(".differences ins").first).to_be_visible()
        expect(page.get_by_text("Not a material change")).to_be_visible()
        page.get_by_role("button", name="Back to the text").click()
        expect(page.get_by_label("Text")).to_have_value(text)
        page.get_by_label("Material change").check()
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text("A material change: everybody")).to_be_visible()
        page.get_by_role("button", name="Publish").click()

        expect(page.get_by_text("Published version 3 of marketing in en.")).not_to_have_count(0)
        policy = PolicyVersion.objects.get(version=3)
        assert (policy.text, policy.material) == (text, True)

    def test_comes_from_a_file(
        self, door: Door, privacy: User, person: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "text.txt"
        file.write_bytes(b"\r\nWir schreiben.\r\n")
        page = door(privacy).open(f"{TEXTS}publish/?purpose=terms&locale=de")
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Publish").click()

        expect(page.get_by_text("This is the text that was published")).to_be_visible()
        assert PolicyVersion.objects.get(locale="de").text == "\nWir schreiben.\n"


def test_the_statistics_lead_through_the_periods(door: Door, privacy: User, person: str) -> None:
    page = door(privacy).open(EVENTS)
    page.get_by_role("link", name="Statistics").click()
    expect(page.get_by_role("row", name="Marketing messages")).to_contain_text("100.0 %")

    page.get_by_role("link", name="90", exact=True).click()

    expect(page.get_by_text("Events of the last 90 days")).to_be_visible()
    assert ConsentState.objects.count() == 2


class TestOnAPhone:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_person_fits(self, door: Door, privacy: User, person: str, scheme: str) -> None:
        visitor = door(privacy, color_scheme=scheme, **PHONE)
        page = visitor.open(page_of(person))

        assert not visitor.scrolls_sideways()
        for panel in page.locator(".sheet .panel, .sheet .answer").all():
            box = panel.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360
            assert not panel.evaluate("it => it.scrollWidth > it.clientWidth")

    def test_the_forms_and_the_statistics_fit(self, door: Door, privacy: User, person: str) -> None:
        visitor = door(privacy, **PHONE)
        for path in (
            f"{PERSONS}record/", f"{PERSONS}give/?user_id=ann", f"{PERSONS}refuse/?user_id=ann",
            f"{TEXTS}publish/", f"{EVENTS}statistics/",
        ):  # fmt: skip
            visitor.open(path)
            assert not visitor.scrolls_sideways(), path

    @pytest.mark.parametrize("url", [PERSONS, EVENTS, TEXTS, PURPOSES])
    def test_the_lists_and_their_pages_fit(
        self, door: Door, privacy: User, person: str, url: str
    ) -> None:
        visitor = door(privacy, **PHONE)
        page = visitor.open(url)
        assert not visitor.scrolls_sideways()

        page.locator("#result_list th a, #result_list td a").first.click()
        page.wait_for_load_state("networkidle")

        assert url in page.url and "/change/" in page.url
        assert not visitor.scrolls_sideways()

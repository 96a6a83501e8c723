import re
import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.models import StaffAction
from consent.models import ConsentChain, ConsentEvent, ConsentState
from operations.services import erase_person
from tests.asserts import assert_statements
from tests.consent.pages import (
    PERSONS,
    VIEWS,
    form,
    page_of,
    publish,
    say,
    staff,
    stored,
    text_of,
)

GIVE = f"{PERSONS}give/?user_id="
REFUSE = f"{PERSONS}refuse/?user_id="
SAID = {"said": "phone", "reason": "Called us, ticket 17"}


@pytest.fixture
def recorder() -> Client:
    """staff0, who may record for persons."""
    return staff(*VIEWS, "record_consent")


def yes(purpose: str = "marketing/en/1", **values: Any) -> dict[str, Any]:
    return form(purpose=purpose, **(SAID | values))


def no(purpose: str = "marketing", **values: Any) -> dict[str, Any]:
    return yes(purpose, **values)


def act(client: Client, url: str, data: dict[str, Any]) -> str:
    response = client.post(url, data, follow=True)
    assert response.status_code == 200
    return text_of(response)


@pytest.mark.django_db
class TestConsent:
    def test_is_recorded_for_a_person(self, recorder: Client) -> None:
        text = publish()
        say(False)

        page = act(recorder, f"{GIVE}ann", yes())

        event = ConsentEvent.objects.get(sequence=2)
        assert (event.action, event.granted, event.policy_version) == ("given", True, text)
        assert (event.source, event.method, event.actor) == ("admin", "staff", "staff:staff0")
        assert (event.reason, event.evidence) == ("Called us, ticket 17", {"said": "phone"})
        assert "Recorded “Given” for marketing, version 1 (en)." in page
        assert "Called us, ticket 17" in page  # in the timeline

    def test_is_the_first_thing_of_a_person(self, recorder: Client) -> None:
        publish()

        page = text_of(recorder.get(f"{GIVE}auth0|new%20one"))
        assert "auth0|new one Nothing is recorded yet. Is the id right?" in page
        page = act(recorder, f"{GIVE}auth0|new%20one", yes())

        assert "The chain verifies: 1 event," in page
        assert ConsentState.objects.get().person.user_id == "auth0|new one"

    def test_offers_the_current_text_in_each_language(self, recorder: Client) -> None:
        publish()
        publish(2, "We send more.")
        publish(1, "Wir schreiben.", locale="de")

        page = recorder.get(f"{GIVE}ann").content.decode()

        offered = re.findall(r'<option value="([^"]*)"', page)
        assert [value for value in offered if value.startswith("marketing")] == [
            "marketing/de/1",
            "marketing/en/2",
        ]
        assert "terms" in offered  # without a text
        act(recorder, f"{GIVE}ann", yes("marketing/de/1"))
        event = ConsentEvent.objects.get()
        assert event.policy_version is not None and event.policy_version.locale == "de"

    def test_to_an_old_text_is_refused(self, recorder: Client) -> None:
        publish()
        data = yes()
        publish(2, "We send more.")
        standing = stored()

        page = act(recorder, f"{GIVE}ann", data)

        assert "not one of the available choices" in page
        assert stored() == standing

    def test_where_no_text_is_published_needs_none(self, recorder: Client) -> None:
        act(recorder, f"{GIVE}ann", yes("history_storage"))

        assert ConsentEvent.objects.get().policy_version is None


@pytest.mark.django_db
class TestRefusal:
    @pytest.mark.parametrize(("granted", "action"), [(True, "withdrawn"), (False, "refused")])
    def test_or_withdrawal_is_recorded(self, recorder: Client, granted: bool, action: str) -> None:
        say(granted)

        page = act(recorder, f"{REFUSE}ann", no())

        assert ConsentEvent.objects.get(sequence=2).action == action
        assert not ConsentState.objects.get().granted
        assert f"Recorded “{action.capitalize()}” for marketing." in page

    def test_of_a_required_purpose_is_not_offered(self, recorder: Client) -> None:
        say(True, purpose="terms")
        standing = stored()

        assert 'value="terms"' not in recorder.get(f"{REFUSE}ann").content.decode()
        act(recorder, f"{REFUSE}ann", no("terms"))

        assert stored() == standing

    def test_of_what_became_required_meanwhile_says_why(
        self, recorder: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        say(True, purpose="terms")
        standing = stored()
        monkeypatch.setattr("consent.admin.forms.purposes_to_refuse", lambda: [("terms", "Terms")])

        page = act(recorder, f"{REFUSE}ann", no("terms"))

        assert "is required: it ends by closing the account" in page
        assert stored() == standing


@pytest.mark.django_db
class TestEitherForm:
    @pytest.mark.parametrize(
        "missing",
        [{"reason": ""}, {"reason": " \n"}, {"reason": "x" * 2001}, {"reason": "a\x00b"},
         {"said": ""}, {"said": "telepathy"}, {"purpose": ""}, {"purpose": "nothing"},
         {"token": ""}, {"token": "x"}],
    )  # fmt: skip
    @pytest.mark.parametrize("url", [GIVE, REFUSE])
    def test_needs_everything(self, recorder: Client, url: str, missing: dict[str, str]) -> None:
        publish()
        say(True, version=1)
        standing = stored()
        data = yes() if url == GIVE else no()

        act(recorder, f"{url}ann", data | missing)

        assert stored() == standing

    @pytest.mark.parametrize("user_id", ["", "erased-1", "%01", "x" * 129])
    @pytest.mark.parametrize("url", [GIVE, REFUSE])
    def test_asks_for_a_whole_user_id(self, recorder: Client, url: str, user_id: str) -> None:
        publish()
        standing = stored()

        page = act(recorder, url + user_id, yes())

        assert "Record for a person" in page and "User id" in page
        assert stored() == standing

    def test_acts_once(self, recorder: Client) -> None:
        publish()
        data = yes()
        act(recorder, f"{GIVE}ann", data)
        standing = stored()

        page = act(recorder, f"{GIVE}ann", data)

        assert "It has acted once." in page
        assert stored() == standing

    @pytest.mark.parametrize(
        ("url", "change"),
        [(f"{GIVE}ann", {"reason": "Another"}), (f"{GIVE}bob", {}),
         (f"{REFUSE}ann", {"purpose": "marketing"})],
    )  # fmt: skip
    def test_acts_for_nothing_else_afterwards(
        self, recorder: Client, url: str, change: dict[str, str]
    ) -> None:
        publish()
        data = yes()
        act(recorder, f"{GIVE}ann", data)
        standing = stored()

        page = act(recorder, url, data | change)

        assert "This form has acted already, with other values." in page
        assert stored() == standing

    def test_is_recorded_without_the_persons_id(self, recorder: Client) -> None:
        publish()
        act(recorder, f"{GIVE}somebody", yes())

        chain = ConsentChain.objects.get()
        record = StaffAction.objects.about(chain).get()
        assert (record.actor, record.action) == ("staff:staff0", "consent.give")
        assert record.person_id == chain.person_id
        assert record.sentence == "Recorded “Given” for marketing, version 1 (en)."
        assert record.reason == "Called us, ticket 17"

    def test_leaves_no_words_after_the_persons_erasure(self, recorder: Client) -> None:
        publish()
        act(recorder, f"{GIVE}somebody", yes(reason="Her birthday"))

        erase_person(user_id="somebody", actor="staff:x", at=timezone.now())

        assert "Her birthday" not in str(stored()) and "somebody" not in str(stored())
        assert StaffAction.objects.count() == 1

    def test_whose_record_fails_is_undone(
        self, recorder: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **columns: Any) -> None:
            raise RuntimeError

        publish()
        standing = stored()
        monkeypatch.setattr(StaffAction, "save", fail)
        recorder.raise_request_exception = False

        assert recorder.post(f"{GIVE}ann", yes()).status_code == 500
        assert stored() == standing

    @pytest.mark.parametrize("path", ["record/", "give/?user_id=ann", "refuse/?user_id=ann"])
    def test_is_closed_without_the_permission(self, path: str) -> None:
        publish()
        say(True, version=1)
        standing = stored()

        for client in (staff(*VIEWS), staff("record_consent"), staff(*VIEWS, "publish_policy")):
            assert client.get(PERSONS + path).status_code == 403
            assert client.post(PERSONS + path, yes()).status_code == 403
            assert client.post(PERSONS + path, no()).status_code == 403
        assert Client().post(PERSONS + path, no()).status_code == 302
        assert stored() == standing

    def test_is_offered_with_the_permission_alone(self, recorder: Client) -> None:
        say(True)

        def linked(client: Client, page: str) -> set[str]:
            return set(re.findall(rf'href="{PERSONS}(\w+)/', client.get(page).content.decode()))

        assert "record" in linked(recorder, PERSONS)
        assert {"give", "refuse"} <= linked(recorder, page_of())
        viewer = staff(*VIEWS)
        assert "record" not in linked(viewer, PERSONS)
        assert {"give", "refuse"} & linked(viewer, page_of()) == set()

    def test_is_protected_against_forged_forms(self, recorder: Client) -> None:
        publish()
        forger = Client(enforce_csrf_checks=True)
        forger.cookies = recorder.cookies

        assert forger.post(f"{GIVE}ann", yes()).status_code == 403
        assert not ConsentEvent.objects.exists()

    def test_costs_the_same_however_much_there_is(self, recorder: Client) -> None:
        # Session, user, two kinds of permissions; texts, purposes; whether the person is known.
        publish()
        with assert_statements(7):
            recorder.get(f"{GIVE}ann")
        for version in range(2, 9):
            publish(version, f"Text {version}.")
            say(True, version=version, user_id=f"person-{version}")

        with assert_statements(7):
            recorder.get(f"{GIVE}ann")


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_eight_times_at_once_acts_once() -> None:
    publish()
    client, data, codes = staff(*VIEWS, "record_consent"), yes(), []

    def send() -> None:
        own = Client()
        own.cookies = client.cookies
        try:
            answer = own.post(f"{GIVE}ann", data)
            while answer.status_code == 503:  # others hold the database for too long: as it says
                time.sleep(int(answer["Retry-After"]))
                answer = own.post(f"{GIVE}ann", data)
            codes.append(answer.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == [302] * 8
    assert ConsentEvent.objects.count() == StaffAction.objects.count() == 1

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from access.models import StaffAction
from common.schema import database_triggers
from common.schema.triggers import all_triggers
from consent.admin import differences
from consent.models import PolicyVersion, Purpose
from tests.asserts import assert_statements
from tests.consent.pages import (
    PURPOSES,
    TEXTS,
    VIEWS,
    form,
    publish,
    say,
    staff,
    stored,
    text_of,
)

pytestmark = pytest.mark.django_db
PUBLISH = f"{TEXTS}publish/"
NEW = {"purpose": "marketing", "locale": "en", "version": "", "text": "We send mail.\n"}


@pytest.fixture
def publisher() -> Client:
    """staff0, who may publish."""
    return staff(*VIEWS, "publish_policy")


@pytest.fixture
def viewer() -> Client:
    return staff(*VIEWS)


def page_of(policy: PolicyVersion) -> str:
    return f"{TEXTS}{policy.pk}/change/"


def send(client: Client, step: str, **values: Any) -> Any:
    response = client.post(PUBLISH, form(step=step, **(NEW | values)), follow=True)
    assert response.status_code == 200
    return response


def hidden(response: Any) -> dict[str, str]:
    """What the preview sends on, as a browser does: with CRLF."""
    fields = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', response.content.decode())
    )
    fields.pop("csrfmiddlewaretoken", None)
    return {
        name: value.replace("&#x27;", "'").replace("&quot;", '"').replace("&lt;", "<")
        .replace("&gt;", ">").replace("&amp;", "&").replace("\n", "\r\n")
        for name, value in fields.items()
    }  # fmt: skip


class TestAText:
    def test_stands_with_its_hash_and_who_agrees(self, viewer: Client) -> None:
        text = publish(text="We send <b>mail</b>.")
        for number in range(3):
            say(True, version=1, user_id=f"person-{number}")
        say(False, user_id="person-2")

        response = viewer.get(page_of(text))

        page = text_of(response)
        assert "Marketing messages, version 1 (en)" in page and "current" in page
        assert "2 persons" in page
        assert text.text_sha256 in page
        assert "This is the text that was published" in page
        assert "We send &lt;b&gt;mail&lt;/b&gt;." in response.content.decode()

    def test_that_was_tampered_with_says_so(self, viewer: Client) -> None:
        text = publish()
        database_triggers.drop(all_triggers("consent"))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE consent_policyversion SET text = 'We sell everything.'")
        database_triggers.create(all_triggers("consent"))

        assert "This is not the text that was published" in text_of(viewer.get(page_of(text)))

    def test_shows_what_changed_since_the_version_before(self, viewer: Client) -> None:
        old = publish(text="One.\nWe keep it for 3 days.\nThree.")
        publish(9, "Nie.", locale="pl")
        new = publish(4, "One.\nWe keep it for 30 days.\nThree.", material=True)

        page = viewer.get(page_of(new)).content.decode()

        assert "<del>3</del>" in page and "<ins>30</ins>" in page
        assert "What changed since version 1" in page
        assert f'href="{page_of(old)}"' in page
        first = viewer.get(page_of(old)).content.decode()
        assert "version 4 after" in first and "What changed" not in first

    def test_costs_the_same_however_many_agree(self, viewer: Client) -> None:
        # Session, user, two kinds of permissions; the row, its text, the ones before and after,
        # and how many agree.
        publish(text="Zero.")
        text, _ = publish(2, "One."), publish(3, "Two.")
        viewer.get(page_of(text))  # the content type is looked up once in a process
        with assert_statements(9):
            viewer.get(page_of(text))
        for number in range(4, 14):
            publish(number, f"Text {number}.")
            say(True, version=number, user_id=f"person-{number}")

        with assert_statements(9):
            viewer.get(page_of(text))

    def test_is_never_changed_or_deleted(self) -> None:
        text = publish()
        client = staff(*VIEWS, "publish_policy", "add_policyversion", "change_policyversion",
                       "delete_policyversion")  # fmt: skip
        standing = stored()

        assert client.get(f"{TEXTS}add/").status_code == 403
        assert client.post(page_of(text), {"text": "Other"}).status_code == 403
        assert client.post(f"{TEXTS}{text.pk}/delete/", {"post": "yes"}).status_code == 403
        assert stored() == standing


class TestPublishing:
    def test_shows_first_what_would_change(self, publisher: Client) -> None:
        publish(text="We send mail.\nOnce a month.\n")
        say(True, version=1)
        standing = stored()

        response = send(publisher, "preview", text="We send mail.\nOnce a week.\n")

        page = text_of(response)
        assert "Agree to version 1 now1 person" in page.replace("now 1", "now1")
        assert "<del>month</del>" in response.content.decode()
        assert "2 (en)" in page  # the next one
        assert stored() == standing

    def test_then_publishes_what_was_shown(self, publisher: Client) -> None:
        text = "\n \"Quoted\" & 'so' <on>.\n\nLast line  \n"
        shown = send(publisher, "preview", text=text.replace("\n", "\r\n"), material="on")

        response = publisher.post(PUBLISH, hidden(shown) | {"step": "publish"}, follow=True)

        policy = PolicyVersion.objects.get()
        assert (policy.text, policy.version, policy.material) == (text, 1, True)
        assert policy.text_sha256 in text_of(shown)
        assert "Published version 1 of marketing in en." in text_of(response)
        record = StaffAction.objects.about(policy).get()
        assert (record.actor, record.action) == ("staff:staff0", "consent.publish")
        assert record.sentence == "Published version 1 of marketing in en."

    def test_leads_back_to_the_text(self, publisher: Client) -> None:
        shown = send(publisher, "preview", text="Nearly rihgt.")
        standing = stored()

        back = publisher.post(PUBLISH, hidden(shown) | {"step": "edit"})

        assert "Nearly rihgt.</textarea>" in back.content.decode()
        assert stored() == standing

    def test_takes_a_file_as_it_is(self, publisher: Client) -> None:
        file = SimpleUploadedFile("terms.txt", "\ufeffWir schreiben.\r\nÖfter.\n".encode())
        shown = send(publisher, "preview", text="", locale="de", file=file)
        publisher.post(PUBLISH, hidden(shown) | {"step": "publish"})

        assert PolicyVersion.objects.get().text == "Wir schreiben.\nÖfter.\n"

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"text": ""}, "Give a text, here or as a file."),
            ({"text": " \n "}, "A text to agree to is not empty"),
            ({"text": "x" * 500_001}, "at most 500000 characters"),
            ({"locale": "English!"}, "is no locale"),
            ({"locale": ""}, "This field is required."),
            ({"purpose": "nothing"}, "not one of the available choices"),
            ({"version": "0"}, "greater than or equal to 1"),
            ({"version": "1", "text": "Other."}, "is current in en, and published texts never"),
            ({"version": str(2**31)}, "less than or equal to"),
            ({"text": "a\x00b"}, "Null characters are not allowed."),
            ({"token": ""}, "Open it anew."),
            ({"file": SimpleUploadedFile("t", b"x")}, "Give a text or a file, not both."),
            ({"text": "", "file": SimpleUploadedFile("t", b"\xff\xfe")}, "This file is not UTF-8."),
            ({"text": "", "file": SimpleUploadedFile("t", b"x" * 500_001)}, "500,000 characters"),
            ({"text": "", "file": SimpleUploadedFile("t", b"x" * 2_000_001)}, "500,000 characters"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("step", ["preview", "publish"])
    def test_says_what_is_wrong(
        self, publisher: Client, step: str, values: dict[str, Any], words: str
    ) -> None:
        publish()
        standing = stored()
        if "file" in values:
            values["file"].seek(0)

        page = text_of(send(publisher, step, **values))

        assert words in page
        assert stored() == standing

    def test_of_what_stands_already_says_so(self, publisher: Client) -> None:
        publish()

        assert "stands already" in text_of(send(publisher, "preview", version="1"))
        standing = stored()
        assert "stands already" in text_of(send(publisher, "publish", version="1"))
        assert stored() == standing

    def test_knows_a_language_however_it_is_written(self, publisher: Client) -> None:
        publish(4, locale="pt-BR")

        shown = send(publisher, "preview", text="Novo.", locale="PT-br")

        assert "5 (pt-BR)" in text_of(shown) and "since version 4" in text_of(shown)

    def test_happens_once(self, publisher: Client) -> None:
        data = hidden(send(publisher, "preview")) | {"step": "publish"}
        publisher.post(PUBLISH, data)
        standing = stored()

        again = publisher.post(PUBLISH, data, follow=True)
        other = publisher.post(PUBLISH, data | {"text": "Other.", "version": "2"}, follow=True)

        assert "It has acted once." in text_of(again)
        assert "This form has acted already, with other values." in text_of(other)
        assert stored() == standing

    def test_proposes_the_next_version(self, publisher: Client) -> None:
        text = publish(7)

        page = publisher.get(page_of(text)).content.decode()
        link = re.search(r'href="([^"]*publish/\?[^"]*)"', page)
        assert link is not None
        form_page = publisher.get(link[1].replace("&amp;", "&")).content.decode()

        assert re.search(r'name="version" value="8"', form_page)
        assert '<option value="marketing" selected>' in form_page

    def test_is_closed_without_the_permission(self) -> None:
        text = publish()
        standing = stored()

        for client in (staff(*VIEWS), staff("publish_policy"), staff(*VIEWS, "record_consent")):
            assert client.get(PUBLISH).status_code == 403
            for step in ("preview", "publish"):
                data = form(step=step, **NEW)
                assert client.post(PUBLISH, data).status_code == 403
        viewer = staff(*VIEWS)
        assert "Publish" not in text_of(viewer.get(TEXTS)).replace("Published", "")
        assert "Publish the" not in text_of(viewer.get(page_of(text)))
        assert Client().post(PUBLISH, form(step="publish", **NEW)).status_code == 302
        assert stored() == standing


class TestDifferences:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("a\nb", "a\nb", []),
            ("a\nb", "a\nb\nc", ["same a", "same b", "new *c*"]),
            ("a\nb", "b", ["gone *a*", "same b"]),
            ("keep 3 days", "keep 9 days", ["gone keep *3* days", "new keep *9* days"]),
            ("entirely", "different words", ["gone *entirely*", "new *different words*"]),
        ],
    )
    def test_are_told_by_line_and_word(self, old: str, new: str, expected: list[str]) -> None:
        lines = differences.differences(old, new)

        assert lines is not None
        assert [
            f"{line.kind} " + "".join(f"*{p.text}*" if p.changed else p.text for p in line.parts)
            for line in lines
        ] == expected

    def test_leave_out_what_is_far_from_a_change(self) -> None:
        old = [f"line {number}" for number in range(40)]
        new = [*old[:20], "inserted", *old[20:]]

        lines = differences.differences("\n".join(old), "\n".join(new))

        assert lines is not None
        assert [line.skipped for line in lines if line.kind == "skipped"] == [17, 17]
        assert len(lines) == 9

    def test_of_long_texts_are_not_told(self, viewer: Client) -> None:
        publish(text="a\n" * 6000)
        text = publish(2, "b\n" * 6000)

        assert "too long to be compared" in text_of(viewer.get(page_of(text)))


class TestPurposes:
    @pytest.fixture
    def keeper(self) -> Client:
        return staff("view_purpose", "add_purpose", "change_purpose", "delete_purpose")

    def test_are_added_and_changed_but_for_the_key(self, keeper: Client) -> None:
        data = {"key": "research", "title": "Research", "default_validity_days": "365"}
        keeper.post(f"{PURPOSES}add/", data)
        purpose = Purpose.objects.get(key="research")
        keeper.post(
            f"{PURPOSES}{purpose.pk}/change/",
            data | {"key": "other", "title": "Studies", "required": "on"},
        )

        purpose.refresh_from_db()
        assert (purpose.key, purpose.title, purpose.required) == ("research", "Studies", True)
        assert purpose.default_validity_days == 365
        changed, added = StaffAction.objects.about(purpose)
        assert (added.actor, added.sentence) == ("staff:staff0", "Added the purpose research.")
        assert changed.sentence == "Changed the purpose research."

    @pytest.mark.parametrize(
        "wrong",
        [{"key": "history"}, {"key": "two words"}, {"key": "marketing"}, {"title": ""},
         {"default_validity_days": "0"}, {"default_validity_days": "36501"}],
    )  # fmt: skip
    def test_that_make_no_sense_are_refused(self, keeper: Client, wrong: dict[str, str]) -> None:
        standing = stored()

        response = keeper.post(f"{PURPOSES}add/", {"key": "research", "title": "Research"} | wrong)

        assert response.status_code == 200
        assert stored() == standing

    def test_with_texts_or_answers_are_not_deleted(self, keeper: Client) -> None:
        publish()
        say(True, purpose="training_use")
        standing = stored()

        for key in ("marketing", "training_use"):
            pk = Purpose.objects.get(key=key).pk
            response = keeper.post(f"{PURPOSES}{pk}/delete/", {"post": "yes"}, follow=True)
            assert "It has texts or answers, which stay." in text_of(response)
        pks = list(Purpose.objects.values_list("pk", flat=True))
        keeper.post(PURPOSES, {"action": "delete_selected", "_selected_action": pks, "post": "yes"})

        assert stored() == standing

    def test_that_nobody_was_asked_for_are_deleted(self, keeper: Client) -> None:
        pk = Purpose.objects.create(key="research", title="Research").pk

        assert "Research" in text_of(keeper.get(f"{PURPOSES}{pk}/delete/"))
        keeper.post(f"{PURPOSES}{pk}/delete/", {"post": "yes"})

        assert not Purpose.objects.filter(key="research").exists()
        assert StaffAction.objects.get().sentence == "Deleted the purpose research."

    def test_that_are_saved_as_they_are_leave_no_record(self, keeper: Client) -> None:
        purpose = Purpose.objects.get(key="marketing")
        assert not purpose.required and not purpose.default_validity_days

        page = keeper.post(f"{PURPOSES}{purpose.pk}/change/", {"title": purpose.title}, follow=True)

        assert "Nothing was changed." in text_of(page)
        assert not StaffAction.objects.exists()

    def test_are_deleted_for_a_reason_that_the_page_asks_for(self, keeper: Client) -> None:
        url = f"{PURPOSES}{Purpose.objects.create(key='research', title='Research').pk}/delete/"

        assert 'name="reason"' in keeper.get(url).content.decode()
        keeper.post(url, {"post": "yes", "reason": "Nobody is asked"})

        assert StaffAction.objects.get().reason == "Nobody is asked"

    def test_are_only_read_without_permission(self, viewer: Client) -> None:
        pk = Purpose.objects.get(key="marketing").pk
        standing = stored()

        assert viewer.get(f"{PURPOSES}{pk}/change/").status_code == 200
        for page in ("add", f"{pk}/change", f"{pk}/delete"):
            assert viewer.post(f"{PURPOSES}{page}/", {"title": "x"}).status_code == 403
        assert stored() == standing

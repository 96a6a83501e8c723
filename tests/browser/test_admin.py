import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from access.models import StaffReading
from conversations.models import Conversation
from tests.browser.conftest import LIST, PASSWORD, Door

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 360, "height": 740}}


def path_of(conversation: Conversation) -> str:
    return f"{LIST}{conversation.pk}/change/"


def show(page: Page, tab: str) -> None:
    page.locator("#message-2").get_by_text(tab).first.click()


class TestStaff:
    def test_log_in_search_and_read(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door().open("/admin/")
        page.get_by_label("Username").fill("dana")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("link", name="Conversations").last.click()
        page.locator("#searchbar").fill("large pump")
        page.locator("#searchbar").press("Enter")
        page.get_by_role("link", name="Heat pumps").click()

        expect(page.get_by_text("Which pump?")).to_be_visible()
        expect(page.get_by_text("Together.")).to_be_visible()
        found, read = StaffReading.objects.order_by("id")
        assert (found.staff, read.staff) == ("staff:dana", "staff:dana")
        whats = ("conversations with: large pump", f"conversation {conversation.uid}")
        assert (found.what, read.what) == whats

    def test_without_the_permission_see_no_text(
        self, door: Door, support: User, conversation: Conversation
    ) -> None:
        page = door(support).open(f"{LIST}?q=large+pump")
        expect(page.get_by_text("Heat pumps")).to_have_count(0)

        page.goto(f"{door.address}{LIST}?q=ann")
        page.get_by_role("link", name="Heat pumps").click()

        expect(page.get_by_text("needs the permission")).to_be_visible()
        expect(page.get_by_text("Which pump?")).to_have_count(0)
        assert not StaffReading.objects.exists()

    def test_see_who_read_what(self, door: Door, reader: User, conversation: Conversation) -> None:
        page = door(reader).open(path_of(conversation))
        page.get_by_role("link", name="Who read this person’s texts").click()

        expect(page.locator("#result_list")).to_contain_text("staff:dana")
        expect(page.locator("#result_list")).to_contain_text(f"conversation {conversation.uid}")

    def test_download_the_list_as_they_see_it(
        self, door: Door, support: User, conversation: Conversation
    ) -> None:
        page = door(support).open(f"{LIST}?q=ann")
        with page.expect_download() as download:
            page.get_by_role("link", name="Export as CSV").click()

        assert re.fullmatch(
            r"conversations-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename
        )
        assert "Heat pumps" in download.value.path().read_text(encoding="utf-8-sig")

    def test_filter_the_list(self, door: Door, support: User, conversation: Conversation) -> None:
        page = door(support, viewport={"width": 1280, "height": 800}).open(LIST)
        page.locator("a", has_text="Filters").click()
        page.get_by_role("link", name="Import").click()

        expect(page.get_by_role("link", name="Heat pumps")).to_have_count(0)
        assert "source__exact=import" in page.url


class TestTheTranscript:
    def test_shows_the_final_answer_first(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door(reader).open(path_of(conversation))

        expect(page.get_by_text("Together.")).to_be_visible()
        expect(page.get_by_text("The large one.")).to_be_hidden()
        expect(page.locator(".matrix")).to_be_hidden()

    def test_changes_the_stage_by_its_tabs(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door(reader).open(path_of(conversation))

        show(page, "Answers")
        expect(page.get_by_text("The large one.")).to_be_visible()
        expect(page.get_by_text("Together.")).to_be_hidden()
        show(page, "Rankings")
        expect(page.locator(".matrix")).to_be_visible()
        show(page, "Final answer")
        expect(page.get_by_text("Together.")).to_be_visible()

    def test_changes_the_stage_by_the_keyboard(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door(reader).open(path_of(conversation))

        page.locator("#final-2").focus()
        page.keyboard.press("ArrowRight")

        expect(page.get_by_text("The large one.")).to_be_visible()

    def test_says_who_ranked_whom_and_who_won(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door(reader).open(path_of(conversation))

        show(page, "Rankings")

        rows = page.locator(".matrix tr").all_inner_texts()
        assert [row.split() for row in rows] == [
            ["Reviewer", "one", "Response", "A", "two", "Response", "B"],
            ["one", "2", "1"],
            ["two", "2", "1"],
            ["Average", "rank", "computed", "here", "2.00", "★", "1.00"],
        ]
        show(page, "Answers")
        expect(page.locator(".card.best h3")).to_have_text("b/two")

    def test_marks_the_question_without_an_answer(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door(reader).open(path_of(conversation))

        expect(page.locator("#message-3")).to_contain_text("Not answered")
        expect(page.locator("#message-1")).not_to_contain_text("Not answered")

    def test_asks_for_no_picture_of_a_text(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door(reader).open(path_of(conversation))
        show(page, "Answers")

        # The fixture `door` fails if a request left the host.
        expect(page.locator(".picture")).to_have_text("pixel")
        assert page.locator(".transcript img").count() == 0


class TestOnAPhone:
    @pytest.mark.parametrize("tab", ["Final answer", "Answers", "Rankings"])
    def test_the_transcript_fits(
        self, door: Door, reader: User, conversation: Conversation, tab: str
    ) -> None:
        visitor = door(reader, **PHONE)
        page = visitor.open(path_of(conversation))

        show(page, tab)

        assert not visitor.scrolls_sideways()
        box = page.locator("#message-2").bounding_box()
        assert box is not None and 300 < box["width"] <= 360

    def test_a_wide_table_scrolls_inside(
        self, door: Door, reader: User, conversation: Conversation
    ) -> None:
        page = door(reader, **PHONE).open(path_of(conversation))
        show(page, "Answers")

        table = page.locator(".answers .wide").first

        assert table.evaluate("it => it.scrollWidth > it.clientWidth")

    @pytest.mark.parametrize("path", [LIST, "/admin/access/staffreading/"])
    def test_the_lists_fit(
        self, door: Door, reader: User, conversation: Conversation, path: str
    ) -> None:
        visitor = door(reader, **PHONE)
        visitor.open(path_of(conversation))
        visitor.open(path)

        assert not visitor.scrolls_sideways()


class TestDarkMode:
    # Lightness of the text and of what lies under it, as the browser computed them.
    LIGHTNESS = """it => {
        const canvas = document.createElement('canvas')
            .getContext('2d', {willReadFrequently: true});
        const light = colour => {
            canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
            return (r + g + b) / 765;
        };
        const under = it.closest('.message');
        return [light(getComputedStyle(it).color), light(getComputedStyle(under).backgroundColor)];
    }"""

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("number", [1, 2])
    def test_keeps_the_text_readable(
        self, door: Door, reader: User, conversation: Conversation, scheme: str, number: int
    ) -> None:
        page = door(reader, color_scheme=scheme).open(path_of(conversation))

        words = page.locator(f"#message-{number} .words p").first
        text, ground = words.evaluate(self.LIGHTNESS)

        assert (ground < 0.3) == (scheme == "dark")
        assert abs(text - ground) > 0.45

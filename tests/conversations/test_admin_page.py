import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client

from access.models import StaffReading
from access.services import readings
from conversations.models import Conversation, Message
from tests.asserts import assert_statements
from tests.client import ApiClient
from tests.conversations.pages import LIST, make_answered_conversation, staff
from tests.conversations.recipes import make_conversation_of


@pytest.fixture
def reader() -> Client:
    return staff("view_conversation", "view_message")


@pytest.fixture
def support() -> Client:
    return staff("view_conversation")


@pytest.fixture
def conversation(person: ApiClient) -> Conversation:
    return make_answered_conversation(person)


@pytest.mark.django_db
class TestPage:
    def url(self, conversation: Conversation) -> str:
        return f"{LIST}{conversation.pk}/change/"

    def test_shows_the_texts_to_who_may_read_them(
        self, reader: Client, conversation: Conversation
    ) -> None:
        page = reader.get(self.url(conversation)).content.decode()

        assert "Which &lt;b&gt;pump&lt;/b&gt;?" in page
        assert "The small one." in page
        assert "c/chair" in page

    def test_runs_no_script_of_a_text(self, reader: Client, conversation: Conversation) -> None:
        assert "<script>alert(1)" not in reader.get(self.url(conversation)).content.decode()

    def test_costs_the_same_at_any_length(
        self, reader: Client, conversation: Conversation, person: ApiClient
    ) -> None:
        reader.get(self.url(conversation))  # Django keeps content types once read
        # Session, user, two kinds of permissions, the row, staff's acts, the reading, the messages.
        with assert_statements(8):
            reader.get(self.url(conversation))
        for _ in range(10):
            person.post(
                f"/conversations/{conversation.uid}/messages", {"role": "user", "content": "More"}
            )

        with assert_statements(8):
            reader.get(self.url(conversation))

    @pytest.mark.parametrize("column", ["stage1_data", "stage2_data", "stage3_data", "metadata"])
    @pytest.mark.parametrize("value", [[], {}, "x", 1, [None], [[1]], {"a": [{"b": None}]}])
    def test_opens_whatever_the_stages_hold(
        self, reader: Client, conversation: Conversation, column: str, value: Any
    ) -> None:
        Message.objects.update(**{column: value})

        assert reader.get(self.url(conversation)).status_code == 200

    def test_shows_no_text_without_the_permission(
        self, support: Client, conversation: Conversation
    ) -> None:
        page = support.get(self.url(conversation)).content.decode()

        assert "Heat pumps" in page
        assert "small one" not in page
        assert "pump&lt;" not in page

    @pytest.mark.parametrize("data", [{"title": "Mine"}, {"_save": "1", "title": "Mine"}])
    def test_cannot_be_edited(
        self, reader: Client, conversation: Conversation, data: dict[str, str]
    ) -> None:
        response = reader.post(self.url(conversation), data)

        assert response.status_code == 403
        assert Conversation.objects.get().title == "Heat pumps"

    def test_offers_neither_adding_nor_deleting(
        self, reader: Client, conversation: Conversation
    ) -> None:
        assert reader.get(f"{LIST}add/").status_code == 403
        assert reader.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"}).status_code == 403
        assert Conversation.objects.count() == 1

    def test_is_closed_to_strangers(self, conversation: Conversation) -> None:
        assert Client().get(self.url(conversation)).status_code == 302
        assert staff().get(self.url(conversation)).status_code == 403


@pytest.mark.django_db
class TestLongPage:
    def positions(self, page: str) -> list[int]:
        return [int(number) for number in re.findall(r'id="message-(\d+)"', page)]

    def get(self, client: Client, conversation: Conversation, query: str = "") -> str:
        return client.get(f"{LIST}{conversation.pk}/change/{query}").content.decode()

    def test_shows_the_last_200_and_the_way_to_earlier_ones(self, reader: Client) -> None:
        conversation = make_conversation_of(450)

        page = self.get(reader, conversation)

        assert self.positions(page) == list(range(251, 451))
        assert 'href="?before=251"' in page

    def test_shows_no_more_than_5_mebibytes_at_once(self, reader: Client) -> None:
        conversation = make_conversation_of(3)
        for message in Message.objects.filter(conversation=conversation):
            Message.objects.filter(pk=message.pk).update(extra={"direct": "a" * 2_000_000})

        page = self.get(reader, conversation)

        assert self.positions(page) == [2, 3]
        assert 'href="?before=2"' in page
        assert self.positions(self.get(reader, conversation, "?before=2")) == [1]

    def test_shows_earlier_ones_to_the_first(self, reader: Client) -> None:
        conversation = make_conversation_of(450)

        assert self.positions(self.get(reader, conversation, "?before=251")) == list(range(51, 251))
        first = self.get(reader, conversation, "?before=51")
        assert self.positions(first) == list(range(1, 51))
        assert "Earlier messages" not in first
        assert "Latest messages" in first

    @pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "²", "9" * 30])
    def test_takes_anything_else_for_the_last_page(self, reader: Client, before: str) -> None:
        conversation = make_conversation_of(3)

        assert self.positions(self.get(reader, conversation, f"?before={before}")) == [1, 2, 3]

    @pytest.mark.parametrize(("before", "expected"), [("0", []), ("1", []), ("99", [1, 2, 3])])
    def test_bears_positions_that_are_none(
        self, reader: Client, before: str, expected: list[int]
    ) -> None:
        conversation = make_conversation_of(3)

        page = self.get(reader, conversation, f"?before={before}")

        assert self.positions(page) == expected


@pytest.mark.django_db
class TestReading:
    def url(self, conversation: Conversation) -> str:
        return f"{LIST}{conversation.pk}/change/"

    def test_is_recorded_with_the_name_of_who_read(
        self, reader: Client, conversation: Conversation
    ) -> None:
        reader.get(self.url(conversation))

        [row] = StaffReading.objects.all()
        assert row.staff == f"staff:{User.objects.get().username}"
        assert (row.person.user_id, row.what) == ("ann", f"conversation {conversation.uid}")

    def test_is_recorded_for_each_page(self, reader: Client, conversation: Conversation) -> None:
        reader.get(self.url(conversation))
        reader.get(f"{self.url(conversation)}?before=2")

        assert [row.what for row in StaffReading.objects.order_by("id")] == [
            f"conversation {conversation.uid}",
            f"conversation {conversation.uid}, messages before 2",
        ]

    def test_is_not_recorded_for_who_sees_no_texts(
        self, support: Client, conversation: Conversation
    ) -> None:
        assert support.get(self.url(conversation)).status_code == 200

        assert not StaffReading.objects.exists()

    def test_is_not_recorded_when_the_page_is_refused(self, conversation: Conversation) -> None:
        Client().get(self.url(conversation))
        staff("view_message").get(self.url(conversation))
        staff("view_conversation", "view_message").get(f"{LIST}999999/change/")
        staff("view_conversation", "view_message").post(self.url(conversation))

        assert not StaffReading.objects.exists()

    def test_that_cannot_be_recorded_shows_nothing(
        self, reader: Client, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**fields: Any) -> None:
            raise DatabaseError

        monkeypatch.setattr(readings, "record_reading", fail)
        reader.raise_request_exception = False

        response = reader.get(self.url(conversation))

        assert response.status_code == 500
        assert b"small one" not in response.content

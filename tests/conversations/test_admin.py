import csv
import datetime
import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from access import services as access_services
from access.models import StaffReading
from conversations.models import Conversation, Message
from tests.asserts import assert_statements
from tests.client import ApiClient
from tests.conversations.recipes import make_conversation_of, make_conversations

LIST = "/admin/conversations/conversation/"
AUTOCOMPLETE = (
    "/admin/autocomplete/?app_label=conversations&model_name=message&field_name=conversation&term="
)


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    for permission in permissions:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def reader() -> Client:
    return staff("view_conversation", "view_message")


@pytest.fixture
def support() -> Client:
    return staff("view_conversation")


@pytest.fixture
def conversation(person: ApiClient) -> Conversation:
    messages = [
        {"role": "user", "content": "Which <b>pump</b>?"},
        {
            "role": "assistant",
            "stage1": [{"model": "a/one", "response": "The small one."}],
            "stage3": {"model": "c/chair", "response": "<script>alert(1)</script>"},
        },
    ]
    person.post("/conversations", {"title": "Heat pumps", "messages": messages})
    return Conversation.objects.get()


@pytest.mark.django_db
class TestList:
    def test_shows_owner_title_messages_and_activity(
        self, support: Client, conversation: Conversation
    ) -> None:
        page = support.get(LIST).content.decode()

        assert "Heat pumps" in page
        assert "ann" in page

    @pytest.mark.parametrize("term", ["ann", " ann ", "{uid}"])
    def test_finds_by_owner_and_by_id(
        self, support: Client, conversation: Conversation, term: str
    ) -> None:
        page = support.get(LIST, {"q": term.format(uid=conversation.uid)}).content.decode()

        assert "Heat pumps" in page

    @pytest.mark.parametrize("term", ["an", "pumps", "%", "00000000-0000-0000-0000-000000000000"])
    def test_finds_nothing_else(
        self, support: Client, conversation: Conversation, term: str
    ) -> None:
        page = support.get(LIST, {"q": term}).content.decode()

        assert "Heat pumps" not in page

    @pytest.mark.parametrize("term", ["pumps", "PUMP small", "small one", "ann", "{uid}"])
    def test_finds_by_words_for_who_may_read_texts(
        self, reader: Client, conversation: Conversation, term: str
    ) -> None:
        term = term.replace("PUMP small", "heat PUMPS")

        page = reader.get(LIST, {"q": term.format(uid=conversation.uid)}).content.decode()

        assert "Heat pumps" in page

    @pytest.mark.parametrize("term", ["boilers", "pumps boilers", "%", "' OR 1=1", "an"])
    def test_finds_nothing_by_other_words(
        self, reader: Client, conversation: Conversation, term: str
    ) -> None:
        assert "Heat pumps" not in reader.get(LIST, {"q": term}).content.decode()

    def test_hides_from_others_what_texts_hold(
        self, support: Client, conversation: Conversation
    ) -> None:
        assert "Heat pumps" not in support.get(LIST, {"q": "small one"}).content.decode()

    def test_records_no_reading(
        self, reader: Client, support: Client, conversation: Conversation
    ) -> None:
        reader.get(LIST)
        reader.get(LIST, {"q": str(conversation.uid)})
        support.get(LIST, {"q": "small"})  # an id and nothing else

        assert not StaffReading.objects.exists()

    @pytest.mark.parametrize("door", [f"{LIST}?q=", f"{LIST}export.csv?q=", AUTOCOMPLETE])
    @pytest.mark.parametrize("words", ["small one", "boilers"])
    def test_records_a_search_in_the_texts_before_it(
        self, reader: Client, conversation: Conversation, door: str, words: str
    ) -> None:
        reader.get(f"{door}{words}")

        reading = StaffReading.objects.get()
        assert (reading.kind, reading.what) == ("(search)", f"conversations with: {words}")
        assert reading.staff.startswith("staff:staff")

    def test_is_not_searched_where_that_cannot_be_recorded(
        self, reader: Client, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**fields: Any) -> None:
            raise DatabaseError("no space")

        monkeypatch.setattr(access_services, "record_search", fail)

        with pytest.raises(DatabaseError):
            reader.get(LIST, {"q": "small"})

    @pytest.mark.parametrize(
        ("created", "expected"),
        [("today", 1), ("7", 2), ("30", 3), ("365", 4), ("", 5), ("nonsense", 5)],
    )
    def test_filters_by_age(self, support: Client, created: str, expected: int) -> None:
        now = timezone.now()
        for days in (0, 3, 20, 200, 500):
            make_conversations(1, created_at=now - datetime.timedelta(days=days))

        page = support.get(LIST, {"created": created}).content.decode()

        assert page.count("field-owner") == expected

    def test_filters_by_source(self, support: Client) -> None:
        make_conversations(2, title="By API")
        make_conversations(1, title="From a file", source="import")

        page = support.get(LIST, {"source__exact": "import"}).content.decode()

        assert "From a file" in page
        assert "By API" not in page

    def test_writes_dates_as_iso_8601(self, support: Client) -> None:
        make_conversations(1)

        assert "2026-01-31 12:00" in support.get(LIST).content.decode()

    def test_costs_the_same_at_any_length(
        self, support: Client, person: ApiClient, conversation: Conversation
    ) -> None:
        with assert_statements(6):  # session, user, two kinds of permissions, count, rows
            support.get(LIST)
        for _ in range(30):
            person.post("/conversations", {})

        with assert_statements(6):
            support.get(LIST)


HEADER = "id,user_id,title,message_count,source,created_at,updated_at,archived"


def exported(client: Client, **query: str) -> list[dict[str, str]]:
    response: Any = client.get(f"{LIST}export.csv", query)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert text.startswith(f"{HEADER}\r\n")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.django_db
class TestExport:
    def test_holds_the_columns_of_the_list(self, support: Client) -> None:
        [row] = make_conversations(1, title="=1+1", archived_at=timezone.now())

        assert exported(support) == [
            {
                "id": str(row.uid),
                "user_id": "ann",
                "title": "'=1+1",
                "message_count": "0",
                "source": "api",
                "created_at": "2026-01-31T12:00:00.123456Z",
                "updated_at": "2026-01-31T12:00:00.123456Z",
                "archived": "true",
            }
        ]

    def test_holds_all_pages(self, support: Client) -> None:
        make_conversations(120)

        assert len(exported(support, p="2")) == 120

    def test_is_searched_and_filtered_as_the_list_is(self, reader: Client) -> None:
        make_conversations(1, title="One", source="import")
        make_conversations(1, title="Two", source="import", user_id="bob")
        make_conversations(1, title="Three", user_id="bob")

        rows = exported(reader, q="bob", source__exact="import")

        assert [row["title"] for row in rows] == ["Two"]

    def test_is_offered_with_the_search_and_filters_of_the_list(self, support: Client) -> None:
        page = support.get(LIST, {"q": "ann", "source__exact": "api", "p": "1"}).content.decode()

        assert f'href="{LIST}export.csv?q=ann&amp;source__exact=api"' in page

    def test_finds_no_texts_for_who_may_not_read_them(
        self, support: Client, conversation: Conversation
    ) -> None:
        assert exported(support, q="small one") == []

    def test_costs_the_same_at_any_length(self, support: Client) -> None:
        with assert_statements(6):  # as the list; one more for each further 1,000 rows
            exported(support)
        make_conversations(500)

        with assert_statements(6):
            assert len(exported(support)) == 500

    def test_is_closed_to_strangers(self) -> None:
        assert Client().get(f"{LIST}export.csv").status_code == 302
        assert staff("view_staffreading").get(f"{LIST}export.csv").status_code == 403

    def test_of_a_look_up_that_no_filter_has_is_refused(self, support: Client) -> None:
        for lookup in ("person__user_id__nonsense", "title__startswith"):
            assert support.get(f"{LIST}export.csv", {lookup: "x"}).status_code == 400

    def test_of_a_page_that_is_none_leads_back(self, support: Client) -> None:
        make_conversations(51)

        response = support.get(f"{LIST}export.csv", {"p": "9"})

        assert (response.status_code, response["Location"]) == (302, f"{LIST}?e=1")


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

        monkeypatch.setattr(access_services, "record_reading", fail)
        reader.raise_request_exception = False

        response = reader.get(self.url(conversation))

        assert response.status_code == 500
        assert b"small one" not in response.content

import csv
import datetime
import io
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from access.models import StaffReading
from access.services import readings
from conversations.models import Conversation
from tests.asserts import assert_statements
from tests.client import ApiClient
from tests.conversations.pages import LIST, make_answered_conversation, staff
from tests.conversations.recipes import make_conversations

AUTOCOMPLETE = (
    "/admin/autocomplete/?app_label=conversations&model_name=message&field_name=conversation&term="
)


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

        monkeypatch.setattr(readings, "record_search", fail)

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

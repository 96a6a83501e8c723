"""Staff's search by words that very many texts have: a part of them, and how to go on."""

import html
import re

import pytest
from django.test import Client

from conversations.admin import word_search
from tests.asserts import assert_statements
from tests.client import ApiClient
from tests.conversations.pages import LIST, staff

pytestmark = pytest.mark.django_db

GO_ON = re.compile(r'<a class="underline" href="\?([^"]*)"')


@pytest.fixture(autouse=True)
def records(person: ApiClient, stranger: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight conversations; of more than three hits the newest three conversations are looked at."""
    monkeypatch.setattr(word_search, "MOST_HITS", 3)
    monkeypatch.setattr(word_search, "LOOKED_AT", 3)
    for number in range(6):
        said = [{"role": "user", "content": f"pump {number} old" if number < 2 else "a pump"}]
        person.post("/conversations", {"title": f"Talk {number}", "messages": said})
    stranger.post("/conversations", {"title": "Theirs"})
    stranger.post("/conversations", {"title": "A pump of theirs"})


@pytest.fixture
def reader() -> Client:
    return staff("view_conversation", "view_message")


def search(client: Client, **query: str) -> tuple[list[str], str]:
    """The titles found, and where the page says that one may go on; empty if it does not."""
    page = client.get(LIST, query).content.decode()
    titles = re.findall(r"(Talk \d|Theirs|A pump of theirs)</a>", page)
    link = GO_ON.search(page)
    return titles, html.unescape(link[1]) if link else ""


def test_words_of_few_texts_find_all_of_them(reader: Client) -> None:
    assert search(reader, q="old") == (["Talk 1", "Talk 0"], "")


def test_words_of_many_texts_are_looked_for_from_the_newest_on(reader: Client) -> None:
    seen, query = [], "q=pump"
    while query:
        titles, query = search(reader, **dict(part.split("=") for part in query.split("&")))
        seen.append(titles)

    assert seen == [["A pump of theirs", "Talk 5"], ["Talk 4", "Talk 3", "Talk 2"],
                    ["Talk 1", "Talk 0"]]  # fmt: skip


def test_where_none_of_the_newest_has_them_the_page_says_how_to_go_on(
    reader: Client, person: ApiClient
) -> None:
    for _ in range(3):
        person.post("/conversations", {"title": "Silence"})

    titles, further = search(reader, q="pump")

    assert titles == []
    assert further.startswith("q=pump&older_than=")


def test_a_filter_is_applied_before_the_newest_are_taken(
    reader: Client, stranger: ApiClient
) -> None:
    assert search(reader, q="pump", source__exact="import") == ([], "")
    assert search(reader, q="pump", older_than="nonsense")[0] == ["A pump of theirs", "Talk 5"]


def test_an_owner_is_found_besides(reader: Client) -> None:
    assert search(reader, q="ann")[0] == [f"Talk {number}" for number in range(5, -1, -1)]


def test_an_export_holds_all_of_them(reader: Client) -> None:
    response = reader.get(f"{LIST}export.csv", {"q": "pump"})

    assert b"".join(response.streaming_content).count(b"\r\n") == 1 + 7  # type: ignore[attr-defined]


def test_it_costs_the_same_however_many_they_are(reader: Client, person: ApiClient) -> None:
    # Four of the session and its user; the search's record, owner, titles, texts, the
    # newest, those with the words by title and by text; count and rows.
    with assert_statements(13):
        reader.get(LIST, {"q": "pump"})
    for _ in range(10):
        person.post("/conversations", {"title": "pump"})

    with assert_statements(13):
        reader.get(LIST, {"q": "pump"})

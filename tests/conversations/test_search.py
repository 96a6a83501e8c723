import datetime
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.db import connection

from conversations import reports
from conversations import search as search_module
from conversations.models import Conversation
from tests.asserts import assert_problem, assert_statements, stored
from tests.client import ApiClient
from tests.conversations import trees
from tests.conversations.recipes import MOMENT, key_of

pytestmark = pytest.mark.django_db


def search(person: ApiClient, query: str) -> Any:
    return person.get(f"/conversations/search?q={quote(query, safe='')}")


def titles(person: ApiClient, query: str) -> list[str]:
    answer = search(person, query)
    assert answer.status_code == 200, answer.content
    return [hit["title"] for hit in answer.json()["results"]]


def snippet(person: ApiClient, query: str) -> str:
    [hit] = search(person, query).json()["results"]
    return hit["snippet"]


def say(person: ApiClient, title: str, *contents: str) -> str:
    """The id of a new conversation with these messages."""
    messages = [{"role": "user", "content": content} for content in contents]
    made = person.post("/conversations", {"title": title, "messages": messages})
    assert made.status_code == 201, made.content
    return made.json()["id"]


class TestHits:
    def test_are_found_in_titles_and_in_every_stage(self, person: ApiClient) -> None:
        say(person, "Pump in the title")
        for place in ("stage1", "stage2", "stage3"):
            text = {"model": "m", "response": f"a pump for {place}"}
            stage = text if place == "stage3" else [text]
            message = {"role": "assistant", place: stage}
            person.post("/conversations", {"title": place, "messages": [message]})

        hits = search(person, "PUMP").json()

        assert [hit["title"] for hit in hits["results"]] == [
            "stage3", "stage2", "stage1", "Pump in the title",
        ]  # fmt: skip
        assert [hit["match_in_title"] for hit in hits["results"]] == [False, False, False, True]
        assert (hits["query"], hits["count"]) == ("PUMP", 4)

    def test_have_the_fields_of_the_contract(self, person: ApiClient) -> None:
        identity = say(person, "Heat", "a pump")

        [hit] = search(person, "pump").json()["results"]

        shown = person.get(f"/conversations/{identity}").json()
        assert hit == {
            "id": identity,
            "title": "Heat",
            "created_at": shown["created_at"],
            "updated_at": shown["updated_at"],
            "snippet": "a pump",
            "match_in_title": False,
        }

    def test_have_all_words_in_the_title_or_in_one_message(self, person: ApiClient) -> None:
        say(person, "one", "heat and pump")
        say(person, "two", "heat", "pump")
        say(person, "heat", "pump")
        say(person, "heat pump")

        assert titles(person, "pump heat") == ["heat pump", "one"]

    def test_have_all_words_of_a_long_query(self, person: ApiClient) -> None:
        words = [f"w{number}" for number in range(60)]
        say(person, "all", " ".join(words))
        say(person, "all but the last", " ".join(words[:-1]))

        assert titles(person, " ".join(words)) == ["all"]

    def test_have_the_first_64_words_of_a_longer_query(self, person: ApiClient) -> None:
        words = [f"w{number}" for number in range(65)]
        say(person, "all but the last", " ".join(words[:-1]))
        say(person, "all but the one before", " ".join([*words[:-2], words[-1]]))

        assert titles(person, " ".join(words)) == ["all but the last"]

    def test_may_have_their_words_spread_over_the_stages_of_one_message(
        self, person: ApiClient
    ) -> None:
        message = {
            "role": "assistant",
            "content": "alpha",
            "stage1": [{"response": "beta"}],
            "stage2": [{"ranking": "gamma"}],
            "stage3": {"response": "delta"},
        }
        person.post("/conversations", {"title": "council", "messages": [message]})

        assert titles(person, "alpha beta gamma delta") == ["council"]

    def test_are_not_made_by_the_names_of_models(self, person: ApiClient) -> None:
        message = {"role": "assistant", "stage1": [{"model": "acme/one", "response": "text"}]}
        person.post("/conversations", {"messages": [message]})

        assert titles(person, "acme") == []

    def test_are_not_made_by_parts_of_words(self, person: ApiClient) -> None:
        say(person, "one", "heatpumps")

        assert titles(person, "heat") == []
        assert titles(person, "heatpump") == []

    def test_are_found_in_a_message_that_was_appended(self, person: ApiClient) -> None:
        identity = say(person, "one", "first")

        person.post(
            f"/conversations/{identity}/messages", {"role": "user", "content": "a later pump"}
        )

        assert titles(person, "later pump") == ["one"]

    def test_are_found_in_imported_conversations(self, person: ApiClient, tmp_path: Path) -> None:
        trees.write(tmp_path, f"ann/{trees.ANN_1}.json", trees.conversation())
        call_command("import_json", str(tmp_path), verbosity=0)

        assert titles(person, "heat pumps") == ["Heat pumps"]
        assert titles(person, "together") == ["Heat pumps"]

    def test_follow_the_title(self, person: ApiClient) -> None:
        identity = say(person, "old pump")

        person.patch(f"/conversations/{identity}", {"title": "new boiler"})

        assert titles(person, "pump") == []
        assert titles(person, "boiler") == ["new boiler"]

    def test_do_not_change_when_something_else_does(self, person: ApiClient) -> None:
        identity = say(person, "pump")

        person.patch(f"/conversations/{identity}", {"metadata": {"x": 1}, "archived": True})

        assert titles(person, "pump") == ["pump"]

    def test_are_gone_with_their_conversation(self, person: ApiClient) -> None:
        identity = say(person, "pump", "pump")
        say(person, "other pump")

        person.delete(f"/conversations/{identity}")

        assert titles(person, "pump") == ["other pump"]


class TestSpellings:
    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("Straße", "STRAẞE"),
            ("ΟΔΥΣΣΕΎΣ", "Οδυσσεύς"),
            ("Ｈｅａｔ　１２", "heat 12"),
            ("ﬁsh ½", "FISH"),
            ("cafe\u0301", "CAFÉ"),
            ("snake_case_name", "name snake"),
            ("e-mail: ann@example.org", "example ann"),
            ("ﾎﾟﾝﾌﾟ", "ポンプ"),
            ("東京都の地図", "地図"),
            ("ภาษาไทย", "ภาษาไทย"),
            ("Привет, мир", "МИР"),
            ("١٢٣ سلام", "سلام ١٢٣"),
            ("a🌱b", "b"),
            ("heat\u2028pump\x85now", "pump now"),
        ],
    )
    def test_of_one_word_find_each_other(self, person: ApiClient, text: str, query: str) -> None:
        say(person, "in a message", text)

        assert titles(person, query) == ["in a message"]

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            # A dotted capital I in lower case is an i and a combining dot.
            ("İstanbul", "istanbul"),
            # A middle dot is no letter, in Japanese either.
            ("ジョン スミス", "ジョン・スミス"),
        ],
    )
    def test_of_one_word_are_not_parted_by_marks(
        self, person: ApiClient, text: str, query: str
    ) -> None:
        say(person, "in a message", text)

        assert titles(person, query) == ["in a message"]

    def test_of_hindi_words_are_more_than_their_consonants(self, person: ApiClient) -> None:
        say(person, "book", "किताब")
        say(person, "minaret", "कुतुब")

        assert titles(person, "कुतुब") == ["minaret"]


class TestRefuses:
    @pytest.mark.parametrize(
        "query", ["", " ", "*", '"', "_ - _", "🌱", "\u0301", "・", "\u309b", "=", "\\", "%"]
    )
    def test_what_has_neither_letter_nor_digit(self, person: ApiClient, query: str) -> None:
        say(person, "a_b 🌱 ・ ゛", "a ・ *")
        before = stored()

        assert search(person, query).status_code == 400
        assert stored() == before

    def test_a_call_without_a_query(self, person: ApiClient) -> None:
        problem = assert_problem(person.get("/conversations/search"), 400, "invalid_request")

        assert "q" in problem["errors"]

    def test_unknown_parameters(self, person: ApiClient) -> None:
        problem = assert_problem(
            person.get("/conversations/search?q=a&limit=3"), 400, "invalid_request"
        )

        assert "limit" in problem["errors"]


class TestOrder:
    def test_is_by_the_newest_activity(self, person: ApiClient) -> None:
        first = say(person, "first pump")
        say(person, "second pump")

        person.post(f"/conversations/{first}/messages", {"role": "user", "content": "again"})

        assert titles(person, "pump") == ["first pump", "second pump"]

    def test_ends_after_fifty(self, person: ApiClient) -> None:
        owner = key_of("ann")
        Conversation.objects.bulk_create(
            Conversation(
                person_id=owner,
                title=f"pump {number}",
                search_text=f"pump {number}",
                created_at=MOMENT,
                updated_at=MOMENT + datetime.timedelta(seconds=number),
            )
            for number in range(60)
        )

        hits = search(person, "pump").json()

        assert hits["count"] == 50
        expected = [f"pump {number}" for number in range(59, 9, -1)]
        assert [hit["title"] for hit in hits["results"]] == expected


class TestStatements:
    @pytest.mark.parametrize("hits", [1, 60])
    def test_are_two_and_one_for_the_key(self, person: ApiClient, hits: int) -> None:
        for number in range(hits):
            say(person, str(number), "a pump", "a second pump")

        with assert_statements(3) as statements:
            found = search(person, "pump").json()

        assert found["count"] == min(hits, 50)
        assert connection.vendor == "sqlite" or "@>" in statements[1]

    def test_are_one_and_one_for_the_key_when_nothing_is_found(self, person: ApiClient) -> None:
        with assert_statements(2):
            search(person, "pump")


class TestSnippet:
    def test_shows_fifty_characters_on_either_side(self, person: ApiClient) -> None:
        before, after = "b" * 79 + " ", " " + "a" * 79
        say(person, "x", f"{before}pump{after}")

        assert snippet(person, "PUMP") == f"…{'b' * 49} pump {'a' * 49}…"

    def test_shows_a_short_text_whole(self, person: ApiClient) -> None:
        say(person, "x", "the pump.")

        assert snippet(person, "pump") == "the pump."

    def test_shows_the_first_hit(self, person: ApiClient) -> None:
        say(person, "x", f"first pump {'x ' * 100} second pump", "third pump")

        assert snippet(person, "pump").startswith("first pump x")

    def test_is_on_one_line(self, person: ApiClient) -> None:
        say(person, "x", "one\n\ttwo\r\n pump\u2028three\x85four")

        assert snippet(person, "pump") == "one two pump three four"

    def test_shows_the_title_when_only_that_has_the_words(self, person: ApiClient) -> None:
        say(person, "The pump in the cellar", "nothing")

        assert snippet(person, "pump") == "The pump in the cellar"

    def test_shows_the_stage_that_has_the_word(self, person: ApiClient) -> None:
        message = {
            "role": "assistant",
            "content": "y" * 200,
            "stage3": {"model": "m", "response": "the pump of the chairman"},
        }
        person.post("/conversations", {"messages": [message]})

        assert snippet(person, "pump") == f"…{'y' * 45} the pump of the chairman"

    @pytest.mark.parametrize(
        ("written", "query"),
        [
            ("ﬁshing", "fishing"),
            ("Ｐｕｍｐ", "pump"),
            ("ÜBER", "über"),
            ("東京都", "京"),
            ("ﾎﾟﾝﾌﾟ", "ポ"),
            ("snake_pump_case", "pump"),
            pytest.param(unicodedata.normalize("NFD", "étude"), "étude", id="decomposed"),
            pytest.param("İstanbul", "İstanbul", id="dotted I"),
        ],
    )
    def test_finds_the_place_however_the_word_is_written(
        self, person: ApiClient, written: str, query: str
    ) -> None:
        say(person, "x", f"{'b ' * 100}{written}{' a' * 100}")

        shown = snippet(person, query)

        assert shown.startswith("…b b b") and shown.endswith("a a…")
        assert written in shown

    def test_is_looked_for_in_a_million_characters_of_all_hits_together(
        self, person: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_at: list[int] = []

        def noted(text: str, words: list[str]) -> str:
            looked_at.append(len(text))
            return search_module.snippet(text, words)

        monkeypatch.setattr(reports, "snippet", noted)
        content, stage = f"pump {'ab ' * 10_000}", [{"model": "m", "response": "x" * 10_000}]
        message = {"role": "assistant", "content": content, "stage1": stage}
        for _ in range(50):
            person.post("/conversations", {"messages": [message]})

        assert search(person, "pump").json()["count"] == 50

        assert looked_at == [20_000] * 50

    def test_of_a_word_farther_on_is_the_beginning_of_the_text(self, person: ApiClient) -> None:
        for _ in range(50):
            say(person, "x", f"first {'ab ' * 10_000} pump")

        snippets = {hit["snippet"] for hit in search(person, "pump").json()["results"]}

        assert snippets == {f"first {'ab ' * 14}ab…"}

    def test_has_a_stage_that_fits_where_another_does_not(self, person: ApiClient) -> None:
        message = {
            "role": "assistant",
            "stage1": [{"model": "m", "response": "x" * 250_000}],
            "stage3": {"model": "m", "response": "the pump of the chairman"},
        }
        person.post("/conversations", {"messages": [message]})

        assert snippet(person, "x" * 64) == "the pump of the chairman"

    def test_leaves_words_alone_that_only_contain_the_word(self, person: ApiClient) -> None:
        say(person, "x", f"pumps {'b ' * 100}pump")

        assert snippet(person, "pump") == f"…{'b ' * 25}pump"
